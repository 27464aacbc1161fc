#include "pool_states.h"

#include <stdlib.h>
#include <string.h>

#include "plain_name.h"
#include "source.h"

void pool_states_remember(struct projector *p, const struct entry_state *state, const char *fingerprint, bool pooled)
{
    struct entry_state told = entry_state_told(p->arena, state);
    struct cooldown cooldown = entry_state_cooldown(&told, p->name, fingerprint);
    cooldown.pooled = pooled;
    if (state->active && *fingerprint != '\0' && plain_name(p->name, strlen(p->name)))
        cooldowns_put(p->cooldowns, &cooldown);
}

static bool has_marking(const struct cooldown *known, const struct entry_state *state)
{
    return strcmp(known->raw[COOLDOWN_STATUS_AT], "null") != 0 &&
           strcmp(known->raw[COOLDOWN_STATUS_AT], state->raw[COOLDOWN_STATUS_AT]) == 0;
}

/* Hermes may have written the new key's fingerprint over the old one's status before we looked: then this very marking
 * is remembered of another key, and not of this one. */
static bool marking_of_another_key(const struct projector *p, const struct entry *entry)
{
    const struct cooldown *own = cooldowns_get(p->cooldowns, p->name, entry->effective);
    if (own != NULL && has_marking(own, &entry->state))
        return false; /* two keys were marked in the same moment */
    for (size_t i = 0; i < p->cooldowns->count; i++) {
        const struct cooldown *known = &p->cooldowns->items[i];
        if (strcmp(known->provider, p->name) == 0 && has_marking(known, &entry->state))
            return true;
    }
    return false;
}

/* A process that was started before the key changed goes on with its own: Hermes 0.10.0, which keeps tokens in clear,
 * with every variable, a later one with those that only its start reads. Such an entry keeps its key and what that key
 * earned: the new key stands in front of it. Where no entry of ours may stand, it is all that Hermes has, and a
 * cooldown of the old key is in the way. */
static bool left_to_an_old_process(const struct projector *p, const struct entry *entry)
{
    if (entry->seed == NULL || entry->seed->secret == NULL || strcmp(entry->on_disk, entry->effective) == 0)
        return false;
    bool in_clear =
        strcmp(entry->seed->kind, "env:") == 0 && entry->token != NULL && *entry->token != '\0' && !entry->made;
    return (in_clear || !(entry->seed->each_load || entry->seed->each_process)) &&
           !(entry->state.active && p->has_oauth);
}

bool pool_states_key_changed(const struct entry *entry)
{
    return entry->seed != NULL && !entry->stale && entry->seed->secret != NULL &&
           strcmp(entry->on_disk, entry->effective) != 0;
}

/* The key came with this compile, and Hermes has already put its fingerprint there: what was noted before its file was
 * written, the key that stood there earned. When a single model was last refused is not known. */
static bool older_than_its_key(const struct projector *p, const struct entry *entry)
{
    const struct credential *credential = NULL;
    for (size_t i = 0; i < p->provider->credential_count && credential == NULL; i++)
        if (strcmp(p->provider->credentials[i].fingerprint.text, entry->effective) == 0)
            credential = &p->provider->credentials[i];
    const struct source *source = credential == NULL ? NULL : credential->origins[0].place.source;
    if (source == NULL || !credential->fresh)
        return false;
    return entry->held_back || (entry->state.active && entry->state.at < (double)source->moment.st_mtim.tv_sec);
}

/* Seconds. A session that goes on with the key of its beginning is refused when that key is revoked, and Hermes up to
 * 0.18 notes it in the entry of the key that took its place. */
static const double DOUBT = 300;

/* When the key took another one's place; 0: not lately, or never. */
static double rotated_at(const struct projector *p, const char *fingerprint)
{
    const struct name_set *rotated = &p->cooldowns->lists[COOLDOWNS_ROTATED];
    const char *name =
        rotated->count == 0 ? NULL : name_set_of_group(rotated, arena_printf(p->arena, "%s %s", p->name, fingerprint));
    return name == NULL ? 0 : strtod(strrchr(name, ' '), NULL);
}

void pool_states_drop_old_rotations(struct cooldowns *cooldowns, double now)
{
    struct name_set *rotated = &cooldowns->lists[COOLDOWNS_ROTATED];
    for (size_t i = 0; rotated->count > 0 && i < rotated->all; i++) {
        const char *at = strrchr(rotated->items[i].name, ' ');
        if (at == NULL || strtod(at, NULL) + DOUBT <= now)
            name_set_remove(rotated, rotated->items[i].name);
    }
}

/* Which keys came with this compile in the place of others. */
static void note_rotations(struct projector *p)
{
    size_t count = p->provider == NULL || p->count == 0 ? 0 : p->provider->credential_count;
    for (size_t i = 0; i < count; i++) {
        const struct credential *credential = &p->provider->credentials[i];
        if (credential->fresh && credential->rank < RANK_POOL && rotated_at(p, credential->fingerprint.text) == 0)
            cooldowns_list(p->cooldowns, COOLDOWNS_ROTATED,
                           arena_printf(p->arena, "%s %s %.3f", p->name, credential->fingerprint.text, p->now), true);
    }
}

/* A refusal right after the rotation. */
static bool in_doubt(const struct projector *p, const struct entry *entry)
{
    const struct entry_state *state = &entry->state;
    bool refusal = state->active && (state->dead || strcmp(state->raw[COOLDOWN_ERROR_CODE], "401") == 0);
    double since = refusal && (entry->ours || entry->seed != NULL) ? rotated_at(p, entry->effective) : 0;
    return since > 0 && state->at >= since - 1 && state->at < since + DOUBT;
}

static bool earned_by_another_key(const struct projector *p, const struct entry *entry)
{
    return pool_states_key_changed(entry) || (entry->state.active && marking_of_another_key(p, entry)) ||
           older_than_its_key(p, entry);
}

void pool_states_part_from_old_keys(struct projector *p)
{
    note_rotations(p);
    for (size_t i = 0; i < p->count; i++) {
        struct entry *entry = &p->entries[i];
        entry->doubted = in_doubt(p, entry);
        entry->parted = entry->doubted && entry->state.dead; /* Hermes would never try it again */
        if (entry->parted && entry->ours)
            entry->state = entry_state_clean();
        entry->stale = left_to_an_old_process(p, entry);
        if (entry->stale)
            strcpy(entry->effective, entry->on_disk);
        if (entry->seed == NULL || entry->seed->secret == NULL || entry->stale)
            continue;
        if (entry->seed->misread) /* up to 0.20.0 Hermes sends the variable's key as long as its entry rests */
            continue;
        entry->parted = entry->parted || earned_by_another_key(p, entry);
        if (!entry->parted)
            continue;
        if (entry_state_marked(&entry->on_disk_state) || entry->held_back)
            pool_projector_note_change(p, "cleared a cooldown that another key earned, now", entry->effective,
                                       entry->source);
        entry->state = entry_state_clean();
    }
}

/* A custom provider that was renamed has its keys, and what they earned, under the name that it had. */
void pool_states_adopt(struct projector *p)
{
    size_t known = strncmp(p->name, "custom:", 7) == 0 && p->provider != NULL ? p->cooldowns->count : 0;
    for (size_t i = 0; i < known; i++) {
        struct cooldown cooldown = p->cooldowns->items[i];
        bool orphaned =
            strncmp(cooldown.provider, "custom:", 7) == 0 && providers_get(p->providers, cooldown.provider) == NULL;
        for (size_t k = 0; orphaned && k < p->provider->credential_count; k++) {
            const struct credential *credential = &p->provider->credentials[k];
            if (!credential->fresh || strcmp(credential->fingerprint.text, cooldown.fingerprint.text) != 0)
                continue;
            cooldown.provider = p->name;
            cooldown.pooled = false;
            cooldowns_put(p->cooldowns, &cooldown);
        }
    }
}

enum { FEW = 16 };

struct word *pool_states_word_of(const struct projector *p, const char *fingerprint)
{
    if (p->word_count > FEW) {
        const uint32_t *index = name_table_get(&p->word_index, fingerprint);
        return index == NULL ? NULL : &p->words[*index];
    }
    for (size_t i = 0; i < p->word_count; i++)
        if (strcmp(p->words[i].fingerprint, fingerprint) == 0)
            return &p->words[i];
    return NULL;
}

static struct word *add_word(struct projector *p, const char *fingerprint)
{
    ARENA_GROW(p->arena, p->words, p->word_capacity, p->word_count + 1);
    p->words[p->word_count++] = (struct word){.fingerprint = fingerprint};
    for (size_t i = p->word_count == FEW + 1 ? 0 : p->word_count - 1; p->word_count > FEW && i < p->word_count; i++)
        name_table_put(p->arena, &p->word_index, p->words[i].fingerprint, i);
    return &p->words[p->word_count - 1];
}

/* An entry of Hermes's that can go out with its key: one of ours would double it, and Hermes counts entries. */
static bool carries(const struct projector *p, const struct entry *entry)
{
    bool has_url = entry->base_url != NULL && *entry->base_url != '\0';
    if (entry->manual)
        return !entry->ours && (has_url || strncmp(p->name, "custom:", 7) == 0);
    return entry->seed != NULL && entry->seed->secret != NULL && !entry->stale;
}

/* Hermes has just made the entry, and does not know what the key earned before; or no entry knows yet what the fleet
 * learned of the key. */
static bool is_untold(const struct projector *p, const struct entry *entry)
{
    const struct cooldown *memory = cooldowns_get(p->cooldowns, p->name, entry->effective);
    return (entry->seed != NULL || entry->ours) && memory != NULL && !memory->pooled && !entry->state.active;
}

static struct word *word_for(struct projector *p, const char *fingerprint)
{
    struct word *word = pool_states_word_of(p, fingerprint);
    return word != NULL ? word : add_word(p, fingerprint);
}

static void take_marking(struct word *word, const struct entry_state *state)
{
    if (state->active && (word->marking == NULL || state->at > word->marking->at))
        word->marking = state;
}

static void gather_words(struct projector *p)
{
    arena_give_back(p->arena, p->word_index.slots, p->word_index.size * sizeof *p->word_index.slots);
    p->word_index = (struct name_table){0};
    p->word_count = 0;
    for (size_t i = 0; i < p->count; i++) {
        struct entry *entry = &p->entries[i];
        bool changed = pool_states_key_changed(entry);
        if (entry->oauth)
            continue;
        struct word *word = word_for(p, entry->effective);
        word->known = word->known || (!changed && !entry->stale && !is_untold(p, entry));
        if (!entry->doubted)
            take_marking(word, &entry->state);
        if (entry->ours && word->ours == NULL)
            word->ours = entry;
        if (carries(p, entry) && (word->carrier == NULL || entry->priority < word->carrier->priority))
            word->carrier = entry;
        if (changed && *entry->on_disk != '\0') /* which another entry may hold, too */
            take_marking(word_for(p, entry->on_disk), &entry->on_disk_state);
    }
}

const struct entry_state *pool_states_word(const struct projector *p, const char *fingerprint, bool *ret_known)
{
    const struct word *word = pool_states_word_of(p, fingerprint);
    *ret_known = word != NULL && word->known;
    return word == NULL ? NULL : word->marking;
}

struct entry_state pool_states_of_key(struct projector *p, const char *fingerprint)
{
    bool known;
    const struct entry_state *word = pool_states_word(p, fingerprint, &known);
    if (word != NULL)
        return entry_state_told(p->arena, word);
    if (known) {
        cooldowns_forget(p->cooldowns, p->name, fingerprint); /* a reset by hand counts */
        return entry_state_clean();
    }
    return entry_state_from(cooldowns_get(p->cooldowns, p->name, fingerprint));
}

/* What the pool says of its keys is what the memory says, a reset by hand included. */
void pool_states_note(struct projector *p)
{
    gather_words(p);
    for (size_t i = 0; i < p->word_count; i++) {
        const struct word *word = &p->words[i];
        if (word->marking != NULL)
            pool_states_remember(p, word->marking, word->fingerprint, word->known);
        else if (word->known)
            cooldowns_forget(p->cooldowns, p->name, word->fingerprint);
    }
}
