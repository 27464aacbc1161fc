/* How the entries of a pool are written. */
#ifndef HERMES_POOL_TEXT_H
#define HERMES_POOL_TEXT_H

#include "pool_projector.h"

/* Before it is edited or put. */
void pool_text_begin_slot(struct projector *p, struct slot *slot);
void pool_text_edit_slot(struct projector *p, struct slot *slot);
void pool_text_put_array(struct projector *p, struct text *out);

#endif
