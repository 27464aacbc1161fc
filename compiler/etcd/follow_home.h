/* The home that follows: its keys, and what is booked and reset there because the fleet says so. */
#ifndef HERMES_FOLLOW_HOME_H
#define HERMES_FOLLOW_HOME_H

#include "bookings.h"
#include "must_check.h"

struct arena;
struct hermes;

struct follow_home {
    const char *path;
    struct hermes *reader; /* NULL: there is no snapshot yet */
};

void follow_home_close(struct follow_home *home);
/* False: there is no snapshot. */
bool follow_home_look(struct follow_home *home) MUST_CHECK;
bool follow_home_has(struct follow_home *home, const char *provider, const char *fingerprint) MUST_CHECK;
/* For the library and the relay, which see it at once; never over a later deadline. */
void follow_home_book(const struct follow_home *home, struct arena *arena, const struct bookings_id *id,
                      const struct booking *booking);
/* As `hermes-compile --reset` does, where the home has the key. */
void follow_home_reset(struct follow_home *home, struct arena *arena, const char *provider, const char *fingerprint);

#endif
