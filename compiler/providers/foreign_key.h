/* Whether a key that stands in front of a provider is another provider's: left over from the time before a switch. */
#ifndef HERMES_FOREIGN_KEY_H
#define HERMES_FOREIGN_KEY_H

#include "draft.h"
#include "must_check.h"

/* Whether the two are offers of one company: `minimax` and `minimax-cn`. */
bool foreign_key_related(const struct provider_row *a, const struct provider_row *b);

/* TEXT, which stands at ORIGIN, is to be the first key of DRAFT, a provider of the table. Warns when it is another
 * provider's by its value, which a variable has, or by its shape. False: it is not to be used here. */
bool foreign_key_check(struct resolver *r, const struct draft *draft, const char *text, size_t len,
                       struct origin origin) MUST_CHECK;

#endif
