/* Which provider of the table a host belongs to. */
#ifndef HERMES_HOST_OWNER_H
#define HERMES_HOST_OWNER_H

#include "must_check.h"
#include "provider_table.h"

/* Whether the two are offers of one company: `minimax` and `minimax-cn`. */
bool host_owner_related(const struct provider_row *a, const struct provider_row *b) MUST_CHECK;
/* The provider whose host URL names; NULL where it is ROW's own (if there is one), or nobody's. */
const struct provider_row *host_owner(const char *url, const struct provider_row *row) MUST_CHECK;

#endif
