/* What writer and readers of the snapshot have to agree on. The shape itself is in snapshot.schema.json. */
#ifndef HERMES_SNAPSHOT_FORMAT_H
#define HERMES_SNAPSHOT_FORMAT_H

/* Raised when a reader of the old number could misread a new file; within one number, members are only added. */
#define SNAPSHOT_FORMAT 1

/* In the home. Hermes has a runtime/ of its own there. */
#define SNAPSHOT_DIRECTORY  "compiled"
#define SNAPSHOT_FILE       "compiled/snapshot.json"
#define COOLDOWNS_FILE      "compiled/cooldowns.json"
#define BOOKINGS_FILE       "compiled/bookings"
#define RELAY_TOKEN_FILE    "compiled/relay.token"
#define RELAY_DISTRUST_FILE SNAPSHOT_DIRECTORY "/relay.distrust" /* empty: that token may be known to others */
#define RELAY_OWNERS_FILE   "compiled/relay.owners"
#define COMPILE_LOCK_FILE   "compiled/compile.lock" /* held for a compile */
#define WATCH_LOCK_FILE     "compiled/watch.lock"   /* held as long as a hermes-watch watches the home */
#define STATUS_FILE         "compiled/status.json"
#define METRICS_FILE        "compiled/metrics.prom"

/* Of a home that belongs to a fleet. */
#define FLEET_COPY_FILE      "compiled/fleet.sealed"         /* its last good env file, as it lies in etcd */
#define FLEET_COOLDOWNS_FILE "compiled/fleet-cooldowns.json" /* what it knows of keys, in the form of COOLDOWNS_FILE */
#define FLEET_STATE_FILE     "compiled/fleet.json"           /* how it stands with the fleet */
#define FLEET_RESETS_FILE    "compiled/fleet.resets"         /* resets by hand that it is still to hear of */
#define FLEET_BELL_FILE      "compiled/fleet.bell"           /* a pipe: whoever books a key rings there */

/* What stands between meta and content; content is the last member, so that its bytes can be checked as they are. */
#define SNAPSHOT_OPENING "{\"meta\":"
#define SNAPSHOT_CONTENT ",\"content\":"
#define SNAPSHOT_CLOSING "}\n"

#endif
