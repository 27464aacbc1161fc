/* OpenRouter's pool, which has rules of its own: Hermes asks it only at the table's URL, and with `auto` chooses
 * OpenRouter as soon as any entry is there. */
#ifndef HERMES_OPENROUTER_POOL_H
#define HERMES_OPENROUTER_POOL_H

#include "draft.h"

/* Where an entry of ours would only make `auto` choose another provider than before, there is none. */
void openrouter_pool_leave_out(struct resolver *r, struct provider *provider);

#endif
