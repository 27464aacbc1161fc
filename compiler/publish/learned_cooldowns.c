#include "learned_cooldowns.h"

#include <math.h>
#include <string.h>

#include "clock.h"
#include "cooldown_file.h"
#include "fleet_resets.h"
#include "snapshot_format.h"

static bool has_key(const struct providers *providers, const struct cooldown *cooldown)
{
    const struct provider *provider = providers_get(providers, cooldown->provider);
    for (size_t i = 0; provider != NULL && i < provider->credential_count; i++)
        if (strcmp(provider->credentials[i].fingerprint.text, cooldown->fingerprint.text) == 0)
            return true;
    return false;
}

static const char *name_of(struct arena *arena, const struct cooldown *cooldown)
{
    return arena_printf(arena, "%s %s %.3f", cooldown->provider, cooldown->fingerprint.text,
                        cooldown->dead ? 0 : cooldown->until);
}

static void add(struct cooldowns *cooldowns, const struct providers *providers, const struct cooldown *learned)
{
    struct cooldown cooldown = *learned;
    const struct cooldown *own = cooldowns_get(cooldowns, learned->provider, learned->fingerprint.text);
    if (!has_key(providers, learned) || (own != NULL && own->until >= learned->until))
        return;
    cooldown.pooled = false; /* no entry has said so: it is to be told to them */
    cooldowns_put(cooldowns, &cooldown);
}

void learned_cooldowns_add(struct cooldowns *cooldowns, const char *home, const struct providers *providers)
{
    struct arena *arena = cooldowns->arena;
    struct cooldowns known = {.arena = arena};
    struct text unused = {.arena = arena};
    struct diagnostics unsaid = {.arena = arena}; /* a torn one is written anew by whoever follows the fleet */
    struct name_set names = {0};
    const char *resets = fleet_resets_pending(arena, home);
    if (!cooldown_file_read(&known, arena_printf(arena, "%s/" FLEET_COOLDOWNS_FILE, home), &unused, &unsaid))
        return;
    for (size_t i = 0; i < known.count; i++) {
        const char *name = name_of(arena, &known.items[i]);
        if (fleet_resets_mean(resets, known.items[i].provider, known.items[i].fingerprint.text))
            continue;
        if (!cooldowns_listed(cooldowns, COOLDOWNS_LEARNED, name))
            add(cooldowns, providers, &known.items[i]);
        name_set_add(arena, &names, name);
    }
    cooldowns->lists[COOLDOWNS_LEARNED] = names; /* what the fleet knows no more may come again */
}
