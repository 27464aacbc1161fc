/* Values of variables that no env file sets any more. Hermes took them into its environment when it started and keeps
 * those of a variable that is gone until it ends, where nobody can look; and a profile may have a copy. So the last
 * value that left, and when, is kept in compiled/departed.json, and the first key of a custom provider
 * ("custom:<name>") likewise:
 * {"XIAOMI_API_KEY": {"fingerprint": "sha256:...", "at": 1795478458.25}}. An observation: else drift says less. */
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
    struct fingerprint fingerprint;
    double at; /* seconds since the epoch */
};

struct departures {
    struct departed *items;
    size_t count;
    size_t capacity;
    bool damaged; /* the file is not as it was written; what could be understood is here */
};

struct departures departed_read(struct arena *arena, const char *home);
/* Adds what PREVIOUS (or NULL) has and ENVIRONMENT has not, drops what is back, and writes the file if that changes it,
 * or if it was damaged, which is said. Only variables that Hermes knows by name, the last value of each. 0 or a
 * negative errno. */
int departed_note(struct arena *arena, const char *home, const struct hermes_view *previous,
                  const struct environment *environment, const struct providers *providers, double now,
                  struct diagnostics *diagnostics) MUST_CHECK;

#endif
