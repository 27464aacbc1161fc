/* What systemd is told of all homes of a process: a status line, that everything was looked at, and that a reload is
 * through.
 *
 *     struct systemd_status s = {0};
 *     int error = systemd_status_open(&s, event);
 *     error = systemd_status_add(&s, &state);         for each home, before it is told of
 *     systemd_status_tell(&s, &state, true); ...
 *     systemd_status_close(&s);
 */
#ifndef HERMES_SYSTEMD_STATUS_H
#define HERMES_SYSTEMD_STATUS_H

#include "home_state.h"
#include "must_check.h"
#include "notify.h"

struct systemd_status {
    struct notifier notifier;
    struct home_state **states;
    size_t count;
    bool ready;       /* READY=1 was sent */
    size_t reloading; /* homes that are still to be looked at before a reload is through */
};

/* 0 or a negative errno. */
int systemd_status_open(struct systemd_status *s, sd_event *event) MUST_CHECK;
void systemd_status_close(struct systemd_status *s);

/* 0 or -ENOMEM. STATE lives until it is removed. */
int systemd_status_add(struct systemd_status *s, struct home_state *state) MUST_CHECK;
/* Fine for one that was never added. */
void systemd_status_remove(struct systemd_status *s, struct home_state *state);

/* STATE is as it says now. NEWS: systemd is told even when nothing else is new. */
void systemd_status_tell(struct systemd_status *s, const struct home_state *state, bool news);

/* A reload was asked for: it is through when each home was looked at. */
void systemd_status_reload(struct systemd_status *s);
/* STATE's home was compiled, or it was seen that it cannot be at this moment. */
void systemd_status_looked_at(struct systemd_status *s, struct home_state *state);

#endif
