/* A new revision of the fleet's env file: pushed by hand, or brought back by a rollback. */
#ifndef HERMES_FLEET_PUSH_H
#define HERMES_FLEET_PUSH_H

#include "fleet.h"
#include "must_check.h"

enum { FLEET_HISTORY_MOST = 64 }; /* so many revisions are kept in etcd */

/* `history/000000000012` */
const char *fleet_push_history_place(struct arena *arena, long long revision);

/* Checks ENV (LEN bytes, shown as LABEL), shows what changes by fingerprint, and writes it in one transaction, unless
 * somebody else pushed since. FROM: the revision that is rolled back to, or 0. EXIT_OK, also where nothing changes; or
 * the status to end with after a message. JSON: what it says on standard output is JSON. */
int fleet_push(struct fleet *fleet, const char *label, const char *env, size_t len, long long from,
               bool json) MUST_CHECK;

#endif
