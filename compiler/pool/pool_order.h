/* Where each entry of a pool stands. */
#ifndef HERMES_POOL_ORDER_H
#define HERMES_POOL_ORDER_H

#include "pool_projector.h"

void pool_order_arrange(struct projector *p);
bool pool_order_holds(const struct projector *p);
void pool_order_number(struct projector *p);
bool pool_order_is_foreign(const struct slot *slot);

#endif
