#include "fleet_init.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "exit_status.h"
#include "fleet_key.h"
#include "fleet_settings.h"

static void print_next_steps(const char *name, const char *path)
{
    (void)printf(
        "made %s\n\n"
        "Anyone who has this file can read and change the fleet's keys. Keep a copy where you keep secrets, and copy\n"
        "it to each machine in a way that you trust (never through etcd), for the user that runs Hermes:\n"
        "    scp -p %s MACHINE:.config/hermes/\n\n"
        "In config.yaml of each home:\n"
        "    hermes_watch:\n"
        "      fleet:\n"
        "        name: %s\n"
        "        endpoints: [https://etcd-1:2379, https://etcd-2:2379, https://etcd-3:2379]\n"
        "        key_file: ~/.config/hermes/%s.fleet-key\n\n"
        "Then, from one of them:\n"
        "    hermes-fleet push keys.env\n"
        "    hermes-fleet status\n",
        path, path, name, name);
}

int fleet_init(struct arena *arena, const char *name)
{
    const char *user = getenv("HOME");
    name = name == NULL ? "prod" : name;
    if (!fleet_settings_name_fits(name)) {
        (void)fputs("hermes-fleet: a fleet's name has at most 64 letters, digits and . _ - (no slash, no dot at the "
                    "start)\n",
                    stderr);
        return EXIT_USAGE;
    }
    if (user == NULL || *user != '/') {
        (void)fputs("hermes-fleet: HOME is not set\n", stderr);
        return EXIT_USAGE;
    }
    const char *path = arena_printf(arena, "%s/.config/hermes/%s.fleet-key", user, name);
    int error = fleet_key_make(arena, path);
    if (error == 0) {
        print_next_steps(name, path);
        return EXIT_OK;
    }
    if (error == -EEXIST)
        (void)fprintf(stderr, "hermes-fleet: %s already exists; nothing else opens what is in etcd\n", path);
    else
        (void)fprintf(stderr, "hermes-fleet: %s: %s\n", path, strerror(-error));
    return error == -EEXIST ? EXIT_USAGE : EXIT_IO;
}
