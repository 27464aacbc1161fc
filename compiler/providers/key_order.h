/* The order in which the keys of a provider go out. */
#ifndef HERMES_KEY_ORDER_H
#define HERMES_KEY_ORDER_H

#include "draft.h"

void key_order(struct resolver *r, struct provider *provider);

#endif
