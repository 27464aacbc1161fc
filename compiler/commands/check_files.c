#include "check_files.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "find_home.h"
#include "safe_read.h"

struct group {
    const char *directory;
    const char *config; /* absolute paths, or NULL */
    const char *env;
    const struct text *config_text;
};

struct grouping {
    struct arena *arena;
    struct group *items;
    size_t count;
};

static bool is_config(const char *path)
{
    const char *dot = strrchr(path, '.');
    return dot != NULL && strchr(dot, '/') == NULL && (strcmp(dot, ".yaml") == 0 || strcmp(dot, ".yml") == 0);
}

static struct group *group_for(struct grouping *g, const char *directory, bool config)
{
    for (size_t i = 0; i < g->count; i++) {
        struct group *group = &g->items[i];
        if (strcmp(group->directory, directory) == 0 && (config ? group->config : group->env) == NULL &&
            group->config_text == NULL)
            return group;
    }
    g->items[g->count] = (struct group){.directory = directory};
    return &g->items[g->count++];
}

static bool named(const char *file, const char *path)
{
    return file != NULL && strcmp(file, path) == 0;
}

static void add_file(struct grouping *g, const char *file, const char *working)
{
    const char *path = *file == '/' ? file : arena_printf(g->arena, "%s/%s", working, file);
    const char *slash = strrchr(path, '/');
    for (size_t i = 0; i < g->count; i++)
        if (named(g->items[i].config, path) || named(g->items[i].env, path))
            return;
    const char *directory = arena_strndup(g->arena, path, (size_t)(slash - path));
    struct group *group = group_for(g, directory, is_config(path));
    if (is_config(path))
        group->config = path;
    else
        group->env = path;
}

/* One byte more than a source may have, so that the limit is noticed where it is judged. Without bytes: it cannot be
 * read. */
static const struct text *standard_input(struct arena *arena)
{
    char buffer[65536];
    struct text *text = arena_alloc(arena, sizeof *text);
    *text = (struct text){.arena = arena};
    text_append(text, "", 0);
    for (ssize_t got; text->len <= SAFE_READ_LIMIT && (got = read(STDIN_FILENO, buffer, sizeof buffer)) != 0;) {
        if (got < 0 && errno != EINTR) {
            text->bytes = NULL;
            break;
        }
        text_append(text, buffer, got < 0 ? 0 : (size_t)got);
    }
    explicit_bzero(buffer, sizeof buffer);
    return text;
}

static void adopt(struct file_checks *checks, const struct compilation *c)
{
    for (size_t i = 0; i < c->diagnostics.count; i++)
        diagnostics_keep(&checks->all, c->diagnostics.items[i]);
    checks->all.errors += c->diagnostics.errors;
    checks->all.warnings += c->diagnostics.warnings;
    if (checks->outcome == COMPILE_VALID || c->outcome == COMPILE_FAILED)
        checks->outcome = c->outcome;
}

struct file_checks check_files(struct arena *arena, char *const *files, int count, const char *home, int read_wait_ms,
                               const unsigned char *rules, bool all)
{
    struct file_checks checks = {.all = {.arena = arena}};
    struct grouping g = {.arena = arena};
    const char *working = find_home_working_directory(arena);
    g.items = arena_alloc(arena, (size_t)count * sizeof *g.items);
    for (int i = 0; i < count; i++) {
        if (strcmp(files[i], "-") != 0)
            add_file(&g, files[i], working);
        else
            g.items[g.count++] = (struct group){
                .directory = home,
                .config_text = standard_input(arena),
            };
    }
    checks.items = arena_alloc(arena, g.count * sizeof *checks.items);
    for (size_t i = 0; i < g.count; i++) {
        struct compilation *c = &checks.items[checks.count++];
        compile_home(c, &(struct compile_request){
                            .home = g.items[i].directory,
                            .managed = compile_find_managed(),
                            .label_base = working,
                            .files = {g.items[i].config, g.items[i].env, g.items[i].config_text, true},
                            .read_wait_ms = read_wait_ms,
                            .rules = rules,
                            .all = all,
                        });
        adopt(&checks, c);
    }
    return checks;
}

void check_files_finish(struct file_checks *checks)
{
    for (size_t i = 0; i < checks->count; i++)
        compilation_finish(&checks->items[i]);
}
