/* Whether a key that stands in front of a provider is another provider's: left over from the time before a switch. */
#ifndef HERMES_FOREIGN_KEY_H
#define HERMES_FOREIGN_KEY_H

#include "draft.h"
#include "must_check.h"

/* TEXT, which stands at ORIGIN, is to be the first key of DRAFT, a provider of the table. Warns when it is another
 * provider's by its value, which a variable has, or by its shape. False: it is not to be used here. */
bool foreign_key_check(struct resolver *r, const struct draft *draft, const char *text, size_t len,
                       struct origin origin) MUST_CHECK;

/* Warns where a provider of the user's has a key of one provider of the table, and the URL of another. */
void foreign_key_check_host(struct resolver *r, const struct provider *provider);

#endif
