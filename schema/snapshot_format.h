/* What writer and readers of the snapshot have to agree on. The shape itself is in snapshot.schema.json. */
#ifndef HERMES_SNAPSHOT_FORMAT_H
#define HERMES_SNAPSHOT_FORMAT_H

/* Raised when a reader of the old number could misread a new file; within one number, members are only added. */
#define SNAPSHOT_FORMAT 1

/* In the home. Hermes has a runtime/ of its own there. */
#define SNAPSHOT_DIRECTORY "compiled"
#define SNAPSHOT_FILE      "compiled/snapshot.json"
#define COOLDOWNS_FILE     "compiled/cooldowns.json"
#define BOOKINGS_FILE      "compiled/bookings"
#define RELAY_TOKEN_FILE   "compiled/relay.token"
#define RELAY_OWNERS_FILE  "compiled/relay.owners"
#define COMPILE_LOCK_FILE  "compiled/compile.lock" /* held for a compile */
#define WATCH_LOCK_FILE    "compiled/watch.lock"   /* held as long as a hermes-watch watches the home */
#define STATUS_FILE        "compiled/status.json"
#define METRICS_FILE       "compiled/metrics.prom"

/* What stands between meta and content; content is the last member, so that its bytes can be checked as they are. */
#define SNAPSHOT_OPENING "{\"meta\":"
#define SNAPSHOT_CONTENT ",\"content\":"
#define SNAPSHOT_CLOSING "}\n"

#endif
