/* Cooldowns between this home and its fleet.
 *
 * Out: what the home learned by itself (the bookings of the library and the relay, and what Hermes marked in its pool)
 * goes to etcd, unless the fleet knows as much. In: what others learned is booked here, for library and relay at once,
 * and written to compiled/fleet-cooldowns.json, from which the next compile marks the entries of auth.json.
 *
 * The later deadline wins; a reset by hand beats both. Deadlines travel as seconds, and the remaining time is what
 * etcd's lease says: no machine's clock is compared with another's. */
#ifndef HERMES_FOLLOW_COOLDOWNS_H
#define HERMES_FOLLOW_COOLDOWNS_H

#include "fleet.h"
#include "follow_home.h"
#include "follow_known.h"
#include "must_check.h"

struct cooldown_follower {
    struct fleet *fleet;
    const char *host;
    struct follow_home home;
    struct follow_known known;
    char ids[8][17]; /* of the last resets that were seen, in turn */
    unsigned next_id;
    char awaited[17]; /* the reset told last; "": it came back. Until then no cooldown of this home is news */
    bool untold;      /* something may be news since */
};

void follow_cooldowns_open(struct cooldown_follower *follower, struct fleet *fleet, const char *host);
void follow_cooldowns_close(struct cooldown_follower *follower);

/* All that lies below `cooldowns/` at a moment: what the fleet no longer knows before its time was reset meanwhile. */
int follow_cooldowns_all(struct cooldown_follower *follower, struct arena *arena,
                         const struct etcd_values *all) MUST_CHECK;
/* A change below `cooldowns/` or `resets/`, just now. */
void follow_cooldowns_event(struct cooldown_follower *follower, struct arena *arena, const struct etcd_value *value);
/* Something was booked, marked or reset in this home, perhaps: tells the fleet. */
int follow_cooldowns_tell(struct cooldown_follower *follower, struct arena *arena) MUST_CHECK;
/* What was learned since goes to the file. */
void follow_cooldowns_write(struct cooldown_follower *follower, struct arena *arena);

#endif
