/* The state of the relay as one JSON object: what the status page shows. */
#ifndef HERMES_STATUS_H
#define HERMES_STATUS_H

#include <stdbool.h>

#include "bytes.h"
#include "must_check.h"

struct relay;

/* {"version", "home", "started_at", "snapshot": "ok" or what is wrong, "generation", "compiled_at", "default_provider",
 *  "providers": [{"id", "base_url", "strategy", "auth", "state", "until", "keys": [{"fingerprint", "state": "good" |
 *  "cooling" | "dead", "until", "rule", "status", "requests", "last_used", "next": goes out next (under `random`: may),
 *  "origins": [{"path", "line", "column", "key"}]}]}],
 *  "switches": [{"at", "provider", "fingerprint", "status", "verdict", "rule", "until", "request": its id,
 * "to_provider", "to_fingerprint"}], latest first, "watcher_running": as the process that wrote it, "watcher": what
 * compiled/status.json says, or null} on one line. Times are seconds since the epoch; "until" of a dead key is null. */
bool status_json(struct relay *relay, struct bytes *out) MUST_CHECK;

#endif
