#include "home_variables.h"

#include <dirent.h>
#include <string.h>
#include <sys/stat.h>

#include "dotenv.h"
#include "find_home.h"
#include "memory.h"
#include "safe_read.h"
#include "shown.h"
#include "source.h"

static bool same_folder(const char *a, const char *b)
{
    struct stat left;
    struct stat right;
    return stat(a, &left) == 0 && stat(b, &right) == 0 && left.st_dev == right.st_dev && left.st_ino == right.st_ino;
}

static void check_home(const char *home, const struct environment *environment, struct diagnostics *diagnostics)
{
    const struct binding *binding = environment_get(environment, "HERMES_HOME");
    if (binding == NULL || binding->len == 0 || same_folder(binding->value, home))
        return;
    struct diagnostic *d = diagnostic_add(
        diagnostics, CODE_HOME_IN_ENV, binding->place,
        "HERMES_HOME names another home: Hermes switches to it after reading this file, and uses its keys");
    diagnostic_help(diagnostics, d, "remove the line");
}

static bool names_a_bot(const char *name)
{
    static const char *const ends[] = {"_BOT_TOKEN", "_APP_TOKEN"};
    size_t len = strlen(name);
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        if (len > strlen(ends[i]) && strcmp(name + len - strlen(ends[i]), ends[i]) == 0)
            return true;
    return false;
}

static bool has_a_bot(const struct environment *environment)
{
    for (size_t i = 0; i < environment->count; i++)
        if (names_a_bot(environment->items[i].name) && environment->items[i].len > 0)
            return true;
    return false;
}

/* Of the home whose .env is at PATH. */
static void compare_bots(const char *path, const struct environment *environment, struct diagnostics *diagnostics)
{
    struct arena *arena = diagnostics->arena;
    struct environment other = {0};
    struct diagnostics unsaid = {.arena = arena}; /* they are that home's */
    struct safe_read read = safe_read(arena, path, 0);
    if (read.status != SAFE_READ_OK)
        return;
    struct source *source = arena_alloc(arena, sizeof *source);
    *source = (struct source){
        .kind = SOURCE_ENV, .label = path, .path = path, .present = true, .bytes = read.bytes, .len = read.len};
    dotenv_load(arena, source, &other, &unsaid);
    for (size_t i = 0; i < environment->count; i++) {
        const struct binding *binding = &environment->items[i];
        const struct binding *same = names_a_bot(binding->name) ? environment_get(&other, binding->name) : NULL;
        if (same == NULL || binding->len == 0 || same->len != binding->len ||
            memcmp(same->value, binding->value, binding->len) != 0)
            continue;
        struct diagnostic *d =
            diagnostic_add(diagnostics, CODE_SHARED_BOT, binding->place,
                           "%s is also the bot of %s: each of the two gateways gets only some of its messages",
                           shown_name(arena, binding->name), path);
        diagnostic_help(diagnostics, d, "give this profile its own bot, or remove the line");
    }
}

static void check_bots(const char *home, const struct environment *environment, struct diagnostics *diagnostics)
{
    struct arena *arena = diagnostics->arena;
    const char *root = has_a_bot(environment) ? find_home_root_of_profile(arena, home) : NULL;
    if (root == NULL)
        return;
    compare_bots(arena_printf(arena, "%s/.env", root), environment, diagnostics);
    const char *folder = arena_printf(arena, "%s/profiles", root);
    DIR *profiles = opendir(folder);
    struct memory_hold hold;
    memory_hold_folder(&hold, profiles);
    for (struct dirent *entry; profiles != NULL && (entry = readdir(profiles)) != NULL;)
        if (*entry->d_name != '.' && strcmp(entry->d_name, strrchr(home, '/') + 1) != 0)
            compare_bots(arena_printf(arena, "%s/%s/.env", folder, entry->d_name), environment, diagnostics);
    memory_give_back(&hold);
}

void home_variables_check(const char *home, const struct environment *environment, struct diagnostics *diagnostics)
{
    check_home(home, environment, diagnostics);
    check_bots(home, environment, diagnostics);
}
