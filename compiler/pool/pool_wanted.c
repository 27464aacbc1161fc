#include "pool_wanted.h"

#include <string.h>

#include "key_header.h"
#include "pool_removed.h"
#include "pool_states.h"
#include "pool_view.h"
#include "source.h"

static bool is_login(const struct projector *p, const struct credential *credential)
{
    return strcmp(p->name, "anthropic") == 0 && key_header_is_anthropic_login(credential->secret);
}

/* Where a key of config.yaml is an Anthropic login, Hermes sets the entry's type by itself, and would do so again. */
const char *pool_wanted_auth_type(const struct projector *p, const struct credential *credential)
{
    return is_login(p, credential) ? "oauth" : "api_key";
}

bool pool_wanted_login_in_env(const struct projector *p)
{
    for (size_t i = 0; p->provider != NULL && i < p->provider->credential_count; i++)
        if (p->provider->credentials[i].rank == RANK_ENV && is_login(p, &p->provider->credentials[i]))
            return true;
    return false;
}

const char *pool_wanted_source(const struct projector *p, const struct credential *credential)
{
    return arena_printf(p->arena, POOL_OUR_SOURCE "%s", credential->origins[0].key);
}

static bool suppressed(const struct projector *p, const struct json *all, const struct seed *seed)
{
    for (size_t i = 0; i < all->count; i++) {
        const char *text = json_span_string(p->arena, p->document.text, &all->children[i]);
        if (text != NULL && provider_seed_is(seed, text))
            return true;
    }
    return false;
}

/* A person took this key out of the pool: our entry, or the one that Hermes made of it (`config:NAME`). */
static bool taken_out(const struct projector *p, const struct credential *credential)
{
    const struct json *all = json_span_member(json_span_member(p->document.root, "suppressed_sources"), p->name);
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

struct entry *pool_wanted_entry(const struct projector *p, const char *fingerprint)
{
    const struct word *word = pool_states_word_of(p, fingerprint);
    return word == NULL ? NULL : word->ours;
}

/* Hermes deletes a dead manual entry after a day, and would do so again with a new one. */
static bool deleted_as_dead(const struct projector *p, const char *fingerprint)
{
    bool known;
    const struct entry_state *word = pool_states_word(p, fingerprint, &known);
    const struct cooldown *memory = cooldowns_get(p->cooldowns, p->name, fingerprint);
    bool dead = word != NULL ? word->dead : !known && memory != NULL && memory->dead;
    return dead && pool_wanted_entry(p, fingerprint) == NULL;
}

static bool has_entry(const struct projector *p, const struct seed *seed)
{
    for (size_t i = 0; i < p->seeded_count; i++)
        if (p->seeded[i]->seed == seed)
            return true;
    return false;
}

/* Hermes puts the entry that it makes of a variable behind those that are there, and behind those of variables that
 * come first, where a key of config.yaml for a provider that it knows may not stand. */
static bool would_stand_behind(const struct projector *p, const struct credential *credential, const struct seed *seed)
{
    if (strcmp(seed->kind, "env:") != 0 || credential->rank != RANK_CONFIG)
        return false;
    for (const struct seed *other = p->provider->seeds; other < seed; other++)
        if (other->secret != NULL && strcmp(other->secret, credential->secret) != 0)
            return true;
    return p->provider->inherits || p->count > p->our_count;
}

static bool seeds(const struct projector *p, const struct seed *seed, const struct credential *credential)
{
    return seed->secret != NULL && strcmp(seed->secret, credential->secret) == 0 && !has_entry(p, seed) &&
           !would_stand_behind(p, credential, seed);
}

/* The seed from which Hermes makes an entry of that key when it loads the pool the next time; NULL: none. */
static const struct seed *to_be_seeded(const struct projector *p, const struct credential *credential)
{
    for (size_t i = 0; i < p->provider->seed_count; i++)
        if (p->provider->seeds[i].each_load && seeds(p, &p->provider->seeds[i], credential))
            return &p->provider->seeds[i];
    return NULL;
}

static bool is_seeded(const struct provider *provider, const struct credential *credential)
{
    for (size_t i = 0; i < provider->seed_count; i++)
        if (provider->seeds[i].each_load && provider->seeds[i].secret != NULL &&
            strcmp(provider->seeds[i].secret, credential->secret) == 0)
            return true;
    return false;
}

/* Where Hermes puts manual entries first, one of ours would stand before its own of a variable that comes first. */
static bool would_overtake(const struct projector *p, const struct credential *credential)
{
    if (!pool_view_manual_first(p->name) || is_seeded(p->provider, credential))
        return false;
    for (const struct credential *c = p->provider->credentials; c < credential; c++)
        if (c->rank == RANK_ENV && is_seeded(p->provider, c))
            return true;
    return false;
}

static bool may_be_projected(const struct projector *p, const struct credential *credential)
{
    if (credential->rank >= RANK_POOL || taken_out(p, credential) || pool_removed_is(p, credential) ||
        credential_stands_for_none(credential))
        return false;
    return credential->rank == RANK_CONFIG ||
           !(p->has_oauth || p->provider->inherits || would_overtake(p, credential) || strcmp(p->name, "copilot") == 0);
}

/* Hermes's own entry that is to stand where config.yaml has its key; NULL: none, or Hermes would put it back. */
static struct entry *carrier_to_place(const struct projector *p, const struct credential *credential)
{
    const struct word *word = pool_states_word_of(p, credential->fingerprint.text);
    struct entry *carrier = word == NULL || !credential_written_out(credential) ? NULL : word->carrier;
    return carrier != NULL && !carrier->manual && pool_view_manual_first(p->name) ? NULL : carrier;
}

/* Every version makes an entry of it: of a numbered one only newer ones do, of OPENAI_API_KEY for OpenRouter none. */
static bool is_table_variable(const struct provider_row *row, const char *name)
{
    bool openrouter = row != NULL && strcmp(row->id, "openrouter") == 0;
    for (size_t i = 0; row != NULL && row->key_envs[i] != NULL; i++)
        if (strcmp(row->key_envs[i], name) == 0)
            return !openrouter || strcmp(name, "OPENROUTER_API_KEY") == 0;
    return false;
}

static bool comes_from(const struct credential *credential, const char *variable)
{
    for (size_t i = 0; i < credential->origin_count; i++)
        if (strcmp(credential->origins[i].key, variable) == 0)
            return true;
    return false;
}

/* The key that Hermes seeds is one of the provider's, and of that variable. */
static bool has_credential(const struct provider *provider, const struct seed *seed)
{
    for (size_t i = 0; i < provider->credential_count; i++) {
        const struct credential *credential = &provider->credentials[i];
        if (credential->rank <= RANK_ENV && strcmp(credential->secret, seed->secret) == 0)
            return comes_from(credential, seed->name);
    }
    return false;
}

/* A process of an older Hermes that does not have the variable takes its entry out, and would do so again. */
static bool was_made(const struct projector *p, const struct seed *seed)
{
    return p->document.text != NULL && pool_projector_listed(p, arena_printf(p->arena, "%s%s", seed->kind, seed->name));
}

/* The seed of that key's variable, which every Hermes that knows managed files finds at its next load. */
static const struct seed *of_each_process(const struct projector *p, const struct credential *credential)
{
    for (size_t i = 0; i < p->provider->seed_count; i++)
        if (p->provider->seeds[i].each_process && seeds(p, &p->provider->seeds[i], credential))
            return &p->provider->seeds[i];
    return NULL;
}

/* Hermes puts its entries of variables in the order of its table: all that it has not yet, or none. */
static bool variables_may_be_made(const struct projector *p)
{
    for (size_t i = 0; i < p->provider->seed_count; i++) {
        const struct seed *seed = &p->provider->seeds[i];
        if (strcmp(seed->kind, "env:") == 0 && seed->secret != NULL && !has_entry(p, seed) &&
            is_table_variable(p->provider->row, seed->name) &&
            (!(seed->each_load || seed->each_process) || was_made(p, seed) || !has_credential(p->provider, seed)))
            return false;
    }
    return !p->shared;
}

/* In the place of Hermes, which finds the key at its next load. A profile would take such an entry of a variable for
 * one of its own, which it does not with Hermes's, where the key is not in it. */
static bool may_be_made(const struct projector *p, const struct seed *seed)
{
    if (seed == NULL || p->provider->inherits)
        return false;
    return strcmp(seed->kind, "env:") != 0 ||
           (is_table_variable(p->provider->row, seed->name) && variables_may_be_made(p));
}

/* One key, one entry: a new one only for a key that no entry of Hermes's carries. What Hermes will make an entry of is
 * written in its own form: what the key earns before that has to be noted somewhere. False: the key gets none. */
static bool gets_entry(const struct projector *p, const struct credential *credential, struct want *want)
{
    const struct word *word = pool_states_word_of(p, credential->fingerprint.text);
    const struct seed *seed = to_be_seeded(p, credential);
    bool carried = word != NULL && word->carrier != NULL;
    want->carrier = carrier_to_place(p, credential);
    const struct seed *variable = of_each_process(p, credential);
    want->made = may_be_made(p, seed) ? seed : may_be_made(p, variable) ? variable : NULL;
    if (want->carrier != NULL)
        return true;
    return !carried && (seed == NULL || want->made != NULL) && !deleted_as_dead(p, credential->fingerprint.text);
}

static void add(struct projector *p, struct want want)
{
    ARENA_GROW(p->arena, p->wanted, p->wanted_capacity, p->wanted_count + 1);
    p->wanted[p->wanted_count++] = want;
}

/* Nothing but entries of ours, and such as Hermes takes out: of a custom key that config.yaml has no more. */
static bool no_other_stays(const struct projector *p)
{
    for (size_t i = 0; i < p->count; i++) {
        const struct entry *entry = &p->entries[i];
        const bool without_key = entry->token == NULL || *entry->token == '\0';
        const bool goes_out = entry->seed == NULL && without_key && strncmp(entry->source, "config:", 7) == 0;
        if (!entry->ours && !goes_out)
            return false;
    }
    return true;
}

void pool_wanted_gather(struct projector *p)
{
    size_t count = p->provider != NULL && p->provider->projected ? p->provider->credential_count : 0;
    p->wanted_count = 0;
    for (size_t i = 0; i < count; i++) {
        struct want want = {.credential = &p->provider->credentials[i]};
        if (!may_be_projected(p, want.credential) || !gets_entry(p, want.credential, &want))
            continue;
        add(p, want);
    }
    if (p->wanted_count == 0 && p->provider != NULL && p->provider->stand_in != NULL && no_other_stays(p))
        add(p, (struct want){.credential = p->provider->stand_in});
}
