#include <dirent.h>
#include <string.h>

#include "compile.h"
#include "dotenv.h"
#include "drift_looks.h"
#include "file_lock.h"
#include "memory.h"
#include "pool_read.h"
#include "safe_read.h"
#include "shell_word.h"
#include "shown.h"
#include "snapshot_format.h"
#include "source.h"

static bool watched(struct arena *arena, const char *profile)
{
    return file_lock_is_held(arena_printf(arena, "%s/" WATCH_LOCK_FILE, profile));
}

static bool has_our_entries(struct arena *arena, const char *profile)
{
    const char *path = arena_printf(arena, "%s/auth.json", profile);
    struct safe_read read = safe_read(arena, path, 0);
    struct source pool = {
        .kind = SOURCE_POOL, .label = path, .path = path, .present = true, .bytes = read.bytes, .len = read.len};
    return read.status == SAFE_READ_OK && pool_read_has_ours(arena, &pool);
}

/* A key that the profile does not have is to go, or another one takes its place; or a key has another URL there. */
static bool fits_another_home(const char *plan)
{
    return plan != NULL && (strstr(plan, ": removed ") != NULL || strstr(plan, ": renewed ") != NULL ||
                            strstr(plan, ": mended ") != NULL);
}

/* An auth.json that was copied into a profile has entries of ours that nothing keeps up to date there: Hermes asks them
 * before all others, long after their key was replaced. */
static void look_at_pool(struct drift *drift, const char *profile, const char *name)
{
    struct compilation c;
    if (watched(drift->arena, profile) || !has_our_entries(drift->arena, profile))
        return;
    compile_home(&c, &(struct compile_request){.home = profile, .managed = compile_find_managed()});
    const char *plan = c.publication.pool_plan.bytes;
    if (c.outcome != COMPILE_VALID || fits_another_home(plan))
        drift_add(drift, (struct finding){
                             .where = arena_printf(drift->arena, "profiles/%s/auth.json", name),
                             .matters = true,
                             .message = "it has entries of hermes-watch whose keys the profile's own files do not "
                                        "have: Hermes uses them there, and no hermes-watch watches that profile",
                             .help = arena_printf(drift->arena, "hermes-compile --home %s, or hermes-watch --profiles",
                                                  shell_word(drift->arena, profile))});
    compilation_finish(&c);
}

static const struct departed *departed_value(const struct drift *drift, const struct binding *binding)
{
    struct fingerprint fingerprint = fingerprint_of(binding->value, binding->len);
    for (size_t i = 0; i < drift->departed.count; i++)
        if (strcmp(drift->departed.items[i].name, binding->name) == 0 &&
            strcmp(drift->departed.items[i].fingerprint.text, fingerprint.text) == 0)
            return &drift->departed.items[i];
    return NULL;
}

static void look_at_variable(struct drift *drift, const struct binding *binding)
{
    const struct departed *departed = departed_value(drift, binding);
    const struct departed_sources sources = {&drift->c->environment, &drift->c->providers, drift->c->config};
    if (departed == NULL || departed_is_back(drift->arena, &sources, departed) || !drift_watched(drift, binding->name))
        return;
    const struct binding *now = environment_get(&drift->c->environment, binding->name);
    drift_add(
        drift,
        (struct finding){
            .where = diagnostic_place_text(drift->arena, binding->place),
            .variable = departed->name,
            .found = departed->fingerprint.text,
            .expected = now == NULL ? NULL : arena_strdup(drift->arena, fingerprint_of(now->value, now->len).text),
            .matters = true,
            .message = "a copy of the value that this home has replaced: the profile still uses it",
            .help = arena_printf(drift->arena, "edit %s, or remove the line", binding->place.source->path)});
}

/* A copy of a variable stays behind when the root's is replaced. */
static void look_at_env(struct drift *drift, const char *profile, const char *name)
{
    struct arena *arena = drift->arena;
    struct environment environment = {0};
    struct diagnostics unsaid = {.arena = arena}; /* they are the profile's */
    struct source *source = arena_alloc(arena, sizeof *source);
    *source = (struct source){.kind = SOURCE_ENV,
                              .label = arena_printf(arena, "profiles/%s/.env", name),
                              .path = arena_printf(arena, "%s/.env", profile)};
    struct safe_read read = safe_read(arena, source->path, 0);
    if (read.status != SAFE_READ_OK)
        return;
    source->present = true;
    source->bytes = read.bytes;
    source->len = read.len;
    dotenv_load(arena, source, &environment, &unsaid);
    for (size_t i = 0; i < environment.count; i++)
        look_at_variable(drift, &environment.items[i]);
}

void drift_profiles(struct drift *drift)
{
    const char *folder = arena_printf(drift->arena, "%s/profiles", drift->home);
    DIR *profiles = opendir(folder);
    struct memory_hold hold;
    memory_hold_folder(&hold, profiles);
    for (struct dirent *entry; profiles != NULL && (entry = readdir(profiles)) != NULL;) {
        if (*entry->d_name == '.')
            continue;
        const char *profile = arena_printf(drift->arena, "%s/%s", folder, entry->d_name);
        const char *name = shown_name(drift->arena, arena_strdup(drift->arena, entry->d_name));
        look_at_pool(drift, profile, name);
        look_at_env(drift, profile, name);
    }
    memory_give_back(&hold);
}
