#include "compile.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "compile_lock.h"
#include "config_diff.h"
#include "default_key.h"
#include "departed.h"
#include "emit.h"
#include "fleet_shadow.h"
#include "gateway_view.h"
#include "hide_keys.h"
#include "home_check.h"
#include "hermes_process.h"
#include "home_variables.h"
#include "learn_keys.h"
#include "memory.h"
#include "plugin_folders.h"
#include "pool_read.h"
#include "previous.h"
#include "profile_choice.h"
#include "resolve.h"
#include "snapshot_format.h"
#include "source_digest.h"
#include "variable_check.h"
#include "withdrawn_key.h"

/* How long one compile waits for another one of the same home; they take milliseconds. */
enum { COMPILE_LOCK_MS = 5000 };

struct run {
    struct compilation *c;
    const struct compile_request *request;
    struct source_files files;
    struct digesting digesting; /* of config.yaml, beside everything up to emit */
    struct text content;        /* of the new snapshot */
    struct hermes *own;         /* a reader, where the caller has none */
    const struct hermes_view *previous;
    int lock; /* compile.lock; negative: not held */
};

static void read_sources(struct run *run);
static void parse_sources(struct run *run);
static bool check_sources(struct run *run);
static void resolve_keys(struct run *run);
static void emit(struct run *run);
static bool plan(struct run *run);
static void publish_and_project(struct run *run);

/* The way of a key: each stage makes a value of those before it; one after which nothing is left to do ends it. */
static void run_stages(struct run *run)
{
    read_sources(run);
    parse_sources(run);
    if (!check_sources(run))
        return;
    resolve_keys(run);
    emit(run);
    if (plan(run))
        publish_and_project(run);
}

/* --- read, parse, check --- */

/* Nothing will be compared with a snapshot. */
static bool only_checks(const struct run *run)
{
    return run->request->only_check || run->files.named;
}

static void read_sources(struct run *run)
{
    struct compilation *c = run->c;
    sources_read_configs(c->arena, &c->sources, &run->files, &c->diagnostics);
    if (!only_checks(run))
        source_digest_begin(&run->digesting, c->sources.user);
}

/* config.yaml may name further env files: they are read when it is parsed. */
static void parse_sources(struct run *run)
{
    struct compilation *c = run->c;
    sources_parse_configs(c->arena, &c->sources, &c->diagnostics);
    sources_read_rest(c->arena, &c->sources, &run->files, &c->diagnostics);
    for (size_t i = 0; i < c->sources.count; i++)
        learn_keys(c->sources.items[i]->bytes, c->sources.items[i]->len);
    sources_load_env(c->arena, &c->sources, &c->environment, &c->diagnostics);
}

/* What a program leaves of a configuration that it could not read before it wrote it. */
static size_t nothing_at(const char *text, size_t len)
{
    static const char *const nothing[] = {"---", "...", "{}", "[]", "null", "~"};
    for (size_t i = 0; i < sizeof nothing / sizeof *nothing; i++)
        if (len >= strlen(nothing[i]) && memcmp(text, nothing[i], strlen(nothing[i])) == 0)
            return strlen(nothing[i]);
    return 0;
}

/* Nothing but blanks, or the mark at the start: an editor on a full disk. Or bytes of zero, as a loss of power leaves
 * them; in a configuration they are an error of their own. Comments are meant. */
static bool is_blank(const struct source *source)
{
    const bool env = source->kind != SOURCE_CONFIG && source->kind != SOURCE_MANAGED_CONFIG;
    const char *text = source->bytes;
    const size_t len = source->len;
    size_t at = len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
    for (size_t nothing = 1; at < len && nothing > 0; at += nothing)
        if (text[at] == '\0' ? !env : strchr(" \t\r\n", text[at]) == NULL)
            nothing = env ? 0 : nothing_at(text + at, len - at);
        else
            nothing = 1;
    return at == len && source->kind != SOURCE_POOL;
}

/* Of the snapshot in force: the caller's, which is kept, or one for this compile. */
static struct hermes **reader_of(struct run *run)
{
    return run->request->reader != NULL ? run->request->reader : &run->own;
}

/* A source had something in it when the snapshot was made, and is empty or gone now: an editor may be at work. */
static bool has_vanished(struct run *run)
{
    const struct sources *sources = &run->c->sources;
    for (size_t i = 0; i < sources->count; i++)
        if (is_blank(sources->items[i]) && previous_had_content(run->c->home, reader_of(run), sources->items[i]))
            return true;
    return false;
}

/* As it was held back, where somebody has changed SOURCE since, and left it empty; else NULL. */
static const struct emptied_source *confirmed(const struct emptied *emptied, const struct source *source)
{
    for (size_t i = 0; emptied != NULL && i < emptied->count; i++) {
        const struct emptied_source *before = &emptied->items[i];
        if (before->order == source->order &&
            (before->inode != source->moment.st_ino || before->modified.tv_sec != source->moment.st_mtim.tv_sec ||
             before->modified.tv_nsec != source->moment.st_mtim.tv_nsec))
            return before;
    }
    return NULL;
}

static void remember_emptied(struct emptied *emptied, struct emptied_source source)
{
    if (emptied->count < EMPTIED_MOST)
        emptied->items[emptied->count++] = source;
}

static void say_emptied(struct compilation *c, const struct source *source, bool kept)
{
    struct diagnostic *d = diagnostic_add(&c->diagnostics, CODE_EMPTIED_SOURCE, (struct place){.source = source},
                                          "%s is empty, and was not before%s", source->label,
                                          kept ? ": the last good generation stays active" : "");
    if (kept)
        diagnostic_help(&c->diagnostics, d, "restore it; if it is intended, save it once more or run hermes-compile");
}

/* True: it is held back for as long as nobody says that it is meant. */
static bool hold_emptied(struct run *run)
{
    struct compilation *c = run->c;
    struct hermes **reader = reader_of(run);
    for (size_t i = 0; run->request->write && i < c->sources.count; i++) {
        const struct source *source = c->sources.items[i];
        if (!source->present || !is_blank(source) || !previous_had_content(c->home, reader, source))
            continue;
        const struct emptied_source *before = confirmed(run->request->confirmed, source);
        const struct emptied_source now = {source->order, source->moment.st_ino, source->moment.st_mtim};
        const bool held = run->request->hold_empty && before == NULL;
        if (held && c->held == NULL) {
            c->diagnostics = (struct diagnostics){.arena = c->arena};
            c->held = source->path;
        }
        remember_emptied(&c->emptied, before != NULL ? *before : now);
        say_emptied(c, source, held);
    }
    return c->held != NULL;
}

/* Before anything is made of it: what an emptied .env does to a configuration is nobody's mistake. */
static bool is_held(struct run *run)
{
    if (run->c->sources.outcome != READ_OK)
        return false;
    if (!run->request->hold_vanished || !has_vanished(run))
        return hold_emptied(run);
    run->c->diagnostics = (struct diagnostics){.arena = run->c->arena};
    return true;
}

static enum compile_outcome outcome_of(const struct compilation *c)
{
    static const enum compile_outcome outcomes[] = {
        [READ_REFUSED] = COMPILE_INVALID, [READ_FAILED] = COMPILE_FAILED, [READ_BUSY] = COMPILE_BUSY};
    if (c->sources.outcome != READ_OK)
        return outcomes[c->sources.outcome];
    return c->diagnostics.errors > 0 ? COMPILE_INVALID : COMPILE_VALID;
}

/* The active snapshot has the fleet's keys, and the copy that they came from is gone: that takes no key away. */
static void check_lost_copy(struct run *run)
{
    struct compilation *c = run->c;
    struct hermes **reader = reader_of(run);
    for (size_t i = 0; i < c->sources.count; i++) {
        const struct source *source = c->sources.items[i];
        if (source->kind != SOURCE_FLEET_ENV || source->present || c->diagnostics.errors > 0 ||
            !previous_had_content(c->home, reader, source))
            continue;
        struct diagnostic *d = diagnostic_add(&c->diagnostics, CODE_FLEET_COPY, (struct place){.source = source},
                                              "%s is missing: the previous version stays active", source->label);
        diagnostic_help(&c->diagnostics, d,
                        "hermes-watch fetches it again; to leave the fleet, remove "
                        "hermes_watch.fleet from config.yaml");
    }
}

static bool check_sources(struct run *run)
{
    struct compilation *c = run->c;
    if (is_held(run)) {
        c->outcome = COMPILE_HELD;
    } else {
        sources_check(&c->sources, &run->files, &c->diagnostics);
        check_lost_copy(run);
        c->outcome = outcome_of(c);
    }
    if (c->outcome != COMPILE_VALID)
        c->generation = previous_in_force(c->home);
    return c->outcome == COMPILE_VALID;
}

/* --- resolve --- */

/* A key that the file itself writes out; one that it takes from a variable stands in no file of this kind. */
static bool holds_a_literal(const struct providers *providers, const struct source *source)
{
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
    const struct source *source = run->c->sources.user;
    if ((source->mode & S_IROTH) != 0 && holds_a_literal(&run->c->providers, source))
        read_source_warn_readable(&run->c->diagnostics, source);
}

static struct pool_view view_pools(struct run *run)
{
    struct compilation *c = run->c;
    struct pool_view pool = pool_read(c->arena, c->sources.pool, &c->customs, &c->diagnostics);
    if (c->sources.root_pool != NULL)
        pool_read_inherited(c->arena, &pool, c->sources.root_pool, &c->customs, &c->diagnostics);
    return pool;
}

/* A Hermes that was started before goes on with what the managed .env or .op.env said then. */
static bool any_old_process(struct run *run)
{
    const struct sources *sources = &run->c->sources;
    time_t last = 0;
    for (size_t i = 0; i < sources->count; i++) {
        const struct source *source = sources->items[i];
        if (source->present && source_is_read_at_start(source) && source->moment.st_mtim.tv_sec > last)
            last = source->moment.st_mtim.tv_sec;
    }
    return last > 0 && hermes_process_before(run->c->arena, run->c->home, (double)last + 1);
}

static void resolve_keys(struct run *run)
{
    struct compilation *c = run->c;
    const struct sources *sources = &c->sources;
    bool no_env = run->files.named && !sources_any_env(sources);
    const struct gateway_view_input view = {sources->user_config, sources->managed_config, &c->environment,
                                            run->request->shell, no_env};
    variable_check(&c->environment, &c->diagnostics);
    if (!run->files.named)
        home_variables_check(c->home, &c->environment, &c->diagnostics);
    c->config = gateway_view(c->arena, &view, &c->diagnostics);
    c->settings = watch_settings_read(node_get(c->config, "hermes_watch"), &c->diagnostics);
    c->customs = custom_providers_of(c->arena, c->config, &c->diagnostics);
    const struct pool_view pool = view_pools(run);
    const struct resolve_input input = {.config = c->config,
                                        .user_config = sources->user_config,
                                        .customs = &c->customs,
                                        .environment = &c->environment,
                                        .pool = &pool,
                                        .plugins = plugin_folders(c->arena, c->home),
                                        .profile_chooses =
                                            profile_choice_is_open(c->arena, c->home, sources, &c->environment),
                                        .old_processes = any_old_process(run)};
    c->providers = resolve(c->arena, &input, &c->diagnostics);
    if (!run->files.named)
        default_key_check(&input, &c->providers, &c->diagnostics);
    fleet_shadow_check(&c->environment, &c->providers, &c->diagnostics);
    warn_readable_config(run);
}

/* --- emit, plan --- */

static void emit(struct run *run)
{
    struct compilation *c = run->c;
    const struct emit_input input = {c->sources.items, c->sources.count, c->config,
                                     &c->environment,  &c->providers,    only_checks(run)};
    source_digest_end(&run->digesting);
    run->content = emit_content(c->arena, &input, &c->diagnostics);
}

static void fail(struct compilation *c, enum compile_outcome outcome)
{
    if (c->outcome == COMPILE_VALID)
        c->outcome = outcome;
}

static bool refused(const struct run *run)
{
    return run->c->diagnostics.errors > 0 || (run->request->strict && run->c->diagnostics.warnings > 0);
}

static void preview(struct run *run, bool only_check)
{
    struct compilation *c = run->c;
    const struct publish_input input = {
        .home = c->home, .pool = c->sources.pool, .providers = &c->providers, .fleet = c->sources.fleet.name != NULL};
    struct stat snapshot = c->publication.snapshot_stat;
    c->publication = publish_preview(c->arena, &input, only_check, &c->diagnostics);
    c->publication.snapshot_stat = snapshot;
}

static void compare(struct run *run)
{
    struct compilation *c = run->c;
    size_t old_len = 0;
    const char *old = run->previous == NULL ? "" : hermes_content(run->previous, &old_len);
    c->plan = plan_changes(c->arena, run->previous, &c->providers, run->content.bytes, run->content.len);
    if (c->plan.changed && run->request->name_leaves)
        config_diff(&c->plan, old, old_len, run->content.bytes, run->content.len);
    if (c->plan.changed && c->plan.lines.len == 0)
        text_puts(&c->plan.lines, "configuration: changed; the keys did not\n");
}

/* False: the outcome says why nothing is written. */
static bool proven(struct run *run)
{
    struct compilation *c = run->c;
    if (!c->settings.require_probe || run->request->proofs == NULL)
        return true;
    c->unproven = proofs_check(run->request->proofs, &c->providers, run->previous, &c->diagnostics);
    if (refused(run))
        c->outcome = COMPILE_INVALID;
    else if (c->unproven.count > 0)
        c->outcome = COMPILE_UNPROVEN;
    return c->outcome == COMPILE_VALID;
}

/* Before the snapshot that still has them is gone. */
static bool note_departures(struct run *run)
{
    struct compilation *c = run->c;
    const struct departed_sources now = {&c->environment, &c->providers, c->config};
    int error = departed_note(c->arena, c->home, run->previous, &now, clock_wall(), &c->diagnostics);
    if (error == 0)
        return true;
    (void)diagnostic_add(&c->diagnostics, CODE_WRITE_FAILED, (struct place){0},
                         "%s/" SNAPSHOT_DIRECTORY " cannot be written: %s", c->home, strerror(-error));
    fail(c, COMPILE_FAILED);
    return false;
}

/* A snapshot that others may read, and could not write. */
static void close_snapshot(const char *path, struct stat *st)
{
    if ((st->st_mode & 077) != 0 && chmod(path, 0600) == 0)
        (void)stat(path, st);
}

/* Whether the new snapshot is to be published. */
static bool plan_against(struct run *run, struct hermes **reader)
{
    struct compilation *c = run->c;
    const char *path = arena_printf(c->arena, "%s/" SNAPSHOT_FILE, c->home);
    (void)stat(path, &c->publication.snapshot_stat); /* before it is read */
    if (!previous_open(c->home, reader, run->request->write, &run->previous, &c->diagnostics))
        fail(c, COMPILE_FAILED);
    c->generation = run->previous != NULL ? hermes_generation(run->previous) : previous_generation(c->home);
    if (run->request->write && run->previous != NULL)
        close_snapshot(path, &c->publication.snapshot_stat);
    if (refused(run)) {
        fail(c, COMPILE_INVALID);
        return false;
    }
    compare(run);
    withdrawn_key_check(run->previous, c->sources.user, c->sources.user_config, &c->providers, &c->diagnostics);
    if (!run->request->write)
        preview(run, false);
    return run->request->write && proven(run) && note_departures(run);
}

static bool plan(struct run *run)
{
    struct compilation *c = run->c;
    if (only_checks(run)) {
        if (!run->files.named)
            preview(run, true);
        c->outcome = c->diagnostics.errors > 0 ? COMPILE_INVALID : COMPILE_VALID;
        return false;
    }
    bool goes_out = plan_against(run, reader_of(run));
    hermes_close(run->own);
    run->own = NULL;
    return goes_out;
}

/* --- publish, project --- */

static void publish_and_project(struct run *run)
{
    struct compilation *c = run->c;
    const struct publish_input input = {.home = c->home,
                                        .content = c->plan.changed ? &run->content : NULL,
                                        .generation = c->generation + 1,
                                        .pool = c->sources.pool,
                                        .providers = &c->providers,
                                        .fleet = c->sources.fleet.name != NULL,
                                        .memory_later = run->lock >= 0 && run->request->reader != NULL,
                                        .lock_wait_ms = run->request->lock_wait_ms};
    size_t errors = c->diagnostics.errors;
    struct stat before = c->publication.snapshot_stat;
    c->publication = publish(c->arena, &input, &c->diagnostics);
    if (c->publication.failed || c->diagnostics.errors > errors)
        c->outcome = COMPILE_FAILED;
    if (c->publication.published)
        c->generation++;
    else
        c->publication.snapshot_stat = before;
}

/* --- the compile around them --- */

/* False: nothing is compiled, the outcome says why. */
static bool lock_home(struct run *run)
{
    struct compilation *c = run->c;
    const struct compile_request *request = run->request;
    if (!request->files.named && !home_check(request->home, &c->diagnostics)) {
        c->outcome = COMPILE_FAILED;
        return false;
    }
    if (!request->write)
        return true;
    run->lock = compile_lock(request->home, request->lock_wait_ms > 0 ? COMPILE_LOCK_MS : 0);
    if (run->lock >= 0)
        return true;
    bool busy = run->lock == -EWOULDBLOCK && request->lock_wait_ms == 0;
    if (!busy)
        compile_lock_say(&c->diagnostics, request->home, run->lock);
    c->outcome = busy ? COMPILE_BUSY : COMPILE_FAILED;
    c->generation = previous_in_force(request->home);
    return false;
}

static struct source_files files_of(const struct compile_request *request)
{
    return (struct source_files){
        .home = request->home,
        .managed = request->managed,
        .label_base = request->label_base,
        .wait_ms = request->read_wait_ms,
        .hangs = request->hangs,
        .owner = request->owner,
        .named = request->files.named,
        .config = request->files.config,
        .env = request->files.env,
        .config_text = request->files.config_text,
        .fleet = request->fleet,
    };
}

static void compile_locked(void *data)
{
    struct run *run = data;
    if (!lock_home(run))
        return;
    if (run->lock >= 0 && run->request->reader == NULL) /* who waits for a reader's snapshot waits for no cleaning */
        compilation_clean(run->request->home);          /* a full disk may be full of it */
    run_stages(run);
    hide_keys(&run->c->diagnostics);
    diagnostics_sort(&run->c->diagnostics);
}

/* Nothing that would need memory is said of it. */
static void fail_of_memory(struct compilation *c)
{
    static struct diagnostic said = {.severity = SEVERITY_ERROR,
                                     .code = CODE_WRITE_FAILED,
                                     .message = "out of memory: nothing was compiled",
                                     .help = "the previous version stays active"};
    static struct diagnostic *items[] = {&said};
    c->diagnostics = (struct diagnostics){.arena = c->arena, .items = items, .count = 1, .errors = 1};
    c->outcome = COMPILE_FAILED;
    c->publication = (struct publication){.failed = true};
}

void compile_home(struct compilation *c, const struct compile_request *request)
{
    *c = (struct compilation){.arena = request->arena != NULL ? request->arena : arena_create(),
                              .home = request->home,
                              .lock = -1,
                              .settings = {.settle_ms = WATCH_SETTLE_MS}};
    c->diagnostics.arena = c->arena;
    c->diagnostics.most = request->all ? SIZE_MAX : 0;
    if (request->rules != NULL)
        memcpy(c->diagnostics.rules, request->rules, sizeof c->diagnostics.rules);
    struct run run = {
        .c = c, .request = request, .files = files_of(request), .content = {.arena = c->arena}, .lock = -1};
    if (!memory_try(compile_locked, &run))
        fail_of_memory(c);
    source_digest_end(&run.digesting);
    hermes_close(run.own);
    if (run.lock >= 0 && request->reader != NULL && flock(run.lock, LOCK_UN) == 0)
        c->lock = run.lock;
    else if (run.lock >= 0)
        (void)close(run.lock);
}

const char *compile_find_managed(void)
{
    const char *directory = getenv("HERMES_MANAGED_DIR");
    return directory != NULL && *directory != '\0' ? directory : "/etc/hermes";
}
