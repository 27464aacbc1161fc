#include "compile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "config_check.h"
#include "config_diff.h"
#include "default_key.h"
#include "departed.h"
#include "emit.h"
#include "gateway_view.h"
#include "home_check.h"
#include "json_write.h"
#include "plugin_folders.h"
#include "pool_read.h"
#include "publish.h"
#include "read_source.h"
#include "replace.h"
#include "resolve.h"
#include "safe_read.h"
#include "snapshot_format.h"
#include "source_digest.h"
#include "variable_check.h"
#include "yaml_load.h"

/* How long one compile waits for another one of the same home; they take milliseconds. */
enum { COMPILE_LOCK_MS = 5000 };

struct run {
    struct compilation *c;
    const struct compile_request *request;
    struct node *user;
    struct node *managed;
    struct source *own_pool;
    struct source *root_pool; /* a profile's; else NULL */
    struct pool_view pool;
    struct digesting digesting;
};

const char *compile_find_managed(void)
{
    const char *directory = getenv("HERMES_MANAGED_DIR");
    return directory != NULL && *directory != '\0' ? directory : "/etc/hermes";
}

/* --- read --- */

static const char *label_of(struct run *run, const char *path)
{
    const char *base = run->request->label_base != NULL ? run->request->label_base : run->request->home;
    size_t len = strlen(base);
    if (strncmp(path, base, len) == 0 && path[len] == '/')
        return path + len + 1;
    return path;
}

static void fail(struct run *run, enum compile_outcome outcome)
{
    struct compilation *c = run->c;
    if (c->outcome == COMPILE_VALID || (c->outcome == COMPILE_INVALID && outcome != COMPILE_VALID))
        c->outcome = outcome;
}

static struct source *new_source(struct run *run, enum source_kind kind, const char *path)
{
    struct compilation *c = run->c;
    struct source *source = arena_alloc(c->arena, sizeof *source);
    *source = (struct source){.kind = kind, .order = c->source_count, .path = path, .bytes = ""};
    source->label = diagnostic_plain_text(arena_strdup(c->arena, label_of(run, path)));
    c->sources[c->source_count++] = source;
    return source;
}

static struct source *add_source(struct run *run, enum source_kind kind, const char *path)
{
    struct compilation *c = run->c;
    struct source *source = new_source(run, kind, path);
    switch (read_source(c->arena, source, run->request->read_wait_ms, &c->diagnostics)) {
    case READ_OK:
        break;
    case READ_REFUSED:
        fail(run, COMPILE_INVALID);
        break;
    case READ_FAILED:
        fail(run, COMPILE_FAILED);
        break;
    case READ_BUSY:
        if (run->request->read_wait_ms > 0)
            (void)diagnostic_add(&c->diagnostics, SEVERITY_ERROR, "source-busy", (struct place){.source = source},
                                 "another process is still writing %s", source->label);
        c->busy = source;
        fail(run, COMPILE_BUSY);
        break;
    }
    return source;
}

static const char *path_in(struct run *run, const char *directory, const char *name)
{
    return arena_printf(run->c->arena, "%s/%s", directory, name);
}

/* --- parse --- */

static struct node *parse_config(struct run *run, const struct source *source)
{
    struct compilation *c = run->c;
    struct place place = {.source = source};
    if (!source->present)
        return NULL;
    struct node *root = yaml_load(c->arena, source, &c->diagnostics);
    config_check(root, &c->diagnostics);
    if (root == NULL || node_is(root, NODE_MAP))
        return root;
    if (!node_truthy(root)) {
        (void)diagnostic_add(&c->diagnostics, SEVERITY_WARNING, "empty-config", place,
                             "%s is empty: Hermes runs on its built-in defaults", source->label);
        return NULL;
    }
    struct diagnostic *d =
        diagnostic_add(&c->diagnostics, SEVERITY_ERROR, "not-a-mapping", root->place,
                       "%s is %s, not a map of names to values", source->label, node_kind_name(root->kind));
    diagnostic_help(&c->diagnostics, d, "start with lines such as `model:`");
    return NULL;
}

static const char *expand_path(struct run *run, const char *path)
{
    if (strncmp(path, "~/", 2) == 0 && getenv("HOME") != NULL)
        return path_in(run, getenv("HOME"), path + 2);
    return *path == '/' ? path : path_in(run, run->request->home, path);
}

static void read_extra_env(struct run *run)
{
    const struct node *managed = node_get(node_get(run->managed, "hermes_watch"), "env_files");
    const struct node *files = managed != NULL ? managed : node_get(node_get(run->user, "hermes_watch"), "env_files");
    if (files == NULL || files->kind == NODE_NULL)
        return;
    if (!node_is(files, NODE_SEQUENCE)) {
        (void)diagnostic_add(&run->c->diagnostics, SEVERITY_ERROR, "wrong-type", files->place,
                             "hermes_watch.env_files is %s, not a list of files", node_kind_name(files->kind));
        return;
    }
    /* The later file loses, so it is loaded first: one slot is kept for each of the fixed sources. */
    for (size_t i = files->count; i > 0; i--) {
        const struct node *item = files->items[i - 1];
        const char *path = node_string(item);
        if (path == NULL || run->c->source_count + 5 >= COMPILE_MAX_SOURCES) {
            (void)diagnostic_add(&run->c->diagnostics, SEVERITY_ERROR, "wrong-type", item->place,
                                 path == NULL ? "this is no path" : "too many env files");
            continue;
        }
        const struct source *source = add_source(run, SOURCE_EXTRA_ENV, expand_path(run, path));
        if (!source->present && run->c->outcome == COMPILE_VALID)
            diagnostic_help(&run->c->diagnostics,
                            diagnostic_add(&run->c->diagnostics, SEVERITY_WARNING, "no-env-file", item->place,
                                           "there is no such file"),
                            "create it, or take it out of hermes_watch.env_files");
        dotenv_load(run->c->arena, source, &run->c->environment, &run->c->diagnostics);
    }
}

static void load_env(struct run *run, enum source_kind kind, const char *path)
{
    const struct source *source = add_source(run, kind, path);
    dotenv_load(run->c->arena, source, &run->c->environment, &run->c->diagnostics);
}

static struct source *read_config(struct run *run)
{
    const struct compile_request *request = run->request;
    const char *path = request->files.config;
    const struct text *text = request->files.config_text;
    if (text == NULL)
        return add_source(run, SOURCE_CONFIG, path != NULL ? path : path_in(run, request->home, "config.yaml"));
    struct source *source = new_source(run, SOURCE_CONFIG, "<standard input>");
    source->mode = S_IRUSR | S_IWUSR;
    if (text->bytes == NULL) {
        (void)diagnostic_add(&run->c->diagnostics, SEVERITY_ERROR, "unreadable", (struct place){.source = source},
                             "%s cannot be read", source->label);
        fail(run, COMPILE_FAILED);
        return source;
    }
    if (text->len > SAFE_READ_LIMIT) {
        (void)diagnostic_add(&run->c->diagnostics, SEVERITY_ERROR, "too-large", (struct place){.source = source},
                             "%s has more than %d MiB", source->label, SAFE_READ_LIMIT / (1024 * 1024));
        return source;
    }
    source->present = true;
    source->bytes = text->bytes;
    source->len = text->len;
    return source;
}

static bool error_said(const struct diagnostics *list, const struct source *source)
{
    for (size_t i = 0; i < list->count; i++)
        if (list->items[i]->severity == SEVERITY_ERROR && list->items[i]->place.source == source)
            return true;
    return false;
}

/* A file that was named must be there. */
static void check_named(struct run *run)
{
    for (size_t i = 0; i < run->c->source_count; i++) {
        const struct source *source = run->c->sources[i];
        bool named = source->path == run->request->files.config || source->path == run->request->files.env;
        if (!named || source->present || run->c->outcome == COMPILE_FAILED)
            continue;
        if (!error_said(&run->c->diagnostics, source))
            (void)diagnostic_add(&run->c->diagnostics, SEVERITY_ERROR, "unreadable", (struct place){.source = source},
                                 "there is no %s", source->label);
        fail(run, COMPILE_FAILED);
    }
}

/* The root of a profile, `<root>/profiles/<id>`; NULL when the home is none. */
static const char *root_of_profile(struct run *run)
{
    const char *home = run->request->home;
    const char *id = strrchr(home, '/');
    static const char folder[] = "/profiles";
    size_t len = id == NULL ? 0 : (size_t)(id - home);
    if (len <= sizeof folder - 1 || memcmp(id - (sizeof folder - 1), folder, sizeof folder - 1) != 0)
        return NULL;
    return arena_strndup(run->c->arena, home, len - (sizeof folder - 1));
}

/* An auth.json that is not for us to read is left alone; it does not keep the snapshot from being published. */
static struct source *add_pool(struct run *run, const char *path)
{
    struct compilation *c = run->c;
    size_t errors = c->diagnostics.errors;
    enum compile_outcome outcome = c->outcome;
    struct source *pool = add_source(run, SOURCE_POOL, path);
    bool bad_moment = c->outcome == COMPILE_FAILED && !read_source_denied(pool);
    if (bad_moment || (c->outcome == outcome && c->diagnostics.errors == errors))
        return pool;
    c->outcome = outcome;
    pool->present = false;
    pool->refused = true;
    for (size_t i = 0; i < c->diagnostics.count; i++)
        if (c->diagnostics.items[i]->place.source == pool)
            c->diagnostics.items[i]->severity = SEVERITY_WARNING;
    c->diagnostics.warnings += c->diagnostics.errors - errors;
    c->diagnostics.errors = errors;
    return pool;
}

/* Nothing will be compared with a snapshot. */
static bool only_checks(const struct run *run)
{
    return run->request->only_check || run->request->files.named;
}

static void read_and_parse(struct run *run)
{
    const struct compile_request *request = run->request;
    const struct source *managed =
        add_source(run, SOURCE_MANAGED_CONFIG, path_in(run, request->managed, "config.yaml"));
    struct source *user = read_config(run);
    if (!only_checks(run))
        source_digest_begin(&run->digesting, user);
    run->managed = parse_config(run, managed);
    run->user = parse_config(run, user);
    read_extra_env(run);
    const char *env = request->files.env;
    load_env(run, SOURCE_ENV, env != NULL ? env : path_in(run, request->home, ".env"));
    load_env(run, SOURCE_MANAGED_ENV, path_in(run, request->managed, ".env"));
    const char *root = request->files.named ? NULL : root_of_profile(run);
    run->root_pool = root == NULL ? NULL : add_pool(run, path_in(run, root, "auth.json"));
    run->own_pool = add_pool(run, path_in(run, request->home, "auth.json"));
}

static bool any_source(const struct compilation *c)
{
    for (size_t i = 0; i < c->source_count; i++)
        if (c->sources[i]->present && c->sources[i]->kind != SOURCE_POOL)
            return true;
    return false;
}

static void warn_no_config(struct run *run)
{
    struct diagnostics *list = &run->c->diagnostics;
    for (size_t i = 0; i < run->c->source_count; i++) {
        const struct source *source = run->c->sources[i];
        if (source->kind == SOURCE_CONFIG && !source->present)
            diagnostic_help(list,
                            diagnostic_add(list, SEVERITY_WARNING, "no-config", (struct place){.source = source},
                                           "there is no config.yaml: Hermes runs on its built-in defaults"),
                            "create %s", source->path);
    }
}

static void check_sources(struct run *run)
{
    struct compilation *c = run->c;
    check_named(run);
    bool whole_home = c->outcome == COMPILE_VALID && !run->request->files.named;
    if (whole_home && any_source(c)) {
        warn_no_config(run);
    } else if (whole_home) {
        struct diagnostic *d = diagnostic_add(&c->diagnostics, SEVERITY_ERROR, "no-sources", (struct place){0},
                                              "%s has neither config.yaml nor .env", run->request->home);
        diagnostic_help(&c->diagnostics, d, "create config.yaml there, or name another home with --home");
    }
    if (c->diagnostics.errors > 0)
        fail(run, COMPILE_INVALID);
}

/* --- plan and publish --- */

static bool refused(const struct run *run)
{
    return run->c->diagnostics.errors > 0 || (run->request->strict && run->c->diagnostics.warnings > 0);
}

/* What is in force, read through *READER: a caller that compiles again and again has it in memory already. */
static const struct hermes_view *previous_view(struct run *run, struct hermes **reader)
{
    if (*reader != NULL && hermes_refresh(*reader) < 0) {
        hermes_close(*reader);
        *reader = NULL;
    }
    int error = *reader == NULL ? hermes_open(run->request->home, reader) : 0;
    if (error == 0)
        return hermes_current(*reader);
    if (error > HERMES_ABSENT && error != -EACCES) { /* the machine's: the snapshot itself may be as good as ever */
        (void)diagnostic_add(&run->c->diagnostics, SEVERITY_ERROR, "unreadable", (struct place){0},
                             "%s cannot be read: %s", path_in(run, run->request->home, SNAPSHOT_FILE),
                             hermes_strerror(error));
        fail(run, COMPILE_FAILED);
        return NULL;
    }
    if (error != HERMES_ABSENT && run->request->write)
        (void)diagnostic_add(&run->c->diagnostics, SEVERITY_WARNING, "snapshot-unusable", (struct place){0},
                             "the previous snapshot is made anew: %s", hermes_strerror(error));
    return NULL;
}

/* An unusable snapshot still says its number in the first bytes; the next one must not fall behind it. */
static long long rough_generation(struct run *run)
{
    char head[256] = "";
    struct stat st;
    int fd = open(path_in(run, run->request->home, SNAPSHOT_FILE), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return 0;
    ssize_t len = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) ? read(fd, head, sizeof head - 1) : 0;
    (void)close(fd);
    head[len > 0 ? len : 0] = '\0';
    const char *found = strstr(head, "\"generation\":");
    long long generation = found == NULL ? 0 : strtoll(found + strlen("\"generation\":"), NULL, 10);
    return generation > 0 && generation < (1LL << 53) - 1 ? generation : 0;
}

/* How many bytes SOURCE had when the snapshot with this content was made; 0 when it was not there. */
static unsigned long long bytes_before(struct run *run, const char *content, size_t len, const struct source *source)
{
    struct text member = {.arena = run->c->arena};
    text_putc(&member, '{');
    json_write_member(&member, "path", source->label);
    json_write_member(&member, "kind", source_kind_name(source->kind));
    const char *found = memmem(content, len, member.bytes, member.len);
    const char *bytes = found == NULL ? NULL : strstr(found, "\"bytes\":");
    return bytes == NULL ? 0 : strtoull(bytes + strlen("\"bytes\":"), NULL, 10);
}

/* A source had something in it when the last snapshot was made, and now it is empty or gone: an editor may be at work.
 * Said before anything is made of it: what an emptied .env does to a configuration is nobody's mistake. */
static bool source_vanished(struct run *run)
{
    size_t len;
    struct hermes **reader = run->request->reader;
    if (*reader == NULL ? hermes_open(run->request->home, reader) != 0 : hermes_refresh(*reader) < 0)
        return false;
    const char *content = hermes_content(hermes_current(*reader), &len);
    for (size_t i = 0; i < run->c->source_count; i++) {
        const struct source *source = run->c->sources[i];
        if (source->len == 0 && source->kind != SOURCE_POOL && bytes_before(run, content, len, source) > 0)
            return true;
    }
    return false;
}

static void write_out(struct run *run, struct text *content, long long generation)
{
    struct compilation *c = run->c;
    const struct publish_input input = {.home = run->request->home,
                                        .content = c->plan.changed ? content : NULL,
                                        .generation = generation + 1,
                                        .lock_wait_ms = run->request->lock_wait_ms};
    size_t errors = c->diagnostics.errors;
    if (!publish(c, &input) || c->diagnostics.errors > errors)
        c->outcome = COMPILE_FAILED;
    c->generation = c->published ? generation + 1 : generation;
}

/* False: the outcome says why nothing is written. */
static bool proven(struct run *run, const struct hermes_view *previous)
{
    struct compilation *c = run->c;
    if (!c->settings.require_probe || run->request->proofs == NULL)
        return true;
    proofs_check(run->request->proofs, c, previous);
    if (refused(run))
        c->outcome = COMPILE_INVALID;
    else if (c->unproven.count > 0)
        c->outcome = COMPILE_UNPROVEN;
    return c->outcome == COMPILE_VALID;
}

static void plan(struct run *run, const struct hermes_view *previous, const struct text *content)
{
    struct compilation *c = run->c;
    size_t old_len = 0;
    const char *old = previous == NULL ? "" : hermes_content(previous, &old_len);
    c->plan = plan_changes(c->arena, previous, &c->providers, content->bytes, content->len);
    if (c->plan.changed && run->request->name_leaves)
        config_diff(&c->plan, old, old_len, content->bytes, content->len);
    if (c->plan.changed && c->plan.lines.len == 0)
        text_puts(&c->plan.lines, "configuration: changed, no key did\n");
}

static bool any_env_file(const struct compilation *c)
{
    for (size_t i = 0; i < c->source_count; i++)
        if (c->sources[i]->present && (c->sources[i]->kind == SOURCE_ENV || c->sources[i]->kind == SOURCE_MANAGED_ENV ||
                                       c->sources[i]->kind == SOURCE_EXTRA_ENV))
            return true;
    return false;
}

/* A key that the file itself writes out; one that it takes from a variable stands in no file of this kind. */
static bool holds_a_literal(const struct run *run, const struct source *source)
{
    const struct providers *providers = &run->c->providers;
    for (size_t i = 0; i < providers->count; i++)
        for (size_t k = 0; k < providers->items[i]->credential_count; k++) {
            const struct credential *credential = &providers->items[i]->credentials[k];
            for (size_t o = 0; o < credential->origin_count; o++)
                if (credential->origins[o].place.source == source && *credential->secret != '\0' &&
                    memmem(source->bytes, source->len, credential->secret, strlen(credential->secret)) != NULL)
                    return true;
        }
    return false;
}

/* config.yaml may be anybody's to read as long as its keys stand in .env. */
static void warn_readable_config(struct run *run)
{
    for (size_t i = 0; i < run->c->source_count; i++) {
        const struct source *source = run->c->sources[i];
        if (source->kind == SOURCE_CONFIG && (source->mode & S_IROTH) != 0 && holds_a_literal(run, source))
            read_source_warn_readable(&run->c->diagnostics, source);
    }
}

/* Before the snapshot that still has them is gone. */
static bool note_departures(struct run *run, const struct hermes_view *previous)
{
    struct compilation *c = run->c;
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    int error = departed_note(c->arena, run->request->home, previous, &c->environment,
                              (double)now.tv_sec + (double)now.tv_nsec / 1e9);
    if (error == 0)
        return true;
    (void)diagnostic_add(&c->diagnostics, SEVERITY_ERROR, "write-failed", (struct place){0}, "%s cannot be written: %s",
                         path_in(run, run->request->home, SNAPSHOT_DIRECTORY), strerror(-error));
    fail(run, COMPILE_FAILED);
    return false;
}

static void resolve_and_publish(struct run *run)
{
    struct compilation *c = run->c;
    variable_check(&c->environment, &c->diagnostics);
    bool no_env = run->request->files.named && !any_env_file(c);
    const struct gateway_view_input view = {run->user, run->managed, &c->environment, run->request->shell, no_env};
    c->user_config = run->user;
    c->managed_config = run->managed;
    c->config = gateway_view(c->arena, &view, &c->diagnostics);
    c->settings = watch_settings_read(node_get(c->config, "hermes_watch"), &c->diagnostics);
    c->customs = custom_providers_of(c->arena, c->config, &c->diagnostics);
    run->pool = pool_read(c->arena, run->own_pool, &c->customs, &c->diagnostics);
    if (run->root_pool != NULL)
        pool_read_inherited(c->arena, &run->pool, run->root_pool, &c->diagnostics);
    const struct resolve_input input = {.config = c->config,
                                        .user_config = c->user_config,
                                        .customs = &c->customs,
                                        .environment = &c->environment,
                                        .pool = &run->pool,
                                        .plugins = plugin_folders(c->arena, run->request->home)};
    c->providers = resolve(c->arena, &input, &c->diagnostics);
    if (!run->request->files.named)
        default_key_check(&input, &c->providers, &c->diagnostics);
    warn_readable_config(run);
    bool only_check = only_checks(run);
    const struct emit_input emit = {c->sources, c->source_count, c->config, &c->environment, &c->providers, only_check};
    source_digest_end(&run->digesting);
    struct text content = emit_content(c->arena, &emit, &c->diagnostics);
    if (only_check) {
        if (!run->request->files.named)
            publish_preview(c, run->request->home, true);
        c->outcome = c->diagnostics.errors > 0 ? COMPILE_INVALID : COMPILE_VALID;
        return;
    }
    struct hermes *own = NULL;
    struct hermes **reader = run->request->reader != NULL ? run->request->reader : &own;
    (void)stat(path_in(run, run->request->home, SNAPSHOT_FILE), &c->snapshot_stat); /* before it is read */
    const struct hermes_view *previous = previous_view(run, reader);
    bool goes_out = false;
    c->generation = previous != NULL ? hermes_generation(previous) : rough_generation(run);
    if (refused(run)) {
        fail(run, COMPILE_INVALID);
    } else {
        plan(run, previous, &content);
        if (!run->request->write)
            publish_preview(c, run->request->home, false);
        else
            goes_out = proven(run, previous) && note_departures(run, previous);
    }
    hermes_close(own);
    if (goes_out)
        write_out(run, &content, c->generation);
}

static void keep_generation(struct run *run)
{
    struct hermes *reader;
    if (hermes_open(run->request->home, &reader) == 0) {
        run->c->generation = hermes_generation(hermes_current(reader));
        hermes_close(reader);
    }
}

static void compile_locked(struct run *run)
{
    read_and_parse(run);
    if (run->request->hold_empty && run->c->outcome == COMPILE_VALID && source_vanished(run)) {
        run->c->diagnostics = (struct diagnostics){.arena = run->c->arena};
        run->c->outcome = COMPILE_HELD;
    } else {
        check_sources(run);
    }
    if (run->c->outcome == COMPILE_VALID)
        resolve_and_publish(run);
    else
        keep_generation(run);
    source_digest_end(&run->digesting);
}

/* What a process that was killed while it published has left behind; under the lock, so that nobody is at it. */
static void clean(const char *home)
{
    char path[PATH_MAX];
    (void)snprintf(path, sizeof path, "%s/" SNAPSHOT_FILE, home);
    replace_clean(path, false);
    (void)snprintf(path, sizeof path, "%s/auth.json", home);
    replace_clean(path, true);
}

void compile_home(struct compilation *c, const struct compile_request *request)
{
    const bool daemon = request->reader != NULL; /* whoever waits for its snapshot waits for no cleaning */
    *c = (struct compilation){.arena = request->arena != NULL ? request->arena : arena_create(),
                              .outcome = COMPILE_VALID,
                              .home = request->home,
                              .lock = -1,
                              .settings = {.settle_ms = WATCH_SETTLE_MS}};
    struct run run = {.c = c, .request = request};
    int lock = -1;
    c->diagnostics.arena = c->arena;
    if (!request->files.named && !home_check(request->home, &c->diagnostics)) {
        c->outcome = COMPILE_FAILED;
        return;
    }
    if (request->write) {
        lock = publish_lock(request->home, request->lock_wait_ms > 0 ? COMPILE_LOCK_MS : 0);
        if (lock == -EWOULDBLOCK && request->lock_wait_ms == 0) {
            c->outcome = COMPILE_BUSY;
            return;
        }
        if (lock < 0) {
            publish_say_unlocked(&c->diagnostics, request->home, lock);
            c->outcome = COMPILE_FAILED;
            return;
        }
    }
    if (lock >= 0 && !daemon)
        clean(request->home); /* a full disk may be full of it */
    compile_locked(&run);
    diagnostics_sort(&c->diagnostics);
    if (lock >= 0 && daemon && flock(lock, LOCK_UN) == 0)
        c->lock = lock;
    else if (lock >= 0)
        (void)close(lock);
}

void compilation_tidy(struct compilation *c)
{
    while (c->displaced_count > 0)
        (void)close(c->displaced[--c->displaced_count]);
    if (c->lock < 0)
        return;
    if (flock(c->lock, LOCK_EX | LOCK_NB) == 0) /* else somebody compiles, and cleans after that */
        clean(c->home);
    (void)close(c->lock);
    c->lock = -1;
}

void compilation_finish(struct compilation *c)
{
    compilation_tidy(c);
    arena_destroy(c->arena);
    *c = (struct compilation){.lock = -1};
}
