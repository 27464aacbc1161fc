#include "reload_unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "clock.h"
#include "departed.h"
#include "model_routes.h"
#include "proc_file.h"
#include "shown.h"
#include "side_task.h"

#define SYSTEMD "org.freedesktop.systemd1"
#define MANAGER "/org/freedesktop/systemd1"

/* A variable that Hermes takes a provider's key from, and the keys that provider has now. */
struct variable {
    const char *name;
    const struct fingerprint *keys;
    size_t key_count;
    /* A process that was started between these has an older one, whatever its environment shows; 0: none has. */
    double began;
    double gone_at;
};

void reload_unit_open(struct reloader *r, const struct watched_home *home)
{
    *r = (struct reloader){.home = home};
}

void reload_unit_close(struct reloader *r)
{
    sd_bus_close_unref(r->bus);
    free(r->unit);
    arena_destroy(r->arena);
    *r = (struct reloader){.home = r->home, .told = r->told, .told_at = r->told_at};
}

/* --- which variables --- */

static void add_variable(struct reloader *r, const char *name, const struct fingerprint *keys, size_t key_count)
{
    ARENA_GROW(r->arena, r->variables, r->capacity, r->count + 1);
    r->variables[r->count++] =
        (struct variable){.name = arena_strdup(r->arena, name), .keys = keys, .key_count = key_count};
}

/* What a process that was started before keeps until it ends: a variable that left .env, a key that its side tasks
 * have, and the routes of its API server. */
static void note_gone(struct reloader *r, const struct compilation *c)
{
    const struct departures departed = departed_read(r->arena, c->home);
    const struct departed_sources now = {&c->environment, &c->providers, c->config};
    for (size_t i = 0; i < departed.count; i++) {
        const struct departed *gone = &departed.items[i];
        bool stays =
            model_routes_are(gone->name) || side_task_keeps(c->config, &c->customs, &c->providers, gone->name) != NULL;
        if (stays && !departed_is_back(c->arena, &now, gone)) {
            add_variable(r, gone->name, NULL, 0);
            r->variables[r->count - 1].began = departed_began(&departed, gone);
            r->variables[r->count - 1].gone_at = gone->at;
        }
        for (size_t k = 0; k < r->count && !stays && environment_get(&c->environment, gone->name) == NULL; k++)
            if (strcmp(r->variables[k].name, gone->name) == 0)
                r->variables[k].gone_at = gone->at;
    }
}

static void add_provider(struct reloader *r, const struct provider_row *row, const struct provider *now)
{
    size_t count = now == NULL ? 0 : now->credential_count;
    struct fingerprint *keys = arena_alloc(r->arena, (count + 1) * sizeof *keys);
    for (size_t i = 0; i < count; i++)
        keys[i] = now->credentials[i].fingerprint;
    for (size_t i = 0; row != NULL && row->key_envs[i] != NULL; i++)
        add_variable(r, row->key_envs[i], keys, count);
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < now->credentials[i].origin_count; k++)
            if (now->credentials[i].rank == RANK_ENV)
                add_variable(r, now->credentials[i].origins[k].key, keys, count);
}

static bool changes_a_key(const struct change *change)
{
    return change->provider != NULL && (strcmp(change->what, "added") == 0 || strcmp(change->what, "removed") == 0 ||
                                        strcmp(change->what, "rotated") == 0);
}

static void add_changed(struct reloader *r, const struct compilation *c)
{
    for (size_t i = 0; i < c->plan.count; i++) {
        const struct provider *now = NULL;
        const struct change *change = &c->plan.changes[i];
        if (!changes_a_key(change))
            continue;
        for (size_t k = 0; k < c->providers.count; k++)
            if (strcmp(shown_name(c->arena, c->providers.items[k]->id), change->provider) == 0)
                now = c->providers.items[k];
        add_provider(r, now != NULL ? now->row : provider_table_find(change->provider), now);
    }
}

/* A question that is under way is put again, together with the new one. */
static void keep_variables(struct reloader *r, const struct reloader *before)
{
    size_t fresh = r->count;
    for (size_t i = 0; i < before->count; i++) {
        const struct variable *old = &before->variables[i];
        bool known = false;
        for (size_t k = 0; k < fresh; k++)
            known = known || strcmp(r->variables[k].name, old->name) == 0;
        struct fingerprint *keys = arena_alloc(r->arena, (old->key_count + 1) * sizeof *keys);
        if (old->key_count > 0)
            memcpy(keys, old->keys, old->key_count * sizeof *keys);
        if (known)
            continue;
        add_variable(r, old->name, keys, old->key_count);
        r->variables[r->count - 1].began = old->began;
        r->variables[r->count - 1].gone_at = old->gone_at;
    }
}

/* --- what the process has --- */

static bool has_key(const struct variable *variable, const struct fingerprint *key)
{
    for (size_t i = 0; i < variable->key_count; i++)
        if (strcmp(variable->keys[i].text, key->text) == 0)
            return true;
    return false;
}

static bool keeps(const struct reloader *r, const struct variable *variable, unsigned process, double since)
{
    bool told = process == r->told && variable->gone_at <= r->told_at;
    return !told && since > 0 && since >= variable->began && since < variable->gone_at;
}

/* The name of a variable that the process has and whose key its provider has no more; NULL when there is none. */
static const char *shadowing(struct reloader *r, unsigned process)
{
    char path[64];
    (void)snprintf(path, sizeof path, "/proc/%u", process);
    struct memory_hold hold;
    int directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    memory_hold_fd(&hold, &directory);
    struct text variables = proc_file_read(r->arena, directory, "environ");
    memory_give_back(&hold);
    double since = proc_file_started((pid_t)process);
    for (size_t i = 0; i < r->count; i++) {
        const char *value = proc_file_variable(&variables, r->variables[i].name);
        if ((value == NULL || *value == '\0') && keeps(r, &r->variables[i], process, since))
            return r->variables[i].name;
        if (value == NULL || *value == '\0')
            continue;
        struct fingerprint key = fingerprint_of(value, strlen(value));
        if (!has_key(&r->variables[i], &key))
            return r->variables[i].name;
    }
    return NULL;
}

/* --- systemd --- */

static int at_reloaded(sd_bus_message *reply, void *reloader, sd_bus_error *error)
{
    struct reloader *r = reloader;
    (void)error;
    if (sd_bus_message_is_method_error(reply, NULL)) {
        char text[1024];
        (void)snprintf(text, sizeof text, "%s cannot be reloaded: %s", r->unit,
                       sd_bus_message_get_error(reply)->message);
        watched_home_say(r->home, LOG_WARNING, NULL, text);
    }
    reload_unit_close(r);
    return 0;
}

static bool reload(struct reloader *r, const char *variable)
{
    char text[1024];
    (void)snprintf(text, sizeof text, "%s was started with %s, which has changed: reloading it", r->unit, variable);
    if (!r->home->quiet)
        watched_home_say(r->home, LOG_INFO, NULL, text);
    return sd_bus_call_method_async(r->bus, NULL, SYSTEMD, MANAGER, SYSTEMD ".Manager", "ReloadOrTryRestartUnit",
                                    at_reloaded, r, "ss", r->unit, "replace") >= 0;
}

struct question {
    struct reloader *reloader;
    uint32_t process;
    const char *variable; /* the answer */
};

static void look_at_process(void *data)
{
    struct question *q = data;
    q->variable = shadowing(q->reloader, q->process);
}

static int at_process(sd_bus_message *reply, void *reloader, sd_bus_error *error)
{
    struct reloader *r = reloader;
    struct question q = {.reloader = r};
    (void)error;
    bool seen = !sd_bus_message_is_method_error(reply, NULL) && sd_bus_message_read(reply, "v", "u", &q.process) >= 0 &&
                q.process != 0 && memory_try(look_at_process, &q);
    bool reloads = seen && q.variable != NULL && reload(r, q.variable);
    if (reloads) {
        r->told = q.process;
        r->told_at = clock_wall();
    } else {
        reload_unit_close(r);
    }
    return 0;
}

/* The manager's own socket, as systemctl --user does it, else the bus. */
static int open_manager(sd_bus **ret)
{
    char address[4096];
    const char *runtime = getenv("XDG_RUNTIME_DIR");
    sd_bus *bus = NULL;
    if (runtime == NULL || strpbrk(runtime, ",;%") != NULL)
        return sd_bus_open_user(ret);
    (void)snprintf(address, sizeof address, "unix:path=%s/systemd/private", runtime);
    int error = sd_bus_new(&bus);
    if (error >= 0)
        error = sd_bus_set_address(bus, address);
    if (error >= 0)
        error = sd_bus_start(bus);
    if (error >= 0)
        *ret = bus;
    else
        sd_bus_unref(bus);
    return error >= 0 ? error : sd_bus_open_user(ret);
}

static int ask_for_process(struct reloader *r)
{
    char *object = NULL;
    int error = open_manager(&r->bus);
    if (error >= 0)
        error = sd_bus_attach_event(r->bus, r->home->event, SD_EVENT_PRIORITY_IDLE);
    if (error >= 0)
        error = sd_bus_path_encode(MANAGER "/unit", r->unit, &object);
    if (error >= 0)
        error = sd_bus_call_method_async(r->bus, NULL, SYSTEMD, object, "org.freedesktop.DBus.Properties", "Get",
                                         at_process, r, "ss", SYSTEMD ".Service", "MainPID");
    free(object);
    return error;
}

static void close_reloader(void *reloader)
{
    reload_unit_close(reloader);
}

void reload_unit_after_compile(struct reloader *r, const struct compilation *c)
{
    if (!c->publication.published || c->plan.first || c->settings.reload_unit == NULL)
        return;
    struct reloader before = *r;
    struct memory_hold hold;
    memory_hold(&hold, close_reloader, &before);
    *r = (struct reloader){.home = before.home, .told = before.told, .told_at = before.told_at};
    r->arena = arena_create();
    r->unit = strdup(c->settings.reload_unit);
    add_changed(r, c);
    note_gone(r, c);
    keep_variables(r, &before);
    memory_give_back(&hold);
    if (r->count == 0 || r->unit == NULL || ask_for_process(r) < 0)
        reload_unit_close(r);
}
