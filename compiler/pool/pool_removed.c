#include "pool_removed.h"

#include <inttypes.h>
#include <string.h>

#include <sodium.h>

#include "pool_states.h"
#include "shown.h"
#include "source.h"

static const char *pair(const struct projector *p, const char *text)
{
    const size_t len = strlen(p->name);
    char *name = arena_alloc(p->arena, len + strlen(text) + 2);
    memcpy(name, p->name, len);
    name[len] = ' ';
    strcpy(name + len + 1, text);
    return name;
}

static size_t count(const struct projector *p, enum cooldowns_list list)
{
    return p->cooldowns->lists[list].count;
}

static uint64_t digest_of(struct arena *arena, const char *id, const char *status, const char *at)
{
    struct text text = {.arena = arena};
    static const unsigned char key[crypto_shorthash_KEYBYTES];
    unsigned char digest[crypto_shorthash_BYTES];
    uint64_t number;
    text_puts(&text, id == NULL ? "" : id);
    text_putc(&text, ' ');
    text_puts(&text, status);
    text_putc(&text, ' ');
    text_puts(&text, at);
    (void)crypto_shorthash(digest, (const unsigned char *)text.bytes, text.len, key);
    memcpy(&number, digest, sizeof number);
    return number;
}

/* Of the entries of others as they are in the file; their order is Hermes's to change. */
static const char *digest_before(const struct projector *p)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < p->count; i++) {
        const struct entry *entry = &p->entries[i];
        const char *const *raw = entry->on_disk_state.raw;
        sum += entry->ours ? 0 : digest_of(p->arena, entry->id, raw[COOLDOWN_STATUS], raw[COOLDOWN_STATUS_AT]);
    }
    return arena_printf(p->arena, "%016" PRIx64, sum);
}

static const char *digest_after(const struct projector *p)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < p->slot_count; i++) {
        const struct slot *slot = &p->slots[i];
        bool ours = slot->credential != NULL && slot->made == NULL;
        const char *id = slot->entry != NULL ? slot->entry->id : slot->id;
        sum += ours ? 0 : digest_of(p->arena, id, slot->left_status, slot->left_status_at);
    }
    return arena_printf(p->arena, "%016" PRIx64, sum);
}

static const char *file_identity(const struct projector *p)
{
    const struct stat *st = &p->source->moment;
    return arena_printf(p->arena, " %ju.%jd.%ld", (uintmax_t)st->st_ino, (intmax_t)st->st_mtim.tv_sec,
                        st->st_mtim.tv_nsec);
}

/* An older list of entries came back. */
static bool has_older_entry(const struct projector *p)
{
    for (size_t i = 0; i < p->count; i++)
        if (p->entries[i].ours && !cooldowns_listed(p->cooldowns, COOLDOWNS_PLACED, pair(p, p->entries[i].on_disk)))
            return true;
    return false;
}

/* Whether what was written last stands there but for entries of ours. */
static bool nothing_else_changed(const struct projector *p)
{
    bool never_written = cooldowns_listed(p->cooldowns, COOLDOWNS_BESIDE, file_identity(p));
    return !never_written && !has_older_entry(p) && pool_projector_sets_order(p) &&
           cooldowns_listed(p->cooldowns, COOLDOWNS_BESIDE, pair(p, digest_before(p)));
}

static bool has_entry(const struct projector *p, const struct credential *credential)
{
    const struct word *word = pool_states_word_of(p, credential->fingerprint.text);
    return word != NULL && (word->ours != NULL || word->carrier != NULL);
}

bool pool_removed_is(const struct projector *p, const struct credential *credential)
{
    return count(p, COOLDOWNS_REMOVED) > 0 &&
           cooldowns_listed(p->cooldowns, COOLDOWNS_REMOVED, pair(p, credential->fingerprint.text));
}

static void warn(struct projector *p, const struct credential *credential)
{
    struct diagnostic *d =
        diagnostic_add(p->diagnostics, CODE_REMOVED_ENTRY, credential->origins[0].place,
                       "%s has no entry in Hermes's pool for %s: it was removed by hand, and stays removed",
                       credential->origins[0].key, shown_name(p->arena, p->name));
    diagnostic_help(p->diagnostics, d, "hermes-compile --reset %s restores it", shown_name(p->arena, p->name));
}

/* The names of the provider's keys whose entry is no more, or again not there. */
static struct name_table missing(const struct projector *p)
{
    struct name_table left = {0};
    const bool alone = count(p, COOLDOWNS_PLACED) > 0 && nothing_else_changed(p);
    for (size_t i = 0; (alone || count(p, COOLDOWNS_REMOVED) > 0) && i < p->provider->credential_count; i++) {
        const struct credential *credential = &p->provider->credentials[i];
        const char *name = pair(p, credential->fingerprint.text);
        if (!has_entry(p, credential) &&
            (pool_removed_is(p, credential) || (alone && cooldowns_listed(p->cooldowns, COOLDOWNS_PLACED, name))))
            name_table_put(p->arena, &left, name, i);
    }
    return left;
}

void pool_removed_look(struct projector *p, const struct json *array)
{
    struct name_table left = {0};
    if (p->provider != NULL && array != NULL)
        left = missing(p);
    name_set_remove_group(&p->cooldowns->lists[COOLDOWNS_REMOVED], p->name); /* of others nothing needs to be known */
    for (size_t i = 0; left.count > 0 && i < p->provider->credential_count; i++) {
        const char *name = pair(p, p->provider->credentials[i].fingerprint.text);
        if (name_table_get(&left, name) == NULL)
            continue;
        cooldowns_list(p->cooldowns, COOLDOWNS_REMOVED, name, true);
        warn(p, &p->provider->credentials[i]);
    }
}

void pool_removed_note(struct projector *p)
{
    bool any = false;
    name_set_remove_group(&p->cooldowns->lists[COOLDOWNS_PLACED], p->name);
    name_set_remove_group(&p->cooldowns->lists[COOLDOWNS_BESIDE], p->name);
    for (size_t i = 0; i < p->slot_count; i++) {
        const struct slot *slot = &p->slots[i];
        if (slot->credential == NULL || slot->made != NULL)
            continue;
        any = true;
        cooldowns_list(p->cooldowns, COOLDOWNS_PLACED, pair(p, slot->credential->fingerprint.text), true);
    }
    if (any)
        cooldowns_list(p->cooldowns, COOLDOWNS_BESIDE, pair(p, digest_after(p)), true);
}

void pool_removed_note_file(struct projector *p)
{
    name_set_remove_group(&p->cooldowns->lists[COOLDOWNS_BESIDE], "");
    if (count(p, COOLDOWNS_PLACED) > 0)
        cooldowns_list(p->cooldowns, COOLDOWNS_BESIDE, file_identity(p), true);
}
