#include "follow_cooldowns.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include <sodium.h>

#include "clock.h"
#include "fleet_cooldown.h"
#include "fleet_resets.h"
#include "hermes_runtime.h"
#include "json_write.h"

enum { RESET_LEASE_S = 60, MOST_AT_ONCE = 64 };

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
    const struct known_cooldown *known = follow_known_find(&t->of->known, name);
    bool news = known == NULL || (dead ? !known->dead : state->until > known->until + FOLLOW_KNOWN_SLACK_S);
    if (!news || (known != NULL && known->dead) || t->error != 0)
        return;
    if (t->count == MOST_AT_ONCE) {
        t->of->untold = true;
        return;
    }
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
            hermes_key_state(t->of->home.reader, provider->id, credential->fingerprint, &state) == 0 &&
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

static bool is_meant(const struct known_cooldown *item, const char *lines)
{
    return fleet_resets_mean(lines, item->provider, item->fingerprint);
}

/* The last COUNT that LINES mean. */
static void forget_last(struct follow_known *known, const char *lines, size_t count)
{
    for (size_t i = known->count; i > 0 && count > 0; i--)
        if (is_meant(&known->items[i - 1], lines)) {
            follow_known_forget(known, &known->items[i - 1]);
            count--;
        }
}

/* The last that LINES mean, as many as fit into one commit. They are not known any more then. */
static void tell_some_resets(struct telling *t, const char *lines)
{
    long long lease = 0;
    bool done;
    struct follow_known *known = &t->of->known;
    t->error = etcd_lease_grant(t->of->fleet->etcd, RESET_LEASE_S, &lease);
    for (size_t i = known->count; t->error == 0 && i > 0 && t->count + 2 <= MOST_AT_ONCE; i--)
        if (is_meant(&known->items[i - 1], lines))
            tell_reset(t, &known->items[i - 1], lease);
    if (t->error == 0)
        t->error = etcd_commit(t->of->fleet->etcd, NULL, 0, t->changes, t->count, &done);
    if (t->error == 0)
        forget_last(known, lines, t->count / 2);
    t->count = 0;
}

static bool any_is_meant(const struct follow_known *known, const char *lines)
{
    for (size_t i = 0; i < known->count; i++)
        if (is_meant(&known->items[i], lines))
            return true;
    return false;
}

static void tell_resets(struct telling *t)
{
    const char *lines = fleet_resets_take(t->arena, t->of->home.path);
    while (lines != NULL && t->error == 0 && any_is_meant(&t->of->known, lines))
        tell_some_resets(t, lines);
    if (lines == NULL || t->error != 0)
        return;
    follow_cooldowns_write(t->of, t->arena); /* before compiles read it without the resets */
    fleet_resets_done(t->arena, t->of->home.path);
    if (*t->reset != '\0')
        memcpy(t->of->awaited, t->reset, sizeof t->reset);
}

int follow_cooldowns_tell(struct cooldown_follower *f, struct arena *arena)
{
    struct telling t = {.of = f, .arena = arena};
    bool done;
    tell_resets(&t);
    follow_home_close(&f->home); /* one that has looked a moment ago would not look again */
    f->untold = false;
    if (t.error != 0 || *f->awaited != '\0' || !follow_home_look(&f->home))
        return t.error;
    const struct hermes_view *view = hermes_hold(f->home.reader);
    for (size_t i = 0; i < hermes_provider_count(view); i++)
        tell_provider(&t, hermes_provider_at(view, i));
    if (t.error == 0 && t.count > 0)
        t.error = etcd_commit(f->fleet->etcd, NULL, 0, t.changes, t.count, &done);
    for (size_t i = 0; t.error == 0 && i < t.told_count; i++)
        follow_known_remember(&f->known, arena, &t.told[i]); /* a reset may come before etcd's own word of it */
    hermes_view_unref(view);
    return t.error;
}
