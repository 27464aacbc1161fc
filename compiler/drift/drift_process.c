#include <stdlib.h>
#include <string.h>

#include "drift_looks.h"
#include "hermes_process.h"
#include "model_routes.h"
#include "open_session.h"
#include "proc_file.h"
#include "shown.h"
#include "side_task.h"
#include "source.h"

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL ? path : slash + 1;
}

/* How PROCESS is started again: its unit, when systemd runs it. */
static const char *restart_command(struct arena *arena, int process, const char *pid)
{
    struct text cgroup = proc_file_read(arena, process, "cgroup");
    size_t len = cgroup.len;
    while (len > 0 && cgroup.bytes[len - 1] == '\n')
        len--;
    const char *path = arena_strndup(arena, cgroup.bytes, len);
    const char *unit = base_name(path);
    size_t unit_len = strlen(unit);
    if (strncmp(unit, "hermes", 6) != 0 || unit_len < 8 || strcmp(unit + unit_len - 8, ".service") != 0)
        return arena_printf(arena, "kill %s, and start it again", pid);
    return arena_printf(arena, "systemctl %srestart %s", strstr(path, "/user@") != NULL ? "--user " : "", unit);
}

/* Whether a process that was started at SINCE, and keeps what it found, has that value, which is not the sources'. */
static bool is_kept_by(const struct drift *drift, const struct departed *departed, double since)
{
    const struct departed_sources now = {&drift->c->environment, &drift->c->providers, drift->c->config};
    return departed_was_found(&drift->departed, departed, since) && !departed_is_back(drift->arena, &now, departed);
}

/* Why a process that is older than an edit still has what NAME was before; NULL: it reads the file again. */
static const char *why_kept(const struct drift *drift, const char *name)
{
    const struct binding *binding = environment_get(&drift->c->environment, name);
    if (binding == NULL)
        return "an env file set it when the process was started, and none does now: the process still has it";
    if (binding->place.source != NULL && binding->place.source->kind == SOURCE_OP_ENV)
        return ".op.env changed after the process was started: the process still has the older value";
    return NULL;
}

/* What an env file set when the process was started: Hermes keeps it, where /proc does not show it. */
static void look_at_departed(struct drift *drift, const char *where, long pid, const char *restart,
                             const struct text *variables)
{
    double since = drift->departed.count == 0 ? 0 : proc_file_started((pid_t)pid);
    for (size_t i = 0; since > 0 && i < drift->departed.count; i++) {
        const struct departed *departed = &drift->departed.items[i];
        const char *why = is_kept_by(drift, departed, since) ? why_kept(drift, departed->name) : NULL;
        if (why != NULL && drift_watched(drift, departed->name) &&
            proc_file_variable(variables, departed->name) == NULL)
            drift_add(drift, (struct finding){.where = where,
                                              .variable = departed->name,
                                              .found = departed->fingerprint.text,
                                              .matters = true,
                                              .message = why,
                                              .help = restart});
    }
}

/* Clients of side tasks are made once, with the key of that moment. */
static void look_at_side_tasks(struct drift *drift, const char *where, double since, const char *restart)
{
    const struct compilation *c = drift->c;
    for (size_t i = 0; since > 0 && i < drift->departed.count; i++) {
        const struct departed *departed = &drift->departed.items[i];
        const char *id = is_kept_by(drift, departed, since)
                             ? side_task_keeps(c->config, &c->customs, &c->providers, departed->name)
                             : NULL;
        const struct provider *now = id == NULL ? NULL : providers_get(&c->providers, id);
        if (id == NULL)
            continue;
        drift_add(
            drift,
            (struct finding){
                .where = where,
                .found = departed->fingerprint.text,
                .expected = now == NULL || now->credential_count == 0 ? NULL : now->credentials[0].fingerprint.text,
                .matters = true,
                .message = arena_printf(drift->arena,
                                        "side tasks (titles, compression, vision) may still use the older "
                                        "key %s of %s, which was replaced after the process was started",
                                        departed->fingerprint.text, shown_name(drift->arena, id)),
                .help = restart});
    }
}

static const struct departed *departed_from(const struct drift *drift, const char *name, double since)
{
    for (size_t i = 0; name != NULL && i < drift->departed.count; i++)
        if (strcmp(drift->departed.items[i].name, name) == 0 && since < drift->departed.items[i].at)
            return &drift->departed.items[i];
    return NULL;
}

static void look_at_open_sessions(struct drift *drift, const char *where, double since, const char *restart)
{
    const struct providers *all = &drift->c->providers;
    for (size_t i = 0; since > 0 && i < all->count; i++) {
        const struct provider *provider = all->items[i];
        const struct credential *first = provider->credential_count == 0 ? NULL : &provider->credentials[0];
        const char *variable = first == NULL ? NULL : open_session_turns_to(provider, first, &drift->c->environment);
        const struct binding *binding = variable == NULL ? NULL : environment_get(&drift->c->environment, variable);
        const struct departed *edited = departed_from(drift, variable, since);
        if (edited == NULL && variable != NULL && provider->row != NULL)
            edited = departed_from(drift, provider->row->base_url_env, since);
        if (edited == NULL || binding == NULL)
            continue;
        drift_add(drift, (struct finding){
                             .where = where,
                             .variable = variable,
                             .found = arena_strdup(drift->arena, fingerprint_of(binding->value, binding->len).text),
                             .expected = first->fingerprint.text,
                             .message = arena_printf(drift->arena,
                                                     "the line of %s in .env changed after the process was started: "
                                                     "sessions that were open then may use %s; new ones use the key of "
                                                     "config.yaml",
                                                     edited->name, variable),
                             .help = arena_printf(drift->arena, "/new in the session; or %s", restart)});
    }
}

/* Without a record of what they said before, all that is known is that config.yaml is newer. */
static void look_at_unknown_routes(struct drift *drift, const char *where, double since, const char *restart)
{
    const struct source *source = drift->c->sources.user;
    if ((!drift->c->plan.first && !drift->c->plan.changed) || model_routes_of(drift->c->config) == NULL ||
        !source->present || since <= 0 || since >= (double)source->moment.st_mtim.tv_sec)
        return;
    drift_add(drift, (struct finding){.where = where,
                                      .matters = true,
                                      .message = "it was started before config.yaml was written, and reads keys and "
                                                 "URLs of " MODEL_ROUTES " only when it starts",
                                      .help = restart});
}

static const char *not_set(const char *fingerprint)
{
    return strcmp(fingerprint, fingerprint_of("", 0).text) == 0 ? NULL : fingerprint;
}

static void look_at_model_routes(struct drift *drift, const char *where, double since, const char *restart)
{
    const struct node *routes = model_routes_of(drift->c->config);
    for (size_t i = 0; since > 0 && i < drift->departed.count; i++) {
        const struct departed *departed = &drift->departed.items[i];
        if (!model_routes_are(departed->name) || !is_kept_by(drift, departed, since))
            continue;
        const char *was = not_set(departed->fingerprint.text);
        const char *now = model_routes_value(drift->arena, routes, departed->name);
        const struct fingerprint is = fingerprint_of(now, strlen(now));
        drift_add(drift, (struct finding){.where = where,
                                          .found = was,
                                          .expected = *now == '\0' ? NULL : arena_strdup(drift->arena, is.text),
                                          .matters = true,
                                          .message = arena_printf(
                                              drift->arena,
                                              "%s was %s when it was started, and the API server reads it only then",
                                              departed->name, was == NULL ? "not set" : was),
                                          .help = restart});
    }
    look_at_unknown_routes(drift, where, since, restart);
}

static void look_at(void *context, const struct hermes_process *process)
{
    struct drift *drift = context;
    const struct text *variables = process->variables;
    const char *pid = process->pid;
    if (!drift_this_home(drift, process->home, NULL))
        return;
    const char *restart = restart_command(drift->arena, process->folder, pid);
    struct assignment seen = {
        .where = arena_printf(drift->arena, "process %s (Hermes)", pid),
        .print = arena_printf(drift->arena, "tr '\\0' '\\n' </proc/%s/environ | grep '^{}='", pid),
        .stays = true,
        .drop = arena_printf(drift->arena, "%s; Hermes reads .env again with the next message", restart)};
    for (size_t at = 0; at < variables->len; at += strlen(variables->bytes + at) + 1) {
        const char *item = variables->bytes + at;
        const char *equals = strchr(item, '=');
        if (equals == NULL)
            continue;
        seen.name = arena_strndup(drift->arena, item, (size_t)(equals - item));
        seen.value = equals + 1;
        seen.len = strlen(equals + 1);
        drift_assignment(drift, &seen);
    }
    look_at_departed(drift, seen.where, strtol(pid, NULL, 10), restart, variables);
    double since = proc_file_started((pid_t)strtol(pid, NULL, 10));
    look_at_side_tasks(drift, seen.where, since, restart);
    look_at_open_sessions(drift, seen.where, since, restart);
    look_at_model_routes(drift, seen.where, since, restart);
}

void drift_processes(struct drift *drift)
{
    hermes_process_each(drift->arena, look_at, drift);
}
