/* The one member of a request's body that the relay looks at: the model, at the top level of a JSON object. */
#ifndef HERMES_MODEL_H
#define HERMES_MODEL_H

#include <stdbool.h>
#include <stddef.h>

#include "bytes.h"

/* Where the text of the last top-level string member `model` stands in the body, without its quotes. A model with an
 * escape in it is not one (no provider has such names). */
struct model_place {
    size_t start;
    size_t end;
};
/* False: BODY is no JSON object, or has no such member. */
bool model_find(const char *body, size_t len, struct model_place *ret);
/* BODY with the text at PLACE replaced by NAME, as a JSON string's inside. False: no memory. */
bool model_replace(const char *body, size_t len, struct model_place place, const char *name, struct bytes *result)
    __attribute__((warn_unused_result));

#endif
