/* What a request's body says of where it is to go. */
#ifndef HERMES_BODY_H
#define HERMES_BODY_H

#include <stdbool.h>
#include <stddef.h>

#include "must_check.h"

struct exchange;

/* Finds the model in x->body, or in its beginning when x->streaming, and in the path: x->model and x->use_model. A body
 * that came in an encoding is decoded, and goes on so. 0; -ENOTSUP when it cannot be read and the path names no
 * provider, -EINVAL when it is not what it says, -E2BIG, -ENOMEM. */
int body_look(struct exchange *x) MUST_CHECK;
/* Takes COUNT bytes of its beginning out of the model, wherever it stands. False: no memory. */
bool body_cut_model(struct exchange *x, size_t count) MUST_CHECK;
/* MODEL is asked for in the stead of what the request names. False: no memory. */
bool body_set_model(struct exchange *x, const char *model) MUST_CHECK;

#endif
