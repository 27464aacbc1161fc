/* One entry of a pool as it stands in auth.json, and what is known of its key. */
#ifndef HERMES_POOL_ENTRY_H
#define HERMES_POOL_ENTRY_H

#include "entry_state.h"
#include "json_span.h"
#include "must_check.h"
#include "provider.h"

struct slot;

struct entry {
    const struct json *json; /* it may be closed */
    const struct slot *slot; /* where it shall stand; NULL: nowhere yet */
    const char *id;
    const char *label;
    const char *source;
    const char *token; /* NULL when it is not on disk */
    const char *auth_type;
    const char *base_url;
    bool has_fingerprint;
    bool has_priority;
    double priority;
    bool ours;
    bool manual;
    bool oauth;
    bool counted;                     /* Hermes has written it: it counts the requests of each */
    bool held_back;                   /* a cooldown of single models, or why the last one was, is noted in it */
    bool made;                        /* see pool_entry_made */
    const struct seed *seed;          /* Hermes seeds it from a source key that we know */
    bool parted;                      /* what is noted in it another key has earned */
    bool doubted;                     /* what is noted in it may be another key's: it is told to nobody else */
    bool stale;                       /* a process that knows an older key put it there: it stays with that key */
    char on_disk[FINGERPRINT_SIZE];   /* "" when unknown */
    char effective[FINGERPRINT_SIZE]; /* of the key that Hermes will send for it */
    struct entry_state on_disk_state; /* as it stands in the file */
    struct entry_state state;         /* what it is worth */
};

/* Who made the entry, its key, its URL and its place; without fingerprints and state. */
struct entry pool_entry_outline(struct arena *arena, const char *text, const struct json *json);
struct entry pool_entry_read(struct arena *arena, const char *text, const struct json *json,
                             const struct provider *provider, double now);

/* Whether this program wrote the entry, in Hermes's form, in this home or in the one whose auth.json was copied: its id
 * is then the one of its key. One of a variable is Hermes's own as soon as Hermes writes it, with a count of requests;
 * one of config.yaml stays ours. */
bool pool_entry_made(const char *pool, const struct entry *entry);

/* Some entry of the pool ARRAY is of this program, in either form. */
bool pool_entry_any_ours(struct arena *arena, const char *text, const struct json *array) MUST_CHECK;

/* Of all the ENTRIES of a pool: one that is the only one that is not dead may rest for a shorter time. */
void pool_entry_note_only(struct entry *entries, size_t count, double now);

/* Members to set in an entry's text; raw JSON values. */
struct entry_edit {
    const char *name;
    const char *raw;
};

/* The entry's text with the members set; what is not named is kept byte for byte. */
const char *pool_entry_edited(struct arena *arena, const char *text, const struct json *json,
                              const struct entry_edit *edits, size_t count);

#endif
