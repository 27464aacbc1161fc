/* Whether a home could live with a revision: the compile that would follow, without writing anything. */
#ifndef HERMES_FLEET_TRIAL_H
#define HERMES_FLEET_TRIAL_H

#include "compile.h"

struct fleet_trial {
    struct compilation compilation; /* with the revision; to be finished by whoever asked */
    const char *trouble;            /* why not, in its arena: the first error, with its place; NULL: it could */
};

/* A home whose configuration has errors of its own can live with every revision that adds none in its own text. */
struct fleet_trial fleet_trial(const char *home, const char *managed, const struct fleet_revision *revision);

#endif
