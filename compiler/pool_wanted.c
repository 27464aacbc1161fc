#include "pool_projector.h"

#include <string.h>

#include "key_header.h"
#include "source.h"

/* Where a key of config.yaml is an Anthropic login, Hermes sets the entry's type by itself, and would do so again. */
const char *pool_auth_type_of(const struct projector *p, const struct credential *credential)
{
    bool login = strcmp(p->name, "anthropic") == 0 && key_is_anthropic_login(credential->secret);
    return login ? "oauth" : "api_key";
}

/* A manual entry of the same key that can serve: it is not doubled. */
static bool has_manual_twin(const struct projector *p, const char *fingerprint)
{
    bool custom = strncmp(p->name, "custom:", 7) == 0;
    for (size_t i = 0; i < p->count; i++) {
        const struct entry *entry = &p->entries[i];
        bool has_url = entry->base_url != NULL && *entry->base_url != '\0';
        if (entry->manual && !entry->ours && strcmp(entry->on_disk, fingerprint) == 0 && (has_url || custom))
            return true;
    }
    return false;
}

const char *pool_our_source(const struct projector *p, const struct credential *credential)
{
    return arena_printf(p->arena, POOL_OUR_SOURCE "%s", credential->origins[0].key);
}

static bool suppressed(const struct projector *p, const struct json *all, const struct seed *seed)
{
    for (size_t i = 0; i < all->count; i++) {
        const char *text = json_string(p->arena, p->document.text, &all->children[i]);
        if (text != NULL && seed_is(seed, text))
            return true;
    }
    return false;
}

/* A person took this key out of the pool: our entry, or the one that Hermes made of it (`config:NAME`). */
static bool taken_out(const struct projector *p, const struct credential *credential)
{
    const struct json *all = json_member(json_member(p->document.root, "suppressed_sources"), p->name);
    if (all == NULL || all->kind != JSON_ARRAY)
        return false;
    const struct seed ours = {.kind = POOL_OUR_SOURCE, .name = credential->origins[0].key};
    if (suppressed(p, all, &ours))
        return true;
    for (size_t i = 0; i < p->provider->seed_count; i++) {
        const struct seed *seed = &p->provider->seeds[i];
        if (seed->secret != NULL && strcmp(seed->secret, credential->secret) == 0 && suppressed(p, all, seed))
            return true;
    }
    return false;
}

struct entry *pool_our_entry(const struct projector *p, const char *fingerprint)
{
    for (size_t i = 0; i < p->count; i++)
        if (p->entries[i].ours && strcmp(p->entries[i].on_disk, fingerprint) == 0)
            return &p->entries[i];
    return NULL;
}

/* Hermes deletes a dead manual entry after a day, and would do so again with a new one. */
static bool deleted_as_dead(const struct projector *p, const char *fingerprint)
{
    bool known;
    const struct entry_state *word = pool_word(p, fingerprint, &known);
    const struct cooldown *memory = cooldowns_get(p->cooldowns, p->name, fingerprint);
    bool dead = word != NULL ? word->dead : !known && memory != NULL && memory->dead;
    return dead && pool_our_entry(p, fingerprint) == NULL;
}

static bool wanted(const struct projector *p, const struct credential *credential)
{
    const char *fingerprint = credential->fingerprint.text;
    if (credential->rank >= RANK_POOL || taken_out(p, credential) || deleted_as_dead(p, fingerprint))
        return false;
    if (credential->rank == RANK_CONFIG)
        return true;
    if (pool_has_oauth(p) || p->provider->inherits || strcmp(p->name, "copilot") == 0 ||
        strcmp(pool_auth_type_of(p, credential), "oauth") == 0)
        return false;
    return !has_manual_twin(p, fingerprint);
}

void pool_gather_wanted(struct projector *p)
{
    size_t count = p->provider != NULL && p->provider->projected ? p->provider->credential_count : 0;
    p->wanted_count = 0;
    for (size_t i = 0; i < count; i++) {
        void *all = p->wanted;
        if (!wanted(p, &p->provider->credentials[i]))
            continue;
        arena_grow(p->arena, &all, &p->wanted_capacity, p->wanted_count + 1, sizeof *p->wanted);
        p->wanted = all;
        p->wanted[p->wanted_count++] = &p->provider->credentials[i];
    }
}

const struct credential *pool_wanted_key(const struct projector *p, const char *fingerprint)
{
    for (size_t i = 0; i < p->wanted_count; i++)
        if (strcmp(p->wanted[i]->fingerprint.text, fingerprint) == 0)
            return p->wanted[i];
    return NULL;
}
