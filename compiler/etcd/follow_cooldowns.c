#include "follow_cooldowns.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "classify.h"
#include "clock.h"
#include "fleet_cooldown.h"
#include "fleet_resets.h"
#include "hermes_runtime.h"
#include "parse_json.h"

void follow_cooldowns_open(struct cooldown_follower *f, struct fleet *fleet, const char *host)
{
    *f = (struct cooldown_follower){.fleet = fleet, .host = host, .home = {.path = fleet->home}};
    follow_known_open(&f->known, fleet->key, fleet->home);
}

void follow_cooldowns_close(struct cooldown_follower *f)
{
    follow_home_close(&f->home);
    follow_known_close(&f->known);
}

void follow_cooldowns_write(struct cooldown_follower *f, struct arena *arena)
{
    follow_known_write(&f->known, arena, &f->home);
}

static const char *last_part(const char *place)
{
    const char *slash = strrchr(place, '/');
    return slash == NULL ? place : slash + 1;
}

/* The file no longer has it by then, from which a compile would learn it again. */
static void reset_here(struct cooldown_follower *f, struct arena *arena, const char *provider, const char *fingerprint)
{
    follow_cooldowns_write(f, arena);
    follow_home_reset(&f->home, arena, provider, fingerprint);
}

/* For the library and the relay of this home. */
static void book(struct cooldown_follower *f, struct arena *arena, const struct known_cooldown *known, const char *rule)
{
    const struct bookings_id id = bookings_id(known->provider, known->fingerprint);
    const struct booking booking = {.verdict = known->dead ? HERMES_KEY_DEAD : HERMES_KEY_COOLING,
                                    .status = known->status,
                                    .rule = classify_rule_number(rule),
                                    .until = known->dead ? INFINITY : known->until};
    follow_home_book(&f->home, arena, &id, &booking);
}

/* SECONDS: what is left of it. */
static void learn(struct cooldown_follower *f, struct arena *arena, const struct etcd_value *value,
                  const struct fleet_cooldown *cooldown, long long seconds)
{
    struct known_cooldown *known = follow_known_add(&f->known, last_part(value->key));
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
    f->known.changed = true;
    const char *resets = fleet_resets_pending(arena, f->home.path);
    if (follow_home_has(&f->home, known->provider, known->fingerprint) &&
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
    struct known_cooldown *gone = arena_alloc(arena, (f->known.count + 1) * sizeof *gone);
    size_t count = 0;
    for (size_t i = f->known.count; i > 0; i--) {
        if (f->known.items[i - 1].seen)
            continue;
        gone[count++] = f->known.items[i - 1];
        follow_known_forget(&f->known, &f->known.items[i - 1]);
    }
    for (size_t i = 0; i < count; i++)
        if (gone[i].until > clock_wall() + FOLLOW_KNOWN_SLACK_S)
            reset_here(f, arena, gone[i].provider, gone[i].fingerprint);
}

static void end_of_resets(struct cooldown_follower *f)
{
    f->untold = f->untold || *f->awaited != '\0';
    *f->awaited = '\0';
}

int follow_cooldowns_all(struct cooldown_follower *f, struct arena *arena, const struct etcd_values *all)
{
    for (size_t i = 0; i < f->known.count; i++)
        f->known.items[i].seen = false;
    for (size_t i = 0; i < all->count; i++) {
        struct fleet_cooldown cooldown;
        long long left = 0;
        const struct known_cooldown *known = follow_known_find(&f->known, last_part(all->items[i].key));
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
    struct known_cooldown *known = follow_known_find(&f->known, last_part(value->key));
    if (known != NULL)
        follow_known_forget(&f->known, known);
    if (!seen_before(f, id) && fingerprint_valid(fingerprint))
        reset_here(f, arena, provider, fingerprint);
    if (strcmp(f->awaited, id) == 0)
        end_of_resets(f);
}

/* Before its time it is a reset, whose own word may come later, or never. */
static void take_end(struct cooldown_follower *f, struct arena *arena, struct known_cooldown *known)
{
    struct known_cooldown gone = *known;
    known->gone = f->known.changed = true;
    if (gone.until <= clock_wall() + FOLLOW_KNOWN_SLACK_S)
        return;
    follow_known_forget(&f->known, known);
    reset_here(f, arena, gone.provider, gone.fingerprint);
}

void follow_cooldowns_event(struct cooldown_follower *f, struct arena *arena, const struct etcd_value *value)
{
    struct fleet_cooldown cooldown;
    struct known_cooldown *known = follow_known_find(&f->known, last_part(value->key));
    if (strstr(value->key, "/resets/") != NULL)
        take_reset(f, arena, value);
    else if (value->value == NULL && known != NULL)
        take_end(f, arena, known);
    else if (value->value != NULL && open_cooldown(f, arena, value, &cooldown))
        learn(f, arena, value, &cooldown, cooldown.seconds);
}
