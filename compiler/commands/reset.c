#include "reset.h"

#include <stdio.h>
#include <string.h>

#include "bookings.h"
#include "clock.h"
#include "pool_by_hand.h"
#include "pool_clearing.h"
#include "pool_document.h"
#include "shown.h"
#include "snapshot_format.h"

struct resetter {
    struct arena *arena;
    const struct reset *what;
    struct cooldowns *cooldowns;
    double now;
    const char *text;
    size_t copied;
    struct text out;
    struct text *lines;
};

static bool meant(const struct reset *what, const char *provider, const char *fingerprint)
{
    return (what->provider == NULL || strcmp(what->provider, provider) == 0) &&
           (what->fingerprint == NULL || strcmp(what->fingerprint, fingerprint) == 0);
}

static void say(struct resetter *r, const char *provider, const char *fingerprint, const char *where)
{
    text_printf(r->lines, "%s: cleared %s in %s\n", shown_name(r->arena, provider),
                *fingerprint == '\0' ? "a key without a fingerprint" : fingerprint, where);
}

static void reset_entry(struct resetter *r, const char *provider, const struct json *json)
{
    struct entry_edit edits[POOL_CLEARING_EDITS];
    if (json->kind != JSON_OBJECT)
        return;
    struct entry entry = pool_entry_read(r->arena, r->text, json, NULL, r->now);
    if (!(entry.state.active || entry.held_back) || !meant(r->what, provider, entry.effective))
        return;
    size_t count = pool_clearing(r->arena, r->text, &entry, r->now, edits);
    text_append(&r->out, r->text + r->copied, json->start - r->copied);
    text_puts(&r->out, pool_entry_edited(r->arena, r->text, entry.json, edits, count));
    r->copied = json->end;
    say(r, provider, entry.effective, "auth.json");
}

static void reset_memory(struct resetter *r)
{
    for (size_t i = r->cooldowns->count; i > 0; i--) {
        const struct cooldown *cooldown = &r->cooldowns->items[i - 1];
        if (!meant(r->what, cooldown->provider, cooldown->fingerprint.text))
            continue;
        const char *provider = cooldown->provider;
        struct fingerprint fingerprint = cooldown->fingerprint;
        say(r, provider, fingerprint.text, COOLDOWNS_FILE);
        cooldowns_forget(r->cooldowns, provider, fingerprint.text);
    }
}

/* What a person took out of the pool comes back with the next compile. */
static void reset_removed(struct resetter *r)
{
    const size_t count = r->cooldowns->lists[COOLDOWNS_REMOVED].count;
    const char **names = name_set_sorted(r->arena, &r->cooldowns->lists[COOLDOWNS_REMOVED]);
    for (size_t i = 0; i < count; i++) {
        const char *name = names[i];
        const char *blank = strrchr(name, ' ');
        if (blank == NULL || !meant(r->what, arena_prefix(r->arena, name, (size_t)(blank - name)), blank + 1))
            continue;
        text_printf(r->lines, "%s: %s may be in auth.json again\n",
                    shown_name(r->arena, arena_prefix(r->arena, name, (size_t)(blank - name))), blank + 1);
        cooldowns_list(r->cooldowns, COOLDOWNS_REMOVED, name, false);
    }
}

const char *reset_pool(struct arena *arena, struct source *source, const struct reset *what,
                       struct cooldowns *cooldowns, double now, struct text *lines, struct diagnostics *diagnostics)
{
    struct pool_document document = pool_document_open(arena, source, diagnostics);
    struct resetter r = {.arena = arena,
                         .what = what,
                         .cooldowns = cooldowns,
                         .now = now,
                         .text = document.text,
                         .out = {.arena = arena},
                         .lines = lines};
    const struct json *pool = document.unreadable ? NULL : document.pool;
    for (size_t i = 0; pool != NULL && i < pool->count; i++) {
        const struct json *array = &pool->children[i];
        for (size_t k = 0; array->kind == JSON_ARRAY && k < array->count; k++)
            reset_entry(&r, array->name, &array->children[k]);
    }
    reset_memory(&r);
    reset_removed(&r);
    if (r.copied == 0)
        return NULL;
    text_append(&r.out, r.text + r.copied, document.len - r.copied);
    return r.out.bytes;
}

static void say_booking(void *data, const struct bookings_id *id)
{
    struct resetter *r = data;
    char fingerprint[FINGERPRINT_SIZE] = "";
    bool whole = id->key == id->provider; /* an outage of the provider itself */
    if (!whole)
        (void)snprintf(fingerprint, sizeof fingerprint, "sha256:%016llx", (unsigned long long)(id->key ^ id->provider));
    text_printf(r->lines, "%s: cleared %s in %s\n",
                r->what->provider == NULL ? "a provider" : shown_name(r->arena, r->what->provider),
                whole ? "its outage" : fingerprint, BOOKINGS_FILE);
}

/* What gateways reported through the runtime library. */
static void reset_bookings(struct arena *arena, const char *home, const struct reset *what, double now,
                           struct text *lines)
{
    struct resetter r = {.arena = arena, .what = what, .lines = lines};
    struct bookings bookings = {.path = arena_printf(arena, "%s/" BOOKINGS_FILE, home)};
    bookings_look(&bookings, false, now);
    bookings_clear(&bookings, what->provider, what->fingerprint, now, say_booking, &r);
    bookings_finish(&bookings);
}

static const char *reset_edit(void *data, struct source *pool, struct cooldowns *cooldowns, double now,
                              struct text *lines, struct diagnostics *diagnostics)
{
    return reset_pool(diagnostics->arena, pool, data, cooldowns, now, lines, diagnostics);
}

bool reset_home(struct arena *arena, const char *home, const struct reset *what, int lock_wait_ms, struct text *lines,
                struct diagnostics *diagnostics)
{
    struct reset copy = *what;
    bool done = pool_by_hand(arena, home, (struct pool_edit){reset_edit, &copy}, lock_wait_ms, lines, diagnostics);
    if (done)
        reset_bookings(arena, home, what, clock_wall(), lines);
    return done;
}
