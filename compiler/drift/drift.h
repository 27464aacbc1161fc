/* Who disagrees with the sources: every place where Hermes, or a person at a shell, may get a key from that no file of
 * the home names. Values are compared and wiped, only fingerprints leave.
 *
 * Nothing here blocks: what the user's systemd is asked has MANAGER_PATIENCE_MS to answer. */
#ifndef HERMES_DRIFT_H
#define HERMES_DRIFT_H

#include "drift_finding.h"

/* All of them: the snapshot, the pool, hermes-watch, processes, units, the user's systemd, the shell, start-up files.
 * C was compiled without `write`. SHELL: environ of the caller; NULL: it is hermes-watch, which knows how it fares. */
struct drift drift_find(const struct compilation *c, const char *home, const char *const *shell);

void drift_print(const struct drift *drift, FILE *stream);
/* `"findings":[...]`, inside an object that is open. */
void drift_json(struct text *out, const struct drift *drift);

#endif
