/* What a machine says of itself to its fleet, sealed, under a lease: whoever does not renew it is gone. */
#ifndef HERMES_FLEET_MACHINE_H
#define HERMES_FLEET_MACHINE_H

#include "must_check.h"
#include "text.h"

#include <stdbool.h>

struct fleet_machine {
    const char *host; /* as it calls itself */
    const char *home;
    const char *version;
    const char *instance; /* of the process that wrote it: two of them are two machines with one id */
    long long revision;   /* in force */
    long long generation;
    const char *state; /* "ok", "invalid", ... as compiled/status.json has it; "refused": REVISION stays */
    const char *since; /* when that began, by the machine's own clock */
    const char *error; /* "": none */
};

struct text fleet_machine_text(struct arena *arena, const struct fleet_machine *machine);
bool fleet_machine_parse(struct arena *arena, const char *text, size_t len, struct fleet_machine *ret) MUST_CHECK;

#endif
