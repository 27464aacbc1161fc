#include "sources.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config_check.h"
#include "dotenv.h"
#include "find_home.h"
#include "fleet_copy.h"
#include "safe_read.h"
#include "yaml_load.h"

struct reading {
    struct arena *arena;
    struct sources *sources;
    const struct source_files *files;
    struct diagnostics *diagnostics;
};

/* --- one source --- */

/* What another look may mend counts for more than what its owner has to. */
static void fail(struct sources *sources, enum read_outcome outcome)
{
    if (sources->outcome == READ_OK || (sources->outcome == READ_REFUSED && outcome != READ_OK))
        sources->outcome = outcome;
}

static const char *path_in(const struct reading *r, const char *directory, const char *name)
{
    return arena_printf(r->arena, "%s/%s", directory, name);
}

static const char *label_of(const struct reading *r, const char *path)
{
    const char *base = r->files->label_base != NULL ? r->files->label_base : r->files->home;
    size_t len = strlen(base);
    return strncmp(path, base, len) == 0 && path[len] == '/' ? path + len + 1 : path;
}

static bool in_work_tree(struct arena *arena, const char *path)
{
    for (const char *slash = strrchr(path, '/'); slash != NULL && slash > path;) {
        const char *folder = arena_strndup(arena, path, (size_t)(slash - path));
        if (access(arena_printf(arena, "%s/.git", folder), F_OK) == 0)
            return true;
        slash = memrchr(path, '/', (size_t)(slash - path));
    }
    return false;
}

static struct source *new_source(struct reading *r, enum source_kind kind, const char *path)
{
    struct sources *sources = r->sources;
    struct source *source = arena_alloc(r->arena, sizeof *source);
    *source = (struct source){.kind = kind, .order = sources->count, .path = path, .bytes = ""};
    source->label = diagnostic_plain_text(arena_strdup(r->arena, label_of(r, path)));
    source->in_work_tree = r->files->named && in_work_tree(r->arena, path);
    sources->items[sources->count++] = source;
    return source;
}

static struct source *add_source(struct reading *r, enum source_kind kind, const char *path)
{
    struct source *source = new_source(r, kind, path);
    const bool hangs = r->files->hangs != NULL && r->files->hangs(r->files->owner, path);
    enum read_outcome outcome = hangs ? READ_BUSY : read_source(r->arena, source, r->files->wait_ms, r->diagnostics);
    if (outcome == READ_BUSY) {
        r->sources->busy = source;
        if (r->files->wait_ms > 0)
            (void)diagnostic_add(r->diagnostics, CODE_SOURCE_BUSY, (struct place){.source = source},
                                 "another process is still writing %s", source->label);
    }
    fail(r->sources, outcome);
    return source;
}

/* --- configurations --- */

static struct source *read_config(struct reading *r)
{
    const char *path = r->files->config;
    const struct text *text = r->files->config_text;
    if (text == NULL)
        return add_source(r, SOURCE_CONFIG, path != NULL ? path : path_in(r, r->files->home, "config.yaml"));
    struct source *source = new_source(r, SOURCE_CONFIG, "<standard input>");
    source->mode = S_IRUSR | S_IWUSR;
    if (text->bytes == NULL) {
        (void)diagnostic_add(r->diagnostics, CODE_UNREADABLE, (struct place){.source = source}, "%s cannot be read",
                             source->label);
        fail(r->sources, READ_FAILED);
        return source;
    }
    if (text->len > SAFE_READ_LIMIT) {
        (void)diagnostic_add(r->diagnostics, CODE_TOO_LARGE, (struct place){.source = source},
                             "%s has more than %d MiB", source->label, SAFE_READ_LIMIT / (1024 * 1024));
        return source;
    }
    source->present = true;
    source->bytes = text->bytes;
    source->len = text->len;
    return source;
}

void sources_read_configs(struct arena *arena, struct sources *sources, const struct source_files *files,
                          struct diagnostics *diagnostics)
{
    struct reading r = {arena, sources, files, diagnostics};
    sources->managed = add_source(&r, SOURCE_MANAGED_CONFIG, path_in(&r, files->managed, "config.yaml"));
    sources->user = read_config(&r);
}

static const struct node *parse_config(struct arena *arena, const struct source *source,
                                       struct diagnostics *diagnostics)
{
    struct place place = {.source = source};
    if (!source->present)
        return NULL;
    const struct node *root = yaml_load(arena, source, diagnostics);
    config_check(root, diagnostics);
    if (root == NULL || node_is(root, NODE_MAP))
        return root;
    if (!node_truthy(root)) {
        (void)diagnostic_add(diagnostics, CODE_EMPTY_CONFIG, place, "%s is empty: Hermes runs on its built-in defaults",
                             source->label);
        return NULL;
    }
    struct diagnostic *d = diagnostic_add(diagnostics, CODE_NOT_A_MAPPING, root->place, "%s is %s, not a mapping",
                                          source->label, node_kind_name(root->kind));
    diagnostic_help(diagnostics, d, "start with lines such as `model:`");
    return NULL;
}

void sources_parse_configs(struct arena *arena, struct sources *sources, struct diagnostics *diagnostics)
{
    sources->managed_config = parse_config(arena, sources->managed, diagnostics);
    sources->user_config = parse_config(arena, sources->user, diagnostics);
}

/* --- env files --- */

#define OP_TOKEN "OP_SERVICE_ACCOUNT_TOKEN"

static const char *expand_path(struct reading *r, const char *path)
{
    if (strncmp(path, "~/", 2) == 0 && getenv("HOME") != NULL)
        return path_in(r, getenv("HOME"), path + 2);
    return *path == '/' ? path : path_in(r, r->files->home, path);
}

/* As it is written: what may be referred to is not known yet. */
static const struct node *setting_of(const struct sources *sources, const char *name)
{
    const struct node *managed = node_get(node_get(sources->managed_config, "hermes_watch"), name);
    return managed != NULL ? managed : node_get(node_get(sources->user_config, "hermes_watch"), name);
}

static void read_extra_env(struct reading *r)
{
    const struct node *files = setting_of(r->sources, "env_files");
    if (files == NULL || files->kind == NODE_NULL)
        return;
    if (!node_is(files, NODE_SEQUENCE)) {
        (void)diagnostic_add_as(r->diagnostics, SEVERITY_ERROR, CODE_WRONG_TYPE, files->place,
                                "hermes_watch.env_files is %s, not a list of files", node_kind_name(files->kind));
        return;
    }
    /* The later file loses, so it is loaded first: one slot is kept for each of the fixed sources. */
    for (size_t i = files->count; i > 0; i--) {
        const struct node *item = files->items[i - 1];
        const char *path = node_string(item);
        if (path == NULL || r->sources->count + 6 >= SOURCES_MOST) {
            (void)diagnostic_add_as(r->diagnostics, SEVERITY_ERROR, CODE_WRONG_TYPE, item->place,
                                    path == NULL ? "this is not a path (a string)" : "too many env files");
            continue;
        }
        const struct source *source = add_source(r, SOURCE_EXTRA_ENV, expand_path(r, path));
        if (!source->present && r->sources->outcome == READ_OK)
            diagnostic_help(r->diagnostics,
                            diagnostic_add(r->diagnostics, CODE_NO_ENV_FILE, item->place, "there is no such file"),
                            "create it, or remove it from hermes_watch.env_files");
    }
}

/* --- the fleet's env file --- */

static void refuse_copy(struct reading *r, const struct source *source, const char *trouble)
{
    struct diagnostic *d = diagnostic_add(r->diagnostics, CODE_FLEET_COPY, (struct place){.source = source}, "%s %s",
                                          source->label, trouble);
    diagnostic_help(r->diagnostics, d, "remove the file: hermes-watch fetches the revision again");
}

/* Opens the copy in SOURCE. False after an error. */
static bool open_copy(struct reading *r, const struct source *source, struct fleet_revision *ret)
{
    const struct fleet_settings *fleet = &r->sources->fleet;
    struct fleet_copy copy;
    const char *trouble;
    const struct fleet_key *key = fleet_key_read(r->arena, fleet->key_file, &trouble);
    if (key == NULL) {
        (void)diagnostic_add(r->diagnostics, CODE_FLEET_KEY, fleet->key_place, "%s %s", fleet->key_file, trouble);
        return false;
    }
    trouble = !fleet_copy_parse(r->arena, source->bytes, source->len, &copy)
                  ? "is not as hermes-watch wrote it"
                  : fleet_copy_open(r->arena, &copy, key, fleet->name, ret);
    if (trouble != NULL)
        refuse_copy(r, source, trouble);
    return trouble == NULL;
}

static void take_revision(struct reading *r, struct source *source, const struct fleet_revision *revision)
{
    source->present = true;
    source->bytes = revision->env;
    source->len = revision->env_len;
    source->label = arena_printf(r->arena, "fleet:%s@%lld", r->sources->fleet.name, revision->number);
    r->sources->fleet_revision = revision->number;
}

static void read_copy(struct reading *r, struct source *source)
{
    struct fleet_revision revision;
    fail(r->sources, read_source(r->arena, source, r->files->wait_ms, r->diagnostics));
    if (r->sources->outcome != READ_OK)
        return;
    if (!source->present) {
        struct diagnostic *d = diagnostic_add(r->diagnostics, CODE_FLEET_ABSENT, r->sources->fleet.place,
                                              "no revision of fleet %s has arrived yet", r->sources->fleet.name);
        diagnostic_help(r->diagnostics, d, "hermes-watch fetches it; hermes-fleet push creates the first one");
        return;
    }
    const bool opened = open_copy(r, source, &revision);
    source->present = false; /* what is sealed is no source */
    source->bytes = "";
    source->len = 0;
    if (opened)
        take_revision(r, source, &revision);
}

static void read_fleet(struct reading *r)
{
    struct sources *sources = r->sources;
    if (r->files->named)
        return;
    sources->fleet = fleet_settings_read(setting_of(sources, "fleet"), r->files->home, r->diagnostics);
    if (sources->fleet.name == NULL || sources->fleet.key_file == NULL)
        return;
    struct source *source = new_source(r, SOURCE_FLEET_ENV, path_in(r, r->files->home, FLEET_COPY_FILE));
    if (r->files->fleet != NULL)
        take_revision(r, source, r->files->fleet);
    else
        read_copy(r, source);
}

/* --- all variables --- */

static bool is_env(const struct source *source)
{
    return source->kind == SOURCE_ENV || source->kind == SOURCE_MANAGED_ENV || source->kind == SOURCE_EXTRA_ENV ||
           source->kind == SOURCE_FLEET_ENV || source->kind == SOURCE_OP_ENV;
}

/* Hermes leaves .op.env out where .env has the token that it is meant for. */
static void tell_left_out(const struct source *source, const struct environment *environment,
                          struct diagnostics *diagnostics)
{
    struct environment left_out = {0};
    struct diagnostics unsaid = {.arena = diagnostics->arena}; /* nobody reads the lines */
    dotenv_load(diagnostics->arena, source, &left_out, &unsaid);
    for (size_t i = 0; i < left_out.count; i++) {
        const struct binding *binding = &left_out.items[i];
        if (environment_get(environment, binding->name) != NULL)
            continue;
        struct diagnostic *d = diagnostic_add(diagnostics, CODE_ENV_LINE_IGNORED, binding->place,
                                              "Hermes does not read %s, because .env sets " OP_TOKEN, source->label);
        diagnostic_help(diagnostics, d, "move the line to .env");
    }
}

static bool has_op_token(const struct environment *environment)
{
    const struct binding *token = environment_get(environment, OP_TOKEN);
    return token != NULL && token->len > 0 && token->place.source->kind == SOURCE_ENV;
}

void sources_load_env(struct arena *arena, const struct sources *sources, struct environment *environment,
                      struct diagnostics *diagnostics)
{
    for (size_t i = 0; i < sources->count; i++) {
        const struct source *source = sources->items[i];
        if (!is_env(source) || !source->present)
            continue;
        if (source->kind == SOURCE_OP_ENV && has_op_token(environment))
            tell_left_out(source, environment, diagnostics);
        else
            dotenv_load(arena, source, environment, diagnostics);
    }
}

bool sources_any_env(const struct sources *sources)
{
    for (size_t i = 0; i < sources->count; i++)
        if (is_env(sources->items[i]) && sources->items[i]->present)
            return true;
    return false;
}

/* --- pools --- */

/* An auth.json that is not for us to read is left alone; it does not keep the snapshot from being published. */
static struct source *add_pool(struct reading *r, const char *path)
{
    struct diagnostics *list = r->diagnostics;
    size_t errors = list->errors;
    enum read_outcome outcome = r->sources->outcome;
    struct source *pool = add_source(r, SOURCE_POOL, path);
    bool bad_moment = r->sources->outcome == READ_FAILED && !read_source_denied(pool);
    if (bad_moment || (r->sources->outcome == outcome && list->errors == errors))
        return pool;
    r->sources->outcome = outcome;
    pool->present = false;
    pool->refused = true;
    for (size_t i = 0; i < list->count; i++)
        if (list->items[i]->place.source == pool)
            list->items[i]->severity = SEVERITY_WARNING;
    list->warnings += list->errors - errors;
    list->errors = errors;
    return pool;
}

void sources_read_rest(struct arena *arena, struct sources *sources, const struct source_files *files,
                       struct diagnostics *diagnostics)
{
    struct reading r = {arena, sources, files, diagnostics};
    read_extra_env(&r);
    (void)add_source(&r, SOURCE_ENV, files->env != NULL ? files->env : path_in(&r, files->home, ".env"));
    if (!files->named)
        (void)add_source(&r, SOURCE_OP_ENV, path_in(&r, files->home, ".op.env"));
    read_fleet(&r); /* it wins over the home's own, and a managed file over both */
    (void)add_source(&r, SOURCE_MANAGED_ENV, path_in(&r, files->managed, ".env"));
    const char *root = files->named ? NULL : find_home_root_of_profile(arena, files->home);
    sources->root_pool = root == NULL ? NULL : add_pool(&r, path_in(&r, root, "auth.json"));
    sources->pool = add_pool(&r, path_in(&r, files->home, "auth.json"));
}

/* --- all of them --- */

static bool error_said(const struct diagnostics *list, const struct source *source)
{
    for (size_t i = 0; i < list->count; i++)
        if (list->items[i]->severity == SEVERITY_ERROR && list->items[i]->place.source == source)
            return true;
    return false;
}

/* A file that was named must be there. */
static void check_named(struct sources *sources, const struct source_files *files, struct diagnostics *diagnostics)
{
    for (size_t i = 0; i < sources->count; i++) {
        const struct source *source = sources->items[i];
        bool named = source->path == files->config || source->path == files->env;
        if (!named || source->present || sources->outcome == READ_FAILED)
            continue;
        if (!error_said(diagnostics, source))
            (void)diagnostic_add(diagnostics, CODE_UNREADABLE, (struct place){.source = source}, "there is no %s",
                                 source->label);
        fail(sources, READ_FAILED);
    }
}

static bool any_source(const struct sources *sources)
{
    for (size_t i = 0; i < sources->count; i++)
        if (sources->items[i]->present && sources->items[i]->kind != SOURCE_POOL)
            return true;
    return false;
}

/* Names that other programs, editors and file managers give it; JSON is YAML. NULL: none of them is there. */
static const char *misnamed(struct arena *arena, const char *home, const char *right)
{
    static const char *const names[][2] = {{"config.yml", "config.yaml"},
                                           {"config.yaml.txt", "config.yaml"},
                                           {"config.yml.txt", "config.yaml"},
                                           {"Config.yaml", "config.yaml"},
                                           {"config.json", "config.yaml"},
                                           {"hermes.yaml", "config.yaml"},
                                           {".env.txt", ".env"},
                                           {"env.txt", ".env"},
                                           {"env", ".env"},
                                           {".env.local", ".env"}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(names[i][1], right) == 0 && access(arena_printf(arena, "%s/%s", home, names[i][0]), F_OK) == 0)
            return names[i][0];
    return NULL;
}

static void help_without_config(struct diagnostics *diagnostics, struct diagnostic *d, const char *home,
                                const char *otherwise)
{
    const char *config = misnamed(diagnostics->arena, home, "config.yaml");
    const char *env = misnamed(diagnostics->arena, home, ".env");
    if (config != NULL)
        diagnostic_help(diagnostics, d, "rename %s to config.yaml, the only name that Hermes reads", config);
    else if (env != NULL)
        diagnostic_help(diagnostics, d, "rename %s to .env, the only name that Hermes reads", env);
    else
        diagnostic_help(diagnostics, d, "%s", otherwise);
}

void sources_check(struct sources *sources, const struct source_files *files, struct diagnostics *diagnostics)
{
    check_named(sources, files, diagnostics);
    if (sources->outcome != READ_OK || files->named)
        return;
    if (!any_source(sources)) {
        struct diagnostic *d = diagnostic_add(diagnostics, CODE_NO_SOURCES, (struct place){0},
                                              "%s has neither config.yaml nor .env", files->home);
        help_without_config(diagnostics, d, files->home, "create config.yaml there, or name another home with --home");
    } else if (!sources->user->present) {
        struct diagnostic *d = diagnostic_add(diagnostics, CODE_NO_CONFIG, (struct place){.source = sources->user},
                                              "there is no config.yaml: Hermes runs on its built-in defaults");
        help_without_config(diagnostics, d, files->home,
                            arena_printf(diagnostics->arena, "create %s", sources->user->path));
    }
}
