#include "follow_cooldowns.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sodium.h>

#include "bookings.h"
#include "classify.h"
#include "clock.h"
#include "cooldown.h"
#include "fleet_cooldown.h"
#include "fleet_resets.h"
#include "hermes_runtime.h"
#include "json_write.h"
#include "parse_json.h"
#include "replace.h"
#include "reset.h"
#include "safe_read.h"
#include "snapshot_format.h"

enum { RESET_LEASE_S = 60, LOCK_WAIT_MS = 15000, MOST_AT_ONCE = 64, NAME_SIZE = 257 };

/* Leases are whole seconds, and take a moment on their way. */
#define SLACK_S 2.0

struct known_cooldown {
    char name[FLEET_NAME_SIZE]; /* in etcd */
    char provider[NAME_SIZE];
    char fingerprint[FINGERPRINT_SIZE];
    char host[64];
    long long mod_revision;
    double until; /* by this machine's clock; a dead key's: when its lease ends */
    bool dead;
    int status;
    bool seen; /* in a look at all */
    bool gone; /* from etcd: until a reset comes, or its time is over, what this home has of it is still no news */
};

void follow_cooldowns_close(struct cooldown_follower *f)
{
    hermes_close(f->reader);
    free(f->items);
    *f = (struct cooldown_follower){0};
}

/* --- what the fleet knows --- */

static struct known_cooldown *find(const struct cooldown_follower *f, const char *name)
{
    for (size_t i = 0; i < f->count; i++)
        if (strcmp(f->items[i].name, name) == 0)
            return &f->items[i];
    return NULL;
}

static struct known_cooldown *find_or_add(struct cooldown_follower *f, const char *name)
{
    struct known_cooldown *known = find(f, name);
    if (known != NULL)
        return known;
    struct known_cooldown *grown = reallocarray(f->items, f->count + 1, sizeof *grown);
    if (grown == NULL)
        return NULL;
    f->items = grown;
    known = &grown[f->count++];
    *known = (struct known_cooldown){0};
    (void)snprintf(known->name, sizeof known->name, "%s", name);
    return known;
}

static void forget(struct cooldown_follower *f, struct known_cooldown *known)
{
    *known = f->items[--f->count];
    f->changed = true;
}

static void remember(struct cooldown_follower *f, struct arena *arena, const struct cooldown *cooldown)
{
    char name[FLEET_NAME_SIZE];
    fleet_cooldown_name(arena, f->fleet->key, cooldown->provider, cooldown->fingerprint.text, name);
    struct known_cooldown *known = find_or_add(f, name);
    if (known == NULL)
        return;
    known->until = cooldown->dead ? clock_wall() + (double)FLEET_DEAD_S : cooldown->until;
    known->dead = cooldown->dead;
    (void)snprintf(known->provider, sizeof known->provider, "%s", cooldown->provider);
    (void)snprintf(known->fingerprint, sizeof known->fingerprint, "%s", cooldown->fingerprint.text);
}

/* What the fleet knew when this home last heard of it: what it knows no more was reset meanwhile. */
void follow_cooldowns_open(struct cooldown_follower *f, struct fleet *fleet, const char *host)
{
    struct arena *arena = arena_create();
    struct cooldowns before = {.arena = arena};
    struct safe_read read = safe_read(arena, arena_printf(arena, "%s/" FLEET_COOLDOWNS_FILE, fleet->home), 0);
    *f = (struct cooldown_follower){.fleet = fleet, .host = host};
    if (read.status == SAFE_READ_OK)
        (void)cooldowns_parse(&before, read.bytes, read.len, clock_wall());
    for (size_t i = 0; i < before.count; i++)
        remember(f, arena, &before.items[i]);
    arena_destroy(arena);
}

static const char *last_part(const char *place)
{
    const char *slash = strrchr(place, '/');
    return slash == NULL ? place : slash + 1;
}

/* --- this home --- */

static bool look_at_home(struct cooldown_follower *f)
{
    if (f->reader != NULL)
        return hermes_refresh(f->reader) >= 0;
    return hermes_open(f->fleet->home, &f->reader) == 0;
}

static bool has_key(struct cooldown_follower *f, const char *provider, const char *fingerprint)
{
    const struct hermes_provider *found = look_at_home(f) ? hermes_provider(hermes_current(f->reader), provider) : NULL;
    for (size_t i = 0; found != NULL && i < found->credential_count; i++)
        if (strcmp(found->credentials[i].fingerprint, fingerprint) == 0)
            return true;
    return false;
}

/* For the library and the relay, which see it at once. */
static void book(struct cooldown_follower *f, struct arena *arena, const struct known_cooldown *known, const char *rule)
{
    double now = clock_wall();
    struct bookings bookings = {.path = arena_printf(arena, "%s/" BOOKINGS_FILE, f->fleet->home)};
    const struct bookings_id id = bookings_id(known->provider, known->fingerprint);
    const struct booking booking = {.verdict = known->dead ? HERMES_KEY_DEAD : HERMES_KEY_COOLING,
                                    .status = known->status,
                                    .rule = classify_rule_number(rule),
                                    .until = known->dead ? INFINITY : known->until};
    bookings_look(&bookings, true, now);
    if (bookings_get(&bookings, &id).until < booking.until)
        (void)bookings_put(&bookings, &id, &booking);
    bookings_finish(&bookings);
}

/* --- the file --- */

static void put(struct cooldown_follower *f, struct cooldowns *all, const struct known_cooldown *known)
{
    struct arena *arena = all->arena;
    struct cooldown cooldown = {
        .provider = known->provider, .dead = known->dead, .until = known->dead ? INFINITY : known->until};
    const char *raw[COOLDOWN_MEMBERS] = {
        [COOLDOWN_STATUS] = known->dead ? "\"dead\"" : "\"exhausted\"",
        [COOLDOWN_STATUS_AT] = arena_printf(arena, "%.6f", clock_wall()),
        [COOLDOWN_ERROR_CODE] = known->status > 0 ? arena_printf(arena, "%d", known->status) : "null",
        [COOLDOWN_ERROR_REASON] = "null",
        [COOLDOWN_ERROR_MESSAGE] = "null",
        [COOLDOWN_RESET_AT] = known->dead ? "null" : arena_printf(arena, "%.6f", known->until),
    };
    memcpy(cooldown.raw, raw, sizeof raw);
    strcpy(cooldown.fingerprint.text, known->fingerprint);
    if (!known->gone && known->until > clock_wall() && has_key(f, known->provider, known->fingerprint))
        cooldowns_put(all, &cooldown);
}

static void forget_the_past(struct cooldown_follower *f)
{
    for (size_t i = f->count; i > 0; i--)
        if (f->items[i - 1].until < clock_wall() - SLACK_S)
            forget(f, &f->items[i - 1]);
}

void follow_cooldowns_write(struct cooldown_follower *f, struct arena *arena)
{
    struct cooldowns all = {.arena = arena};
    size_t len;
    if (!f->changed)
        return;
    forget_the_past(f);
    const char *path = arena_printf(arena, "%s/" FLEET_COOLDOWNS_FILE, f->fleet->home);
    for (size_t i = 0; i < f->count; i++)
        put(f, &all, &f->items[i]);
    bool nothing = all.count == 0 && access(path, F_OK) < 0;
    const char *text = cooldowns_text(&all, &len);
    f->changed = !nothing && replace_passing(path, text, len) != 0;
}

/* --- in --- */

/* The file no longer has it by then, from which a compile would learn it again. */
static void reset_here(struct cooldown_follower *f, struct arena *arena, const char *provider, const char *fingerprint)
{
    follow_cooldowns_write(f, arena);
    if (!has_key(f, provider, fingerprint))
        return;
    struct text lines = {.arena = arena};
    struct diagnostics diagnostics = {.arena = arena};
    const struct reset what = {.provider = provider, .fingerprint = fingerprint};
    if (!reset_home(arena, f->fleet->home, &what, LOCK_WAIT_MS, &lines, &diagnostics))
        (void)printf("<4>a reset of %s from the fleet failed here\n", fingerprint);
    else if (lines.len > 0)
        (void)printf("<6>fleet: %s was reset\n", fingerprint);
    (void)fflush(stdout);
}

/* SECONDS: what is left of it. */
static void learn(struct cooldown_follower *f, struct arena *arena, const struct etcd_value *value,
                  const struct fleet_cooldown *cooldown, long long seconds)
{
    struct known_cooldown *known = find_or_add(f, last_part(value->key));
    if (known == NULL)
        return;
    bool other = known->mod_revision != value->mod_revision;
    known->seen = true;
    if (!other)
        return;
    known->gone = false;
    known->mod_revision = value->mod_revision;
    known->until = ceil(clock_wall() + (double)seconds); /* whole seconds read the same from any file */
    known->dead = cooldown->dead;
    known->status = cooldown->status;
    (void)snprintf(known->provider, sizeof known->provider, "%s", cooldown->provider);
    (void)snprintf(known->fingerprint, sizeof known->fingerprint, "%s", cooldown->fingerprint);
    (void)snprintf(known->host, sizeof known->host, "%s", cooldown->host);
    f->changed = true;
    const char *resets = fleet_resets_pending(arena, f->fleet->home);
    if (has_key(f, known->provider, known->fingerprint) &&
        !fleet_resets_mean(resets, known->provider, known->fingerprint))
        book(f, arena, known, cooldown->rule);
}

static bool open_cooldown(const struct cooldown_follower *f, struct arena *arena, const struct etcd_value *value,
                          struct fleet_cooldown *ret)
{
    struct text text;
    return fleet_seal_open(arena, f->fleet->key, value->key, value->value, value->len, &text) &&
           fleet_cooldown_parse(arena, text.bytes, text.len, ret);
}

/* Those that the fleet does not know any more, before their time. */
static void drop_unseen(struct cooldown_follower *f, struct arena *arena)
{
    struct known_cooldown *gone = arena_alloc(arena, (f->count + 1) * sizeof *gone);
    size_t count = 0;
    for (size_t i = f->count; i > 0; i--) {
        if (f->items[i - 1].seen)
            continue;
        gone[count++] = f->items[i - 1];
        forget(f, &f->items[i - 1]);
    }
    for (size_t i = 0; i < count; i++)
        if (gone[i].until > clock_wall() + SLACK_S)
            reset_here(f, arena, gone[i].provider, gone[i].fingerprint);
}

static void end_of_resets(struct cooldown_follower *f)
{
    f->untold = f->untold || *f->awaited != '\0';
    *f->awaited = '\0';
}

int follow_cooldowns_all(struct cooldown_follower *f, struct arena *arena, const struct etcd_values *all)
{
    for (size_t i = 0; i < f->count; i++)
        f->items[i].seen = false;
    for (size_t i = 0; i < all->count; i++) {
        struct fleet_cooldown cooldown;
        long long left = 0;
        const struct known_cooldown *known = find(f, last_part(all->items[i].key));
        if (!open_cooldown(f, arena, &all->items[i], &cooldown))
            continue;
        bool same = known != NULL && known->mod_revision == all->items[i].mod_revision;
        int error = same ? 0 : etcd_lease_left(f->fleet->etcd, all->items[i].lease, &left);
        if (error != 0)
            return error;
        if (same || left > 0)
            learn(f, arena, &all->items[i], &cooldown, left);
    }
    drop_unseen(f, arena);
    end_of_resets(f); /* they may have passed by */
    return 0;
}

static bool seen_before(struct cooldown_follower *f, const char *id)
{
    const size_t room = sizeof f->ids / sizeof *f->ids;
    for (size_t i = 0; i < room; i++)
        if (strcmp(f->ids[i], id) == 0)
            return true;
    (void)snprintf(f->ids[f->next_id++ % room], sizeof *f->ids, "%s", id);
    return false;
}

static void take_reset(struct cooldown_follower *f, struct arena *arena, const struct etcd_value *value)
{
    struct text text;
    if (value->value == NULL || !fleet_seal_open(arena, f->fleet->key, value->key, value->value, value->len, &text))
        return;
    cJSON *root = parse_json(text.bytes, text.len, NULL);
    const char *id = parse_json_text(arena, root, "id");
    const char *provider = parse_json_text(arena, root, "provider");
    const char *fingerprint = parse_json_text(arena, root, "fingerprint");
    cJSON_Delete(root);
    struct known_cooldown *known = find(f, last_part(value->key));
    if (known != NULL)
        forget(f, known);
    if (!seen_before(f, id) && fingerprint_valid(fingerprint))
        reset_here(f, arena, provider, fingerprint);
    if (strcmp(f->awaited, id) == 0)
        end_of_resets(f);
}

/* Before its time it is a reset, whose own word may come later, or never. */
static void take_end(struct cooldown_follower *f, struct arena *arena, struct known_cooldown *known)
{
    struct known_cooldown gone = *known;
    known->gone = f->changed = true;
    if (gone.until <= clock_wall() + SLACK_S)
        return;
    forget(f, known);
    reset_here(f, arena, gone.provider, gone.fingerprint);
}

void follow_cooldowns_event(struct cooldown_follower *f, struct arena *arena, const struct etcd_value *value)
{
    struct fleet_cooldown cooldown;
    struct known_cooldown *known = find(f, last_part(value->key));
    if (strstr(value->key, "/resets/") != NULL)
        take_reset(f, arena, value);
    else if (value->value == NULL && known != NULL)
        take_end(f, arena, known);
    else if (value->value != NULL && open_cooldown(f, arena, value, &cooldown))
        learn(f, arena, value, &cooldown, cooldown.seconds);
}

/* --- out --- */

struct telling {
    struct cooldown_follower *of;
    struct arena *arena;
    struct etcd_change changes[MOST_AT_ONCE];
    size_t count;
    struct cooldown told[MOST_AT_ONCE];
    size_t told_count;
    char reset[17]; /* the last one's */
    int error;
};

static void add_change(struct telling *t, const char *place, const struct text *text, long long lease)
{
    struct text sealed = fleet_seal(t->arena, t->of->fleet->key, place, text->bytes, text->len);
    t->changes[t->count++] =
        (struct etcd_change){.key = place, .value = sealed.bytes, .len = sealed.len, .lease = lease};
}

static void tell_key(struct telling *t, const char *provider, const char *fingerprint,
                     const struct hermes_key_state *state)
{
    char name[FLEET_NAME_SIZE];
    long long lease = 0;
    double left = state->until - clock_wall();
    bool dead = state->verdict == HERMES_KEY_DEAD;
    fleet_cooldown_name(t->arena, t->of->fleet->key, provider, fingerprint, name);
    const struct known_cooldown *known = find(t->of, name);
    bool news = known == NULL || (dead ? !known->dead : state->until > known->until + SLACK_S);
    if (!news || (known != NULL && known->dead) || t->count == MOST_AT_ONCE || t->error != 0)
        return;
    const struct fleet_cooldown cooldown = {.provider = provider,
                                            .fingerprint = fingerprint,
                                            .dead = dead,
                                            .status = state->status,
                                            .rule = state->rule,
                                            .seconds = dead ? FLEET_DEAD_S : (long long)ceil(left),
                                            .host = t->of->host};
    t->error = etcd_lease_grant(t->of->fleet->etcd, cooldown.seconds, &lease);
    if (t->error != 0)
        return;
    struct text text = fleet_cooldown_text(t->arena, &cooldown);
    add_change(t,
               fleet_copy_place(t->arena, t->of->fleet->settings->name, arena_printf(t->arena, "cooldowns/%s", name)),
               &text, lease);
    struct cooldown *told = &t->told[t->told_count++];
    *told = (struct cooldown){.provider = provider, .dead = dead, .until = state->until};
    (void)snprintf(told->fingerprint.text, sizeof told->fingerprint.text, "%s", fingerprint);
}

static void tell_provider(struct telling *t, const struct hermes_provider *provider)
{
    for (size_t i = 0; i < provider->credential_count; i++) {
        struct hermes_key_state state;
        const struct hermes_credential *credential = &provider->credentials[i];
        if (*credential->secret != '\0' &&
            hermes_key_state(t->of->reader, provider->id, credential->fingerprint, &state) == 0 &&
            (state.verdict == HERMES_KEY_COOLING || state.verdict == HERMES_KEY_DEAD) && state.until > clock_wall() + 1)
            tell_key(t, provider->id, credential->fingerprint, &state);
    }
}

/* Resets by hand, which a hermes-compile has noted: "xiaomi sha256:0123456789abcdef". This home obeys them, too, when
 * they come back from etcd: it may have heard of the cooldown itself in between. */
static void tell_reset(struct telling *t, const struct known_cooldown *known, long long lease)
{
    unsigned char random[8];
    char *id = t->reset;
    const char *fleet = t->of->fleet->settings->name;
    struct text text = {.arena = t->arena};
    randombytes_buf(random, sizeof random);
    (void)sodium_bin2hex(id, sizeof t->reset, random, sizeof random);
    text_putc(&text, '{');
    json_write_member(&text, "id", id);
    json_write_member(&text, "provider", known->provider);
    json_write_member(&text, "fingerprint", known->fingerprint);
    text_putc(&text, '}');
    add_change(t, fleet_copy_place(t->arena, fleet, arena_printf(t->arena, "resets/%s", known->name)), &text, lease);
    t->changes[t->count++] = (struct etcd_change){
        .key = fleet_copy_place(t->arena, fleet, arena_printf(t->arena, "cooldowns/%s", known->name))};
}

static void forget_meant(struct cooldown_follower *f, const char *lines)
{
    for (size_t i = f->count; i > 0; i--)
        if (fleet_resets_mean(lines, f->items[i - 1].provider, f->items[i - 1].fingerprint))
            forget(f, &f->items[i - 1]);
}

static void tell_resets(struct telling *t)
{
    long long lease = 0;
    const char *lines = fleet_resets_take(t->arena, t->of->fleet->home);
    bool done;
    for (size_t i = 0; lines != NULL && t->error == 0 && i < t->of->count && t->count + 2 <= MOST_AT_ONCE; i++) {
        const struct known_cooldown *known = &t->of->items[i];
        if (!fleet_resets_mean(lines, known->provider, known->fingerprint))
            continue;
        if (lease == 0)
            t->error = etcd_lease_grant(t->of->fleet->etcd, RESET_LEASE_S, &lease);
        if (t->error == 0)
            tell_reset(t, known, lease);
    }
    if (t->error == 0 && t->count > 0)
        t->error = etcd_commit(t->of->fleet->etcd, NULL, 0, t->changes, t->count, &done);
    if (lines == NULL || t->error != 0)
        return;
    forget_meant(t->of, lines);
    follow_cooldowns_write(t->of, t->arena); /* before compiles read it without the resets */
    fleet_resets_done(t->arena, t->of->fleet->home);
    if (*t->reset != '\0')
        memcpy(t->of->awaited, t->reset, sizeof t->reset);
    t->count = 0;
}

int follow_cooldowns_tell(struct cooldown_follower *f, struct arena *arena)
{
    struct telling t = {.of = f, .arena = arena};
    bool done;
    tell_resets(&t);
    hermes_close(f->reader); /* one that has looked a moment ago would not look again */
    f->reader = NULL;
    f->untold = false;
    if (t.error != 0 || *f->awaited != '\0' || !look_at_home(f))
        return t.error;
    const struct hermes_view *view = hermes_hold(f->reader);
    for (size_t i = 0; i < hermes_provider_count(view); i++)
        tell_provider(&t, hermes_provider_at(view, i));
    if (t.error == 0 && t.count > 0)
        t.error = etcd_commit(f->fleet->etcd, NULL, 0, t.changes, t.count, &done);
    for (size_t i = 0; t.error == 0 && i < t.told_count; i++)
        remember(f, arena, &t.told[i]); /* a reset may come before etcd's own word of it */
    hermes_view_unref(view);
    return t.error;
}
