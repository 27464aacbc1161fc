/* One entry of a pool as it stands in auth.json, and what is known of its key. Private to pool.c. */
#ifndef HERMES_POOL_ENTRY_H
#define HERMES_POOL_ENTRY_H

#include "cooldown.h"
#include "credential.h"
#include "json_span.h"

struct slot;

/* How a key was last answered, as long as that still matters. */
struct entry_state {
    bool active; /* exhausted and the time is not over, or dead */
    bool dead;
    bool by_kind; /* `until` follows from the kind of failure, which no member of the state says */
    double at;    /* last_status_at; 0 when unknown */
    double until;
    const char *raw[COOLDOWN_MEMBERS]; /* JSON texts, "null" where absent */
};

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
    const struct seed *seed;          /* Hermes seeds it from a source key that we know */
    bool stale;                       /* a process that knows an older key put it there: it stays with that key */
    char on_disk[FINGERPRINT_SIZE];   /* "" when unknown */
    char effective[FINGERPRINT_SIZE]; /* of the key that Hermes will send for it */
    struct entry_state on_disk_state; /* as it stands in the file */
    struct entry_state state;         /* what it is worth */
};

/* Who made the entry, its key and its place; without base_url, fingerprints and state. */
struct entry entry_outline(struct arena *arena, const char *text, const struct json *json);
struct entry entry_read(struct arena *arena, const char *text, const struct json *json, const struct provider *provider,
                        double now);

struct entry_state state_clean(void);
/* As it is told to another entry of the same key, and to the memory: with the time when it is over. */
struct entry_state state_told(struct arena *arena, const struct entry_state *state);
struct entry_state state_from(const struct cooldown *cooldown);
struct cooldown state_cooldown(const struct entry_state *state, const char *provider, const char *fingerprint);
bool state_same(const struct entry_state *a, const struct entry_state *b);

/* Members to set in an entry's text; raw JSON values. */
struct entry_edit {
    const char *name;
    const char *raw;
};

/* The entry's text with the members set; what is not named is kept byte for byte. */
const char *entry_edited(struct arena *arena, const char *text, const struct json *json, const struct entry_edit *edits,
                         size_t count);

/* TEXT as Python's json.dumps writes a string: ASCII only. */
void json_put_quoted(struct text *out, const char *text);
const char *json_quote(struct arena *arena, const char *text);
/* The shortest text that is read as VALUE again. */
const char *json_number_text(struct arena *arena, double value);

#endif
