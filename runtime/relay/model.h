/* The one thing of a request's body that the relay looks at: the model. */
#ifndef HERMES_MODEL_H
#define HERMES_MODEL_H

#include <stdbool.h>
#include <stddef.h>

#include "bytes.h"
#include "must_check.h"

enum { MODEL_SIZE = 160 };

/* Where its text stands in the body: of a JSON string without its quotes, or of a form's field. */
struct model_place {
    size_t start;
    size_t end;
    bool of_form; /* as it is: nothing is escaped, */
    bool escaped; /* or as in a query */
};
/* The last top-level member `model` of a JSON object, when it is a string. BODY may be the beginning of one. False:
 * there is none. */
bool model_find(const char *body, size_t len, struct model_place *ret) MUST_CHECK;
/* The field `model` of a form of that Content-Type, multipart/form-data; likewise. */
bool model_find_in_form(const char *content_type, const char *body, size_t len, struct model_place *ret) MUST_CHECK;
/* The same of application/x-www-form-urlencoded. */
bool model_find_in_pairs(const char *content_type, const char *body, size_t len, struct model_place *ret) MUST_CHECK;
/* The model at PLACE, its escapes resolved. False: it is longer than a model is. */
bool model_name(const char *body, struct model_place place, char name[MODEL_SIZE]) MUST_CHECK;
/* BODY with NAME at PLACE. False: no memory. */
bool model_replace(const char *body, size_t len, struct model_place place, const char *name,
                   struct bytes *result) MUST_CHECK;

#endif
