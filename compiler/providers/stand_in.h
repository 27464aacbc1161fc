/* What keeps a profile's provider from being lent a key that is for another URL. */
#ifndef HERMES_STAND_IN_H
#define HERMES_STAND_IN_H

#include "draft.h"
#include "must_check.h"
#include "pool_view.h"

/* Whether ENTRY is one in the root's pool for a custom provider whose URL is another one in the profile: Hermes goes by
 * the name, and sends the key there. Then it is not the profile's. If it is one of this program's, an entry with the
 * word for no key, which Hermes sends there by itself, is to stand in the profile's own pool, so that it does not look
 * into the root's. */
bool stand_in_for(struct resolver *r, const struct pool_view_entry *entry) MUST_CHECK;

#endif
