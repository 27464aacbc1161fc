#include <stdlib.h>
#include <string.h>

#include "drift_looks.h"
#include "hermes_process.h"
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

/* What .env set when the process was started, and no longer sets: Hermes keeps it, where /proc does not show it. */
static void look_at_departed(struct drift *drift, const char *where, long pid, const char *restart,
                             const struct text *variables)
{
    double since = drift->departed.count == 0 ? 0 : proc_file_started((pid_t)pid);
    for (size_t i = 0; since > 0 && i < drift->departed.count; i++) {
        const struct departed *departed = &drift->departed.items[i];
        if (since < departed->at && drift_watched(drift, departed->name) &&
            environment_get(&drift->c->environment, departed->name) == NULL &&
            proc_file_variable(variables, departed->name) == NULL)
            drift_add(
                drift,
                (struct finding){
                    .where = where,
                    .variable = departed->name,
                    .found = departed->fingerprint.text,
                    .matters = true,
                    .message =
                        "an env file set it when the process was started, and none does now: the process still has it",
                    .help = restart});
    }
}

/* Clients of side tasks are made once, with the key of that moment. */
static void look_at_side_tasks(struct drift *drift, const char *where, double since, const char *restart)
{
    for (size_t i = 0; since > 0 && i < drift->departed.count; i++) {
        const struct departed *departed = &drift->departed.items[i];
        const struct provider *now = providers_get(&drift->c->providers, departed->name);
        if (since >= departed->at ||
            !side_task_asks(drift->c->config, &drift->c->customs, &drift->c->providers, departed->name))
            continue;
        const char *message = arena_printf(drift->arena,
                                           "side tasks (titles, compression, vision) may still use the older key %s of "
                                           "%s, which was replaced after the process was started",
                                           departed->fingerprint.text, shown_name(drift->arena, departed->name));
        drift_add(drift, (struct finding){.where = where,
                                          .found = departed->fingerprint.text,
                                          .expected = now == NULL || now->credential_count == 0
                                                          ? NULL
                                                          : now->credentials[0].fingerprint.text,
                                          .matters = true,
                                          .message = message,
                                          .help = restart});
    }
}

/* The provider for which the variable stands behind a key of config.yaml; NULL: there is none. */
static const struct provider *shadowing_provider(const struct drift *drift, const char *variable)
{
    const struct providers *all = &drift->c->providers;
    for (size_t i = 0; i < all->count; i++)
        for (size_t k = 0; k < all->items[i]->shadowed_count; k++) {
            const struct shadowed *shadowed = &all->items[i]->shadowed[k];
            if (strcmp(shadowed->origin.key, variable) == 0 && shadowed->by != NULL &&
                shadowed->by->rank == RANK_CONFIG && all->items[i]->row != NULL)
                return all->items[i];
        }
    return NULL;
}

/* Hermes 0.20.1 and later let an open session go over to a variable whose line in .env changes, whatever config.yaml
 * says. */
static void look_at_open_sessions(struct drift *drift, const char *where, double since, const char *restart)
{
    for (size_t i = 0; since > 0 && i < drift->departed.count; i++) {
        const struct departed *departed = &drift->departed.items[i];
        const struct binding *binding = environment_get(&drift->c->environment, departed->name);
        const struct provider *provider = binding == NULL ? NULL : shadowing_provider(drift, departed->name);
        if (since >= departed->at || provider == NULL)
            continue;
        drift_add(drift, (struct finding){
                             .where = where,
                             .variable = departed->name,
                             .found = arena_strdup(drift->arena, fingerprint_of(binding->value, binding->len).text),
                             .expected = provider->credentials[0].fingerprint.text,
                             .message = "its line in .env changed after the process was started: sessions "
                                        "that were open then may use it; new ones use the key of "
                                        "config.yaml",
                             .help = arena_printf(drift->arena, "/new in the session; or %s", restart)});
    }
}

/* Hermes's API server reads these when it starts, and not again. */
static void look_at_model_routes(struct drift *drift, const char *where, double since, const char *restart)
{
    static const char *const path[] = {"platforms", "api_server", "extra", "model_routes"};
    const struct source *source = drift->c->sources.user;
    const struct node *node = drift->c->config;
    for (size_t i = 0; i < sizeof path / sizeof *path; i++)
        node = node_get(node, path[i]);
    if (!node_truthy(node) || !source->present || since <= 0 || since >= (double)source->moment.st_mtim.tv_sec)
        return;
    drift_add(drift,
              (struct finding){.where = where,
                               .matters = true,
                               .message = "it was started before config.yaml was written, and reads keys and URLs of "
                                          "platforms.api_server.extra.model_routes only when it starts",
                               .help = restart});
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
