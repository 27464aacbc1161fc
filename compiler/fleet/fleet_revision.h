/* A revision of a fleet's env file: what `sources/env` in etcd holds, sealed. Revisions are counted from 1 in the
 * sealed text itself: what etcd counts starts anew when it is restored, and can be set by whoever writes to it.
 *
 *     hermes-fleet-revision 1
 *     revision 12
 *     id 0123456789abcdef             of this push, by which whoever pushed knows it again
 *     at 2026-11-29T22:00:00.000Z
 *     by deploy@build-1
 *     from 9                          only of a rollback
 *
 *     XIAOMI_API_KEY=...              the env file, behind the empty line */
#ifndef HERMES_FLEET_REVISION_H
#define HERMES_FLEET_REVISION_H

#include "must_check.h"
#include "text.h"

#include <stdbool.h>

enum { FLEET_ENV_MOST = 512 * 1024 }; /* of an env file: etcd takes 1.5 MiB in one transaction */

struct fleet_revision {
    long long number;
    const char *id;
    const char *at;
    const char *by;
    long long from; /* 0: of no rollback */
    const char *env;
    size_t env_len;
};

struct text fleet_revision_text(struct arena *arena, const struct fleet_revision *revision);
/* RET's texts lie in the arena. False: it is not of this form. */
bool fleet_revision_parse(struct arena *arena, const char *text, size_t len, struct fleet_revision *ret) MUST_CHECK;

/* Whether both say the same, whoever pushed it when. */
bool fleet_revision_same(const struct fleet_revision *a, const struct fleet_revision *b);

#endif
