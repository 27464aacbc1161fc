/* Which keys get an entry of ours. */
#ifndef HERMES_POOL_WANTED_H
#define HERMES_POOL_WANTED_H

#include "must_check.h"
#include "pool_projector.h"

/* An env file holds a login, which only Hermes's own entry can carry: no key of an env file may go before that. */
bool pool_wanted_login_in_env(const struct projector *p);
struct entry *pool_wanted_entry(const struct projector *p, const char *fingerprint) MUST_CHECK;
/* Finds out which; when the words are known. */
void pool_wanted_gather(struct projector *p);
const char *pool_wanted_auth_type(const struct projector *p, const struct credential *credential);
const char *pool_wanted_source(const struct projector *p, const struct credential *credential);

#endif
