#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cjson/cJSON.h>

#include "drift_looks.h"
#include "file_lock.h"
#include "parse_json.h"
#include "proc_file.h"
#include "safe_read.h"
#include "shell_word.h"
#include "shown.h"
#include "snapshot_format.h"
#include "systemd_folders.h"

#define UNIT    "hermes-watch.service"
#define RESTART "systemctl --user daemon-reload; systemctl --user restart " UNIT

static void find(struct drift *drift, bool matters, const char *message, const char *help)
{
    drift_add(drift, (struct finding){.where = "hermes-watch", .matters = matters, .message = message, .help = help});
}

static bool runs_replaced_file(struct arena *arena, pid_t process)
{
    char target[4096];
    ssize_t len = readlink(arena_printf(arena, "/proc/%ld/exe", (long)process), target, sizeof target - 1);
    target[len > 0 ? len : 0] = '\0';
    return len > 10 && strcmp(target + len - 10, " (deleted)") == 0;
}

/* The unit's file, or NULL when it is not installed. */
static const char *find_unit(struct drift *drift, struct stat *ret)
{
    const char *const *folders = systemd_folders(drift->arena, drift->user_home, true);
    for (size_t i = 0; *folders[i] != '\0'; i++) {
        const char *path = arena_printf(drift->arena, "%s/" UNIT, folders[i]);
        if (stat(path, ret) == 0) /* the first one counts; the rest are hidden by it */
            return path;
    }
    return NULL;
}

/* The unit's file when it changed after PROCESS was started, or NULL. */
static const char *newer_unit(struct drift *drift, pid_t process)
{
    double since = proc_file_started(process);
    struct stat st;
    const char *path = since > 0 ? find_unit(drift, &st) : NULL;
    return path != NULL && (double)st.st_ctim.tv_sec + (double)st.st_ctim.tv_nsec / 1e9 > since ? path : NULL;
}

static const char *how_to_start(struct drift *drift)
{
    struct stat st;
    return find_unit(drift, &st) != NULL ? "systemctl --user enable --now " UNIT
                                         : arena_printf(drift->arena, "hermes-watch --install --now --home %s",
                                                        shell_word(drift->arena, drift->home));
}

static void look_at_polling(struct drift *drift, const cJSON *status)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(status, "polling"))
    {
        const char *path = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(item, "path"));
        const char *why = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(item, "why"));
        if (path != NULL && why != NULL)
            find(drift, false,
                 arena_printf(drift->arena, "it can only check %s from time to time: %s",
                              shown_name(drift->arena, path), shown_name(drift->arena, why)),
                 "keep the file on a local file system");
    }
}

/* What it says of itself in compiled/status.json, while it is the process PROCESS. */
static void look_at_status(struct drift *drift, pid_t process)
{
    struct safe_read read = safe_read(drift->arena, arena_printf(drift->arena, "%s/" STATUS_FILE, drift->home), 0);
    cJSON *status = read.status == SAFE_READ_OK ? cJSON_ParseWithLength(read.bytes, read.len) : NULL;
    struct memory_hold hold;
    parse_json_hold(&hold, status);
    const cJSON *pid = cJSON_GetObjectItemCaseSensitive(status, "pid");
    const char *state = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(status, "state"));
    const char *line = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(status, "status"));
    bool its_own = cJSON_IsNumber(pid) && (pid_t)pid->valuedouble == process;
    if (its_own && state != NULL && (strcmp(state, "degraded") == 0 || strcmp(state, "failed") == 0))
        find(drift, true,
             arena_printf(drift->arena, "%s: %s", state,
                          line == NULL ? "it does not say why" : shown_name(drift->arena, line)),
             "systemctl --user restart " UNIT);
    if (its_own)
        look_at_polling(drift, status);
    memory_give_back(&hold);
}

void drift_watcher(struct drift *drift)
{
    const char *path = arena_printf(drift->arena, "%s/" WATCH_LOCK_FILE, drift->home);
    pid_t process = file_lock_holder(path);
    if (process == 0 && file_lock_is_held(path))
        return; /* in another container: nothing more can be seen of it */
    if (process == 0) {
        find(drift, true, "not running: no process will see the next edit", how_to_start(drift));
        return;
    }
    if (runs_replaced_file(drift->arena, process))
        find(drift, true,
             arena_printf(drift->arena, "process %ld runs a program that was replaced on disk", (long)process),
             RESTART);
    const char *unit = newer_unit(drift, process);
    if (unit != NULL)
        find(drift, true, arena_printf(drift->arena, "process %ld is older than %s", (long)process, unit), RESTART);
    if (drift->shell != NULL)
        look_at_status(drift, process);
}
