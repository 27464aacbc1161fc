#include "follow_known.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "fleet_cooldown.h"
#include "replace.h"
#include "safe_read.h"
#include "snapshot_format.h"

/* --- the list --- */

struct known_cooldown *follow_known_find(const struct follow_known *known, const char *name)
{
    for (size_t i = 0; i < known->count; i++)
        if (strcmp(known->items[i].name, name) == 0)
            return &known->items[i];
    return NULL;
}

struct known_cooldown *follow_known_add(struct follow_known *known, const char *name)
{
    struct known_cooldown *item = follow_known_find(known, name);
    if (item != NULL)
        return item;
    struct known_cooldown *grown = reallocarray(known->items, known->count + 1, sizeof *grown);
    if (grown == NULL)
        return NULL;
    known->items = grown;
    item = &grown[known->count++];
    *item = (struct known_cooldown){0};
    (void)snprintf(item->name, sizeof item->name, "%s", name);
    return item;
}

void follow_known_forget(struct follow_known *known, struct known_cooldown *item)
{
    *item = known->items[--known->count];
    known->changed = true;
}

void follow_known_remember(struct follow_known *known, struct arena *arena, const struct cooldown *cooldown)
{
    char name[FLEET_NAME_SIZE];
    fleet_cooldown_name(arena, known->key, cooldown->provider, cooldown->fingerprint.text, name);
    struct known_cooldown *item = follow_known_add(known, name);
    if (item == NULL)
        return;
    item->until = cooldown->dead ? clock_wall() + (double)FLEET_DEAD_S : cooldown->until;
    item->dead = cooldown->dead;
    (void)snprintf(item->provider, sizeof item->provider, "%s", cooldown->provider);
    (void)snprintf(item->fingerprint, sizeof item->fingerprint, "%s", cooldown->fingerprint.text);
}

void follow_known_close(struct follow_known *known)
{
    free(known->items);
    *known = (struct follow_known){0};
}

/* --- the file --- */

void follow_known_open(struct follow_known *known, const struct fleet_key *key, const char *home)
{
    struct arena *arena = arena_create();
    struct cooldowns before = {.arena = arena};
    struct safe_read read = safe_read(arena, arena_printf(arena, "%s/" FLEET_COOLDOWNS_FILE, home), 0);
    *known = (struct follow_known){.key = key};
    if (read.status == SAFE_READ_OK)
        (void)cooldowns_parse(&before, read.bytes, read.len, clock_wall());
    for (size_t i = 0; i < before.count; i++)
        follow_known_remember(known, arena, &before.items[i]);
    arena_destroy(arena);
}

static void put(struct cooldowns *all, const struct known_cooldown *item)
{
    struct arena *arena = all->arena;
    struct cooldown cooldown = {
        .provider = item->provider, .dead = item->dead, .until = item->dead ? INFINITY : item->until};
    const char *raw[COOLDOWN_MEMBERS] = {
        [COOLDOWN_STATUS] = item->dead ? "\"dead\"" : "\"exhausted\"",
        [COOLDOWN_STATUS_AT] = arena_printf(arena, "%.6f", clock_wall()),
        [COOLDOWN_ERROR_CODE] = item->status > 0 ? arena_printf(arena, "%d", item->status) : "null",
        [COOLDOWN_ERROR_REASON] = "null",
        [COOLDOWN_ERROR_MESSAGE] = "null",
        [COOLDOWN_RESET_AT] = item->dead ? "null" : arena_printf(arena, "%.6f", item->until),
    };
    memcpy(cooldown.raw, raw, sizeof raw);
    strcpy(cooldown.fingerprint.text, item->fingerprint);
    cooldowns_put(all, &cooldown);
}

static void forget_the_past(struct follow_known *known)
{
    for (size_t i = known->count; i > 0; i--)
        if (known->items[i - 1].until < clock_wall() - FOLLOW_KNOWN_SLACK_S)
            follow_known_forget(known, &known->items[i - 1]);
}

void follow_known_write(struct follow_known *known, struct arena *arena, struct follow_home *home)
{
    struct cooldowns all = {.arena = arena};
    size_t len;
    if (!known->changed)
        return;
    forget_the_past(known);
    const char *path = arena_printf(arena, "%s/" FLEET_COOLDOWNS_FILE, home->path);
    for (size_t i = 0; i < known->count; i++) {
        const struct known_cooldown *item = &known->items[i];
        if (!item->gone && item->until > clock_wall() && follow_home_has(home, item->provider, item->fingerprint))
            put(&all, item);
    }
    bool nothing = all.count == 0 && access(path, F_OK) < 0;
    const char *text = cooldowns_text(&all, &len);
    known->changed = !nothing && replace_passing(path, text, len) != 0;
}
