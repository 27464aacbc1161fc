#include "publish.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "auth_lock.h"
#include "clock.h"
#include "compile_lock.h"
#include "cooldown_file.h"
#include "emit.h"
#include "iso_time.h"
#include "find_home.h"
#include "json_span.h"
#include "learned_cooldowns.h"
#include "memory.h"
#include "pool.h"
#include "profile_folders.h"
#include "read_source.h"
#include "replace.h"
#include "replace_together.h"
#include "safe_read.h"
#include "snapshot_format.h"
#include "write_failed.h"

/* A file on its way out. */
struct output {
    const char *path;
    struct replacement replacement;
    bool failed; /* it cannot be made durable */
    bool committed;
};

struct publishing {
    struct arena *arena;
    const struct publish_input *in;
    struct diagnostics *diagnostics;
    struct output snapshot;
    struct output cooldowns;
    struct output pool;
    int lock; /* auth.lock; negative: not held */
    struct publication made;
};

static struct output output(struct arena *arena, const char *home, const char *name)
{
    return (struct output){.path = arena_printf(arena, "%s/%s", home, name), .replacement = REPLACEMENT_NONE};
}

static void fail(struct publishing *p, const char *path, int error)
{
    write_failed(p->diagnostics, path, error, "the previous version stays active");
    p->made.failed = true;
}

/* --- an output, step by step (replace.h) --- */

static void prepare(struct publishing *p, struct output *out, const struct piece *pieces, size_t count, unsigned mode)
{
    bool linked = out == &p->pool; /* only auth.json may be a link */
    int error = replace_prepare(&out->replacement, out->path, linked, pieces, count, mode);
    if (error != 0)
        fail(p, out->path, error);
}

/* STEP for each of COUNT outputs at once. */
static void together(struct publishing *p, int (*step)(struct replacement *), struct output *const *outputs,
                     size_t count)
{
    struct replace_step steps[REPLACE_TOGETHER_MOST];
    for (size_t i = 0; i < count; i++)
        steps[i] = (struct replace_step){.replacement = &outputs[i]->replacement};
    replace_together(step, steps, count);
    for (size_t i = 0; i < count; i++) {
        outputs[i]->failed = steps[i].error != 0;
        if (outputs[i]->failed)
            fail(p, outputs[i]->path, steps[i].error);
    }
}

static void make_durable(struct publishing *p, struct output *const *outputs, size_t count)
{
    struct output *pending[REPLACE_TOGETHER_MOST];
    size_t pending_count = 0;
    for (size_t i = 0; i < count; i++)
        if (outputs[i]->replacement.pending)
            pending[pending_count++] = outputs[i];
    together(p, replace_flush, pending, pending_count);
}

static void commit(struct publishing *p, struct output *out)
{
    if (!out->replacement.pending || out->failed)
        return;
    int error = replace_commit(&out->replacement);
    if (error != 0)
        fail(p, out->path, error);
    out->committed = error == 0;
}

static bool is_unsettled(const struct output *out)
{
    return out->committed && out->replacement.directory >= 0;
}

static void end(struct publishing *p, struct output *out)
{
    struct replacement *r = &out->replacement;
    if (r->displaced >= 0)
        p->made.displaced[p->made.displaced_count++] = r->displaced;
    r->displaced = -1;
    replace_abandon(r);
}

/* The snapshot and the memory lie in one directory: what makes one of them durable there makes the other. */
static void settle(struct publishing *p)
{
    struct output *outputs[2];
    size_t count = 0;
    if (is_unsettled(&p->pool))
        outputs[count++] = &p->pool;
    if (is_unsettled(&p->snapshot))
        outputs[count++] = &p->snapshot;
    else if (is_unsettled(&p->cooldowns))
        outputs[count++] = &p->cooldowns;
    together(p, replace_sync, outputs, count);
    end(p, &p->snapshot);
    end(p, &p->cooldowns);
    end(p, &p->pool);
}

/* --- the snapshot --- */

/* Its text has no more use; the pool's may need the room. */
static void prepare_snapshot(struct publishing *p)
{
    struct text *content = p->in->content;
    struct piece pieces[SNAPSHOT_PIECES];
    emit_snapshot(p->arena, content, p->in->generation, p->in->home, iso_time_now(p->arena), pieces);
    prepare(p, &p->snapshot, pieces, SNAPSHOT_PIECES, 0600);
    arena_give_back(p->arena, content->bytes, content->capacity);
    *content = (struct text){0};
}

/* --- the pool --- */

/* Another look at auth.json: what resolve saw was read without the lock. What is still the same is not parsed again. */
static bool read_pool(struct publishing *p)
{
    struct source *source = p->in->pool;
    struct source before = *source;
    struct place place = {.source = source};
    struct diagnostics said = {.arena = p->arena}; /* what lasts was said at the first look */
    if (read_source_is_current(source))
        return true;
    enum read_outcome outcome = read_source(p->arena, source, 100, &said);
    if (outcome == READ_BUSY) {
        p->made.pool_waiting = true;
        if (p->in->lock_wait_ms > 0)
            (void)diagnostic_add(p->diagnostics, CODE_SOURCE_BUSY, place,
                                 "another process is still writing %s: the pool still has the old keys", source->label);
    } else if (outcome == READ_FAILED && !read_source_denied(source)) {
        (void)diagnostic_add(p->diagnostics, CODE_UNREADABLE, place, "%s", said.items[0]->message);
        p->made.failed = true;
    }
    bool same = before.present && source->present && source->len == before.len &&
                memcmp(source->bytes, before.bytes, source->len) == 0;
    source->bytes = same ? before.bytes : source->bytes;
    source->document = same ? before.document : NULL;
    source->refused = outcome != READ_OK;
    return outcome == READ_OK;
}

/* A process was killed while it wrote an auth.json that is mounted alone: what it meant to write lies beside it. */
static void finish_copy(struct publishing *p)
{
    char copy[PATH_MAX];
    size_t at;
    if (replace_find_copy(p->pool.path, copy) != 0)
        return;
    struct source *source = p->in->pool;
    struct safe_read read = safe_read(p->arena, copy, 0);
    bool torn = json_span_scan(p->arena, source->bytes, source->len, &at) == NULL;
    if (torn && read.status == SAFE_READ_OK && json_span_scan(p->arena, read.bytes, read.len, &at) != NULL) {
        int error = replace_linked(p->pool.path, read.bytes, read.len, source->mode);
        if (error != 0)
            fail(p, p->pool.path, error);
        source->bytes = read.bytes;
        source->len = read.len;
        source->document = NULL;
    }
    if (!p->made.failed)
        (void)unlink(copy);
}

static struct pool_projection project(struct publishing *p, struct cooldowns *cooldowns, bool only_check)
{
    const struct pool_input input = {.source = p->in->pool,
                                     .providers = p->in->providers,
                                     .cooldowns = cooldowns,
                                     .now = clock_wall(),
                                     .only_check = only_check,
                                     .shared = profile_folders_any(p->arena, p->in->home)};
    struct pool_projection projection = pool_project(p->arena, &input, p->diagnostics);
    p->made.pool_plan = projection.changes;
    return projection;
}

/* A key that is dead for the root may work again there, which nobody tells a profile. */
static const double DEAD_FOR_THE_ROOT_S = 3600;

static bool has_key(const struct providers *providers, const struct cooldown *cooldown)
{
    for (size_t i = 0; i < providers->count; i++) {
        const struct provider *provider = providers->items[i];
        for (size_t k = 0; strcmp(provider->id, cooldown->provider) == 0 && k < provider->credential_count; k++)
            if (strcmp(provider->credentials[k].fingerprint.text, cooldown->fingerprint.text) == 0)
                return true;
    }
    return false;
}

/* A profile's key that is its root's as well cools for both. */
static void inherit_cooldowns(const struct publishing *p, struct cooldowns *cooldowns)
{
    const char *root = find_home_root_of_profile(p->arena, p->in->home);
    struct cooldowns known = {.arena = p->arena};
    struct text unused = {.arena = p->arena};
    struct diagnostics unsaid = {.arena = p->arena};
    if (root == NULL ||
        !cooldown_file_read(&known, arena_printf(p->arena, "%s/" COOLDOWNS_FILE, root), &unused, &unsaid))
        return;
    for (size_t i = 0; i < known.count; i++) {
        struct cooldown cooldown = known.items[i];
        const struct cooldown *own = cooldowns_get(cooldowns, cooldown.provider, cooldown.fingerprint.text);
        if (!has_key(p->in->providers, &cooldown) || (own != NULL && (cooldown.dead || own->until >= cooldown.until)))
            continue;
        cooldown.until = cooldown.dead ? clock_wall() + DEAD_FOR_THE_ROOT_S : cooldown.until;
        cooldown.dead = false;
        cooldowns_put(cooldowns, &cooldown);
    }
}

static bool lasts_the_same(const struct cooldowns *cooldowns, const char *before, size_t before_len)
{
    size_t len;
    const char *now = cooldowns_lasting(cooldowns, &len);
    return len == before_len && memcmp(now, before, len) == 0;
}

static void prepare_pool(struct publishing *p)
{
    struct cooldowns cooldowns = {.arena = p->arena};
    struct text before = {.arena = p->arena};
    size_t lasting;
    size_t len;
    if (!read_pool(p))
        return;
    (void)stat(p->cooldowns.path, &p->made.memory_before);
    if (!cooldown_file_read(&cooldowns, p->cooldowns.path, &before, p->diagnostics)) {
        p->made.failed = true;
        return;
    }
    finish_copy(p);
    const char *known = cooldowns_lasting(&cooldowns, &lasting);
    if (p->in->fleet)
        learned_cooldowns_add(&cooldowns, p->in->home, p->in->providers);
    struct pool_projection projection = project(p, &cooldowns, false);
    inherit_cooldowns(p, &cooldowns);
    const char *after = cooldowns_text(&cooldowns, &len);
    bool nothing_known = cooldowns_know_nothing(&cooldowns) && before.len == 0;
    bool as_it_was = nothing_known || (len == before.len && memcmp(after, before.bytes, len) == 0);
    if (!as_it_was && p->in->memory_later && lasts_the_same(&cooldowns, known, lasting))
        p->made.memory = (struct piece){after, len};
    else if (!as_it_was)
        prepare(p, &p->cooldowns, &(struct piece){after, len}, 1, 0600);
    if (projection.count > 0 && !p->made.failed)
        prepare(p, &p->pool, projection.pieces, projection.count, p->in->pool->present ? p->in->pool->mode : 0600);
}

static void lock_pool(struct publishing *p, int wait_ms)
{
    const int lock = p->lock = auth_lock(p->in->home, wait_ms);
    p->made.pool_waiting = lock == -EWOULDBLOCK;
    if (p->made.pool_waiting && wait_ms > 0)
        auth_lock_say_held(p->diagnostics, p->in->home, wait_ms, "the pool still has the old keys",
                           "the snapshot is published; run hermes-compile again when the lock is free");
    else if (lock < 0 && !p->made.pool_waiting)
        fail(p, arena_printf(p->arena, "%s/auth.lock", p->in->home), lock);
}

/* --- both --- */

/* What keeps the pool from being written does not keep the snapshot. */
static void replace_all(struct publishing *p)
{
    struct output *const all[] = {&p->snapshot, &p->cooldowns, &p->pool};
    make_durable(p, all, p->made.failed ? 1 : 3);
    commit(p, &p->snapshot);
    if (!p->made.failed)
        commit(p, &p->cooldowns);
    if (!p->made.failed)
        commit(p, &p->pool);
    settle(p);
}

/* What others could read before they cannot read any more. */
static void say_narrowed(struct publishing *p)
{
    const struct source *pool = p->in->pool;
    const unsigned now = p->pool.replacement.left.st_mode & 07777;
    if (pool->present && (pool->mode & ~now & 077) != 0)
        (void)diagnostic_add(p->diagnostics, CODE_READABLE_BY_OTHERS, (struct place){.source = pool},
                             "others could read %s (mode %04o); the mode is now %04o", pool->label, pool->mode, now);
}

/* A snapshot never waits for a lock that another process holds for long. */
static void publish_both(struct publishing *p)
{
    lock_pool(p, 0);
    if (p->lock == -EWOULDBLOCK && p->in->lock_wait_ms > 0) {
        commit(p, &p->snapshot);
        settle(p);
        lock_pool(p, p->in->lock_wait_ms);
    }
    if (p->lock >= 0)
        prepare_pool(p);
    replace_all(p);
    p->made.published = p->snapshot.committed;
    p->made.projected = p->pool.committed;
    if (p->snapshot.committed)
        p->made.snapshot_stat = p->snapshot.replacement.left;
    if (p->pool.committed)
        say_narrowed(p);
    if (p->lock >= 0)
        p->made.pool_stat = p->pool.committed ? p->pool.replacement.left : p->in->pool->moment;
}

static struct publishing publishing(struct arena *arena, const struct publish_input *in,
                                    struct diagnostics *diagnostics)
{
    return (struct publishing){
        .arena = arena,
        .in = in,
        .diagnostics = diagnostics,
        .snapshot = output(arena, in->home, SNAPSHOT_FILE),
        .cooldowns = output(arena, in->home, COOLDOWNS_FILE),
        .pool = output(arena, in->home, "auth.json"),
        .lock = -1,
    };
}

static void give_back(struct publishing *p)
{
    replace_abandon(&p->snapshot.replacement);
    replace_abandon(&p->cooldowns.replacement);
    replace_abandon(&p->pool.replacement);
    if (p->lock >= 0)
        (void)close(p->lock);
}

static void lose(void *data)
{
    struct publishing *p = data;
    give_back(p);
    while (p->made.displaced_count > 0)
        (void)close(p->made.displaced[--p->made.displaced_count]);
}

struct publication publish(struct arena *arena, const struct publish_input *in, struct diagnostics *diagnostics)
{
    struct publishing p = publishing(arena, in, diagnostics);
    struct memory_hold hold;
    memory_hold(&hold, lose, &p);
    if (in->content != NULL)
        prepare_snapshot(&p);
    if (!p.made.failed)
        publish_both(&p);
    memory_let_go(&hold);
    give_back(&p);
    return p.made;
}

void publish_memory(const struct publication *publication, const char *home)
{
    const struct stat *before = &publication->memory_before;
    char path[PATH_MAX];
    struct stat now = {0};
    if (publication->memory.len == 0 || publication->failed || !compile_lock_folder_is_ours(home))
        return;
    (void)snprintf(path, sizeof path, "%s/" COOLDOWNS_FILE, home);
    (void)stat(path, &now);
    if (now.st_ino != before->st_ino || now.st_mtim.tv_sec != before->st_mtim.tv_sec ||
        now.st_mtim.tv_nsec != before->st_mtim.tv_nsec)
        return;
    int error = replace_file(path, publication->memory.bytes, publication->memory.len, 0600);
    (void)error; /* the next compile notes it again */
}

struct publication publish_preview(struct arena *arena, const struct publish_input *in, bool only_check,
                                   struct diagnostics *diagnostics)
{
    struct publishing p = publishing(arena, in, diagnostics);
    struct text before = {.arena = arena};
    struct diagnostics unsaid = {.arena = arena};
    p.made.cooldowns.arena = arena;
    bool known = cooldown_file_read(&p.made.cooldowns, p.cooldowns.path, &before, &unsaid);
    (void)known; /* nothing is written that could lose them */
    if (in->fleet)
        learned_cooldowns_add(&p.made.cooldowns, in->home, in->providers);
    (void)project(&p, &p.made.cooldowns, only_check);
    inherit_cooldowns(&p, &p.made.cooldowns);
    return p.made;
}
