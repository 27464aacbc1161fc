#include "publish.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "emit.h"
#include "file_lock.h"
#include "home_check.h"
#include "iso_time.h"
#include "json_span.h"
#include "pool.h"
#include "read_source.h"
#include "replace.h"
#include "safe_read.h"
#include "shown.h"
#include "snapshot_format.h"

struct publication {
    struct compilation *c;
    const struct publish_input *in;
    const char *snapshot_path;
    const char *cooldowns_path;
    const char *pool_path;
    struct replacement snapshot;
    struct replacement cooldowns;
    struct replacement pool;
    bool failed;
};

static const char *path_in(struct arena *arena, const char *home, const char *name)
{
    return arena_printf(arena, "%s/%s", home, name);
}

static void write_failed(struct compilation *c, const char *path, int error)
{
    struct diagnostic *d = diagnostic_add(&c->diagnostics, SEVERITY_ERROR, "write-failed", (struct place){0},
                                          "%s cannot be written: %s", path, strerror(-error));
    const char *help =
        error == -ENOSPC || error == -EDQUOT ? "make room on the disk" : home_check_take_back(c->arena, path);
    diagnostic_help(&c->diagnostics, d, "%s%swhat was in force stays in force", help == NULL ? "" : help,
                    help == NULL ? "" : "; ");
}

/* Makes the folder, durably; what is published into it must not go with it. */
static int make_folder(const char *home, const char *path)
{
    if (mkdir(path, 0700) < 0)
        return errno == EEXIST ? 0 : -errno;
    int fd = open(home, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    int error = fsync(fd) < 0 ? -errno : 0;
    (void)close(fd);
    return error;
}

/* Ours alone: no link that somebody else put in its place, no folder of theirs. 0 or a negative errno. */
static int own_folder(const char *path)
{
    struct stat st;
    if (lstat(path, &st) < 0)
        return -errno;
    if (st.st_uid != geteuid() && st.st_uid != 0)
        return -EPERM;
    if (stat(path, &st) < 0)
        return -errno;
    if (!S_ISDIR(st.st_mode))
        return -ENOTDIR;
    return (st.st_mode & 077) != 0 && chmod(path, 0700) < 0 ? -errno : 0; /* keys lie in it */
}

int publish_lock(const char *home, int wait_ms)
{
    char path[4096];
    if (snprintf(path, sizeof path, "%s/" COMPILE_LOCK_FILE, home) >= (int)sizeof path)
        return -ENAMETOOLONG;
    char *slash = strrchr(path, '/');
    *slash = '\0';
    int error = make_folder(home, path);
    if (error == 0)
        error = own_folder(path);
    if (error != 0)
        return error;
    *slash = '/';
    return file_lock(path, wait_ms);
}

static double now_seconds(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

bool publish_load_cooldowns(struct cooldowns *cooldowns, const char *path, struct text *before,
                            struct diagnostics *diagnostics)
{
    struct safe_read read = safe_read(cooldowns->arena, path, 0);
    if (read.status == SAFE_READ_FAILED && read.error != EACCES) {
        (void)diagnostic_add(diagnostics, SEVERITY_ERROR, "unreadable", (struct place){0}, "%s cannot be read: %s",
                             path, strerror(read.error));
        return false;
    }
    if (read.status != SAFE_READ_OK)
        return true;
    text_append(before, read.bytes, read.len);
    if (!cooldowns_parse(cooldowns, read.bytes, read.len, now_seconds()))
        (void)diagnostic_add(diagnostics, SEVERITY_WARNING, "memory-damaged", (struct place){0},
                             "%s is not as it was written: what it remembered of keys that cool is forgotten", path);
    return true;
}

static struct source *pool_source(struct compilation *c)
{
    return c->sources[c->source_count - 1];
}

/* Another look at auth.json: what resolve saw was read without the lock. What is still the same is not parsed again. */
static bool read_pool(struct publication *p)
{
    struct compilation *c = p->c;
    struct source *source = pool_source(c);
    struct source before = *source;
    struct place place = {.source = source};
    struct diagnostics said = {.arena = c->arena}; /* what lasts was said at the first look */
    if (read_source_is_current(source))
        return true;
    enum read_outcome outcome = read_source(c->arena, source, 100, &said);
    if (outcome == READ_BUSY) {
        c->pool_waiting = true;
        if (p->in->lock_wait_ms > 0)
            (void)diagnostic_add(&c->diagnostics, SEVERITY_ERROR, "source-busy", place,
                                 "another process is still writing %s: the pool still has the old keys", source->label);
    } else if (outcome == READ_FAILED && !read_source_denied(source)) {
        (void)diagnostic_add(&c->diagnostics, SEVERITY_ERROR, "unreadable", place, "%s", said.items[0]->message);
        p->failed = true;
    }
    bool same = before.present && source->present && source->len == before.len &&
                memcmp(source->bytes, before.bytes, source->len) == 0;
    source->bytes = same ? before.bytes : source->bytes;
    source->document = same ? before.document : NULL;
    source->refused = outcome != READ_OK;
    return outcome == READ_OK;
}

static struct pool_projection project(struct compilation *c, struct cooldowns *cooldowns, bool only_check)
{
    const struct pool_input input = {pool_source(c), &c->providers, cooldowns, now_seconds(), only_check};
    struct pool_projection projection = pool_project(c->arena, &input, &c->diagnostics);
    c->pool_plan = projection.changes;
    return projection;
}

void publish_preview(struct compilation *c, const char *home, bool only_check)
{
    struct cooldowns cooldowns = {.arena = c->arena};
    struct text before = {.arena = c->arena};
    struct diagnostics unsaid = {.arena = c->arena}; /* nothing is written that could lose them */
    (void)publish_load_cooldowns(&cooldowns, path_in(c->arena, home, COOLDOWNS_FILE), &before, &unsaid);
    (void)project(c, &cooldowns, only_check);
    c->cooldowns = cooldowns;
}

/* The name of its program; its arguments are nobody's to show. */
static const char *command_of(struct arena *arena, pid_t process)
{
    char name[32] = "?";
    FILE *file = fopen(arena_printf(arena, "/proc/%ld/comm", (long)process), "re");
    if (file != NULL && fgets(name, sizeof name, file) != NULL)
        name[strcspn(name, "\n")] = '\0';
    if (file != NULL)
        (void)fclose(file);
    return shown_name(arena, arena_strdup(arena, name));
}

static void note_holder(struct diagnostics *list, struct diagnostic *d, const char *lock_path)
{
    pid_t holder = file_lock_holder(lock_path);
    if (holder > 0)
        diagnostic_note(list, d, "process %ld (%s) holds it", (long)holder, command_of(list->arena, holder));
}

void publish_say_unlocked(struct diagnostics *list, const char *home, int error)
{
    if (error != -EWOULDBLOCK) {
        const char *folder = path_in(list->arena, home, SNAPSHOT_DIRECTORY);
        struct diagnostic *d = diagnostic_add(list, SEVERITY_ERROR, "write-failed", (struct place){0},
                                              "%s cannot be used: %s", folder, strerror(-error));
        struct stat st;
        const bool link = lstat(folder, &st) == 0 && S_ISLNK(st.st_mode);
        const char *help = link ? arena_printf(list->arena, "user %u made it, a link: rm %s", st.st_uid, folder)
                                : home_check_take_back(list->arena, folder);
        diagnostic_help(list, d, "%s%s", help == NULL ? "ls -ld " : help, help == NULL ? folder : "");
        return;
    }
    const char *path = path_in(list->arena, home, COMPILE_LOCK_FILE);
    struct diagnostic *d = diagnostic_add(list, SEVERITY_ERROR, "home-locked", (struct place){0},
                                          "another program compiles this home and does not end: %s is locked", path);
    note_holder(list, d, path);
    diagnostic_help(list, d, "let it go on, or end it, and try again");
}

void publish_say_pool_locked(struct diagnostics *list, const char *path, int waited_ms, const char *what,
                             const char *help)
{
    struct diagnostic *d = diagnostic_add(list, SEVERITY_ERROR, "pool-locked", (struct place){0},
                                          "auth.lock was held by another process for %d ms: %s", waited_ms, what);
    note_holder(list, d, path);
    diagnostic_help(list, d, "%s", help);
}

static void prepare(struct publication *p, struct replacement *r, const char *path, const struct piece *pieces,
                    size_t count, unsigned mode)
{
    int error = replace_prepare(r, path, r == &p->pool, pieces, count, mode); /* only auth.json may be a link */
    if (error == 0)
        return;
    write_failed(p->c, path, error);
    p->failed = true;
}

/* A process was killed while it wrote an auth.json that is mounted alone: what it meant to write lies beside it. */
static void finish_copy(struct publication *p)
{
    char copy[PATH_MAX];
    size_t at;
    if (replace_find_copy(p->pool_path, copy) != 0)
        return;
    struct source *source = pool_source(p->c);
    struct safe_read read = safe_read(p->c->arena, copy, 0);
    bool torn = json_span_scan(p->c->arena, source->bytes, source->len, &at) == NULL;
    if (torn && read.status == SAFE_READ_OK && json_span_scan(p->c->arena, read.bytes, read.len, &at) != NULL) {
        int error = replace_file(p->pool_path, read.bytes, read.len, source->mode);
        if (error != 0)
            write_failed(p->c, p->pool_path, error);
        p->failed = p->failed || error != 0;
        source->bytes = read.bytes;
        source->len = read.len;
        source->document = NULL;
    }
    if (!p->failed)
        (void)unlink(copy);
}

static void prepare_pool(struct publication *p)
{
    struct compilation *c = p->c;
    struct cooldowns cooldowns = {.arena = c->arena};
    struct text before = {.arena = c->arena};
    size_t len;
    if (!read_pool(p))
        return;
    if (!publish_load_cooldowns(&cooldowns, p->cooldowns_path, &before, &c->diagnostics)) {
        p->failed = true;
        return;
    }
    finish_copy(p);
    struct pool_projection projection = project(c, &cooldowns, false);
    const char *after = cooldowns_text(&cooldowns, &len);
    bool nothing_known = cooldowns.count + cooldowns.empty_count == 0 && before.len == 0;
    if (!nothing_known && (len != before.len || memcmp(after, before.bytes, len) != 0))
        prepare(p, &p->cooldowns, p->cooldowns_path, &(struct piece){after, len}, 1, 0600);
    if (projection.count > 0 && !p->failed)
        prepare(p, &p->pool, p->pool_path, projection.pieces, projection.count,
                pool_source(c)->present ? pool_source(c)->mode : 0600);
}

/* True when nothing stands in the way of its commit. */
static bool make_durable(struct publication *p, struct replacement *r, const char *path)
{
    int error = replace_flush(r);
    if (error != 0)
        write_failed(p->c, path, error);
    return error == 0;
}

static bool commit(struct publication *p, struct replacement *r, const char *path)
{
    if (!r->pending || p->failed)
        return false;
    int error = replace_commit(r);
    if (error != 0) {
        write_failed(p->c, path, error);
        p->failed = true;
    }
    return error == 0;
}

static void settle(struct publication *p, struct replacement *r, bool committed, const char *path)
{
    int error = committed ? replace_sync(r) : 0;
    if (error != 0) {
        write_failed(p->c, path, error);
        p->failed = true;
    }
    if (r->displaced >= 0)
        p->c->displaced[p->c->displaced_count++] = r->displaced;
    r->displaced = -1;
    replace_abandon(r);
}

static int lock_pool(struct publication *p)
{
    const char *path = path_in(p->c->arena, p->in->home, "auth.lock");
    int lock = file_lock(path, p->in->lock_wait_ms);
    if (lock == -EWOULDBLOCK) {
        p->c->pool_waiting = true;
        if (p->in->lock_wait_ms > 0)
            publish_say_pool_locked(&p->c->diagnostics, path, p->in->lock_wait_ms, "the pool still has the old keys",
                                    "the snapshot is published; run hermes-compile again when the lock is free");
    } else if (lock < 0) {
        write_failed(p->c, path, lock);
        p->failed = true;
    }
    return lock;
}

static void note_snapshot(struct publication *p, bool committed)
{
    p->c->published = p->c->published || committed;
    if (committed)
        p->c->snapshot_stat = p->snapshot.left;
}

static void publish_snapshot_alone(struct publication *p)
{
    bool done = commit(p, &p->snapshot, p->snapshot_path);
    settle(p, &p->snapshot, done, p->snapshot_path);
    note_snapshot(p, done);
}

/* A snapshot never waits for a lock that somebody else holds for long. */
static void publish_all(struct publication *p)
{
    int wait_ms = p->in->lock_wait_ms;
    struct publish_input at_once = *p->in;
    at_once.lock_wait_ms = 0;
    const struct publish_input *patient = p->in;
    p->in = &at_once;
    int lock = lock_pool(p);
    p->in = patient;
    if (lock == -EWOULDBLOCK && wait_ms > 0) {
        publish_snapshot_alone(p);
        p->c->pool_waiting = false;
        lock = lock_pool(p);
    }
    if (lock >= 0)
        prepare_pool(p);
    bool pool_good =
        !p->failed && make_durable(p, &p->cooldowns, p->cooldowns_path) && make_durable(p, &p->pool, p->pool_path);
    /* what keeps the pool from being written does not keep the snapshot */
    p->failed = !make_durable(p, &p->snapshot, p->snapshot_path);
    bool snapshot = commit(p, &p->snapshot, p->snapshot_path);
    p->failed = p->failed || !pool_good;
    bool cooldowns = commit(p, &p->cooldowns, p->cooldowns_path);
    bool pool = commit(p, &p->pool, p->pool_path);
    settle(p, &p->snapshot, snapshot, p->snapshot_path);
    settle(p, &p->cooldowns, cooldowns, p->cooldowns_path);
    settle(p, &p->pool, pool, p->pool_path);
    note_snapshot(p, snapshot);
    p->c->projected = pool;
    if (lock < 0)
        return;
    p->c->pool_stat = pool ? p->pool.left : pool_source(p->c)->moment;
    (void)close(lock);
}

/* Its text has no more use; the pool's may need the room. */
static void prepare_snapshot(struct publication *p)
{
    struct text *content = p->in->content;
    struct piece pieces[SNAPSHOT_PIECES];
    emit_snapshot(p->c->arena, content, p->in->generation, p->in->home, iso_time_now(p->c->arena), pieces);
    prepare(p, &p->snapshot, p->snapshot_path, pieces, SNAPSHOT_PIECES, 0600);
    arena_give_back(p->c->arena, content->bytes, content->capacity);
    *content = (struct text){0};
}

bool publish(struct compilation *c, const struct publish_input *input)
{
    struct publication p = {
        .c = c,
        .in = input,
        .snapshot_path = path_in(c->arena, input->home, SNAPSHOT_FILE),
        .cooldowns_path = path_in(c->arena, input->home, COOLDOWNS_FILE),
        .pool_path = path_in(c->arena, input->home, "auth.json"),
        .snapshot = REPLACEMENT_NONE,
        .cooldowns = REPLACEMENT_NONE,
        .pool = REPLACEMENT_NONE,
    };
    if (input->content != NULL)
        prepare_snapshot(&p);
    if (!p.failed)
        publish_all(&p);
    replace_abandon(&p.snapshot);
    replace_abandon(&p.cooldowns);
    replace_abandon(&p.pool);
    return !p.failed;
}
