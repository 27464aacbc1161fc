/* hermes_watch.reload_unit: a unit whose process was started with a key in its environment, and goes on with it, is
 * reloaded when that key has changed in the sources. systemd reloads it where it can be reloaded (for
 * hermes-gateway.service a restart that ends no conversation), else restarts it where it runs. Silent where there is no
 * user manager; the loop never waits. */
#ifndef HERMES_RELOAD_UNIT_H
#define HERMES_RELOAD_UNIT_H

#include "watched_home.h"

#include <systemd/sd-bus.h>

struct reloader {
    const struct watched_home *home;
    sd_bus *bus; /* NULL: nothing is under way */
    char *unit;
    struct arena *arena;        /* holds what follows */
    struct variable *variables; /* in which a changed key may still stand */
    size_t count;
    size_t capacity;
    uint32_t told; /* the process that was last told to reload; it may take its time, or stay; 0: none */
    double told_at;
};

/* HOME lives as long as the reloader. */
void reload_unit_open(struct reloader *reloader, const struct watched_home *home);
/* After a publish: looks whether the unit's environment shadows a credential that changed. */
void reload_unit_after_compile(struct reloader *reloader, const struct compilation *c);
void reload_unit_close(struct reloader *reloader);

#endif
