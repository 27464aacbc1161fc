/* Values of variables that no env file sets any more. Hermes took them into its environment when it started and keeps
 * those of a variable that is gone until it ends, where nobody can look; and a profile may have a copy. So each value
 * that left, and when, is kept in compiled/departed.json, and the first keys of a custom provider ("custom:<name>") and
 * what a route of the API server said (model_routes.h) likewise, the oldest first:
 * {"XIAOMI_API_KEY": [{"fingerprint": "sha256:...", "at": 1795478458.25}]}. An observation: else drift says less. */
#ifndef HERMES_DEPARTED_H
#define HERMES_DEPARTED_H

#include "environment.h"
#include "fingerprint.h"
#include "hermes_runtime.h"
#include "must_check.h"
#include "provider.h"

#include <stdbool.h>

struct departed {
    const char *name;
    struct fingerprint fingerprint; /* of "": it was not set */
    double at;                      /* seconds since the epoch */
};

enum { DEPARTED_MOST = 16 }; /* values of one name */

/* Those of one name stand one behind the other, in the order in which they left. */
struct departures {
    struct departed *items;
    size_t count;
    size_t capacity;
    bool damaged; /* the file is not as it was written; what could be understood is here */
};

/* What the sources say now. */
struct departed_sources {
    const struct environment *environment;
    const struct providers *providers;
    const struct node *config;
};

struct departures departed_read(struct arena *arena, const char *home);
/* Since when the value counted, as far as that is known; 0: it is the first of its name. */
double departed_began(const struct departures *all, const struct departed *departed);
/* Whether a process that was started at SINCE (0: nobody knows when) found that value. */
bool departed_was_found(const struct departures *all, const struct departed *departed, double since);
/* Whether the sources have that value again, so that whoever kept it is up to date. */
bool departed_is_back(struct arena *arena, const struct departed_sources *now,
                      const struct departed *departed) MUST_CHECK;
/* Adds what PREVIOUS (or NULL) has and NOW has not, drops what is back, and writes the file if that changes it, or if
 * it was damaged, which is said. Only variables that Hermes knows by name. 0 or a negative errno. */
int departed_note(struct arena *arena, const char *home, const struct hermes_view *previous,
                  const struct departed_sources *now, double at, struct diagnostics *diagnostics) MUST_CHECK;

#endif
