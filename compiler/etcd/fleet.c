#include "fleet.h"

#include <stdio.h>
#include <string.h>

#include "exit_status.h"
#include "safe_read.h"

enum { READ_WAIT_MS = 2000 };

static void say(const char *what, const char *why)
{
    (void)fprintf(stderr, "hermes-fleet: %s%s%s\n", what, *why != '\0' ? " " : "", why);
}

/* Errors of the configuration that stand in the way of reading the section. */
static bool say_errors(const struct compilation *c)
{
    bool any = false;
    for (size_t i = 0; i < c->diagnostics.count; i++) {
        const struct diagnostic *d = c->diagnostics.items[i];
        bool copy = d->code == CODE_FLEET_COPY; /* which is to be fetched anew */
        if (d->severity != SEVERITY_ERROR || copy)
            continue;
        diagnostic_print(d, false, stderr);
        any = true;
    }
    return any;
}

static void read_own(struct fleet *fleet)
{
    struct fleet_copy copy;
    struct arena *arena = fleet->arena;
    struct safe_read read = safe_read(arena, arena_printf(arena, "%s/" FLEET_COPY_FILE, fleet->home), 0);
    fleet->own_cluster = "";
    if (read.status != SAFE_READ_OK || !fleet_copy_parse(arena, read.bytes, read.len, &copy) ||
        fleet_copy_open(arena, &copy, fleet->key, fleet->settings->name, &fleet->own) != NULL)
        return;
    fleet->own_cluster = copy.cluster;
}

static void set_access(struct fleet *fleet)
{
    const struct fleet_settings *settings = fleet->settings;
    const struct binding *password = settings->password_env == NULL
                                         ? NULL
                                         : environment_get(&fleet->compilation.environment, settings->password_env);
    fleet->access = (struct etcd_access){
        .endpoints = settings->endpoints,
        .endpoint_count = settings->endpoint_count,
        .ca_file = settings->ca_file,
        .cert_file = settings->cert_file,
        .cert_key_file = settings->cert_key_file,
        .username = settings->username,
        .password = password == NULL ? NULL : password->value,
    };
}

static int open_key(struct fleet *fleet)
{
    const char *trouble;
    fleet->key = fleet_key_read(fleet->arena, fleet->settings->key_file, &trouble);
    if (fleet->key != NULL)
        return EXIT_OK;
    say(fleet->settings->key_file, trouble);
    return EXIT_INVALID;
}

int fleet_open(struct fleet *fleet, struct arena *arena, const char *home, const char *managed)
{
    *fleet = (struct fleet){.arena = arena, .home = home, .managed = managed};
    struct compilation *c = &fleet->compilation;
    compile_home(c, &(struct compile_request){
                        .home = home, .managed = managed, .only_check = true, .read_wait_ms = READ_WAIT_MS});
    fleet->settings = &c->sources.fleet;
    if (fleet->settings->name == NULL || fleet->settings->key_file == NULL || fleet->settings->endpoint_count == 0) {
        if (!say_errors(c))
            say(home, "does not belong to a fleet: its config.yaml has no hermes_watch.fleet");
        return EXIT_INVALID;
    }
    int status = open_key(fleet);
    if (status != EXIT_OK)
        return status;
    read_own(fleet);
    set_access(fleet);
    fleet->etcd = etcd_create(&fleet->access);
    return fleet->etcd == NULL ? EXIT_IO : EXIT_OK;
}

void fleet_close(struct fleet *fleet)
{
    etcd_destroy(fleet->etcd);
    fleet->etcd = NULL;
    compilation_finish(&fleet->compilation);
}

struct fleet_offer fleet_offer_of(const struct fleet *fleet, struct arena *arena, const char *place,
                                  const struct etcd_value *value)
{
    struct text text;
    struct fleet_offer offer = {.present = value->value != NULL, .sealed = *value};
    if (!offer.present)
        return offer;
    if (!fleet_seal_open(arena, fleet->key, fleet_copy_place(arena, fleet->settings->name, place), value->value,
                         value->len, &text))
        offer.trouble = arena_printf(arena, "cannot be opened with %s: it was altered, or sealed with another key file",
                                     fleet->settings->key_file);
    else if (!fleet_revision_parse(arena, text.bytes, text.len, &offer.revision))
        offer.trouble = "is not a revision that this version knows";
    return offer;
}

int fleet_offered(struct fleet *fleet, struct fleet_offer *ret)
{
    struct etcd_values values;
    int error = etcd_range(fleet->etcd, fleet->arena, fleet_place(fleet, "sources/env"), NULL, &values);
    if (error == 0)
        *ret = values.count == 0 ? (struct fleet_offer){0}
                                 : fleet_offer_of(fleet, fleet->arena, "sources/env", &values.items[0]);
    return error;
}

const char *fleet_place(const struct fleet *fleet, const char *what)
{
    return fleet_copy_place(fleet->arena, fleet->settings->name, what);
}

const char *fleet_range_end(struct arena *arena, const char *place)
{
    char *end = arena_strdup(arena, place);
    end[strlen(end) - 1] = '/' + 1;
    return end;
}

int fleet_range(struct fleet *fleet, struct arena *arena, const char *what, struct etcd_values *ret)
{
    const char *place = fleet_copy_place(arena, fleet->settings->name, what);
    return etcd_range(fleet->etcd, arena, place, fleet_range_end(arena, place), ret);
}

int fleet_say_trouble(const struct fleet *fleet, int error)
{
    say(etcd_trouble(fleet->etcd), "");
    return error == ETCD_AWAY ? EXIT_IO : EXIT_INVALID;
}
