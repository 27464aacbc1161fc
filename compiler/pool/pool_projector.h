/* One projection while it is being made, a pool at a time: pool.c walks the file and asks, in this order, what is known of
 * each key (pool_states.c), which keys get an entry of ours (pool_wanted.c), where it stands (pool_order.c) and how it is
 * written (pool_text.c). */
#ifndef HERMES_POOL_PROJECTOR_H
#define HERMES_POOL_PROJECTOR_H

#include "name_table.h"
#include "pool.h"
#include "pool_document.h"

/* An entry as it shall be. */
struct slot {
    struct entry *entry;                 /* NULL: ours, new */
    const struct credential *credential; /* ours: the key it carries */
    struct entry_state state;
    double priority;
    bool set_priority;
    const char *text; /* of an entry that exists; NULL: it stays as it stands */
};

/* What the pool says of a key, twins taken together. */
struct word {
    const char *fingerprint;
    const struct entry_state *marking; /* the latest one; NULL when they are all clean */
    bool known;                        /* some entry has held this key before now, so the pool's word counts */
    bool serves;                       /* a manual entry of somebody's can go out with it */
    struct entry *ours;                /* our first entry of it, or NULL */
    const struct credential *wanted;   /* the key itself, where it gets an entry of ours */
};

struct pieces {
    struct piece *items;
    size_t count;
    size_t capacity;
};

struct projector {
    struct arena *arena;
    struct pool_document document;
    const struct source *source;
    struct cooldowns *cooldowns;
    struct diagnostics *diagnostics;
    bool only_check;
    double now;
    struct text changes;
    struct pieces out;
    size_t copied;           /* so much of the old text is dealt with */
    struct name_table pools; /* of those in the file the last of each name */
    struct text text;        /* of the pool that is at hand */
    /* one pool at a time; the room is kept for the next one */
    const char *name;
    const struct provider *provider;
    struct entry *entries;
    size_t count;
    size_t entry_capacity;
    bool has_oauth;
    struct entry **seeded; /* those that Hermes made of its sources */
    size_t seeded_count;
    size_t seeded_capacity;
    struct word *words;
    size_t word_count;
    size_t word_capacity;
    struct name_table word_index;     /* by fingerprint, where there are more than a few */
    const struct credential **wanted; /* the keys that get an entry of ours */
    size_t wanted_count;
    size_t wanted_capacity;
    struct slot *slots; /* in the order in which Hermes shall take them */
    size_t slot_count;
    size_t slot_capacity;
};

/* A line for people. */
void pool_note_change(struct projector *p, const char *what, const char *fingerprint, const char *label);

/* --- pool_states.c: cooldowns belong to keys --- */

/* Puts STATE of a key into the memory of cooldowns, where there is something to remember. */
void pool_remember(struct projector *p, const struct entry_state *state, const char *fingerprint);
void pool_part_states_from_old_keys(struct projector *p);
void pool_note_states(struct projector *p);
/* NULL when no entry holds that key. */
struct word *pool_word_of(const struct projector *p, const char *fingerprint);
/* The latest marking that the pool has of a key, or NULL, and whether its word counts. */
const struct entry_state *pool_word(const struct projector *p, const char *fingerprint, bool *ret_known);
/* The pool's word, else the memory's. */
struct entry_state pool_state_of_key(struct projector *p, const char *fingerprint);
/* An entry that Hermes seeds holds another key than its source. */
bool pool_key_changed(const struct entry *entry);

/* --- pool_wanted.c: which keys get an entry of ours --- */

/* An env file holds a login, which only Hermes's own entry can carry: no key of an env file may go before that. */
bool pool_login_in_env(const struct projector *p);
struct entry *pool_our_entry(const struct projector *p, const char *fingerprint);
/* Finds out which; when the words are known. */
void pool_gather_wanted(struct projector *p);
const struct credential *pool_wanted_key(const struct projector *p, const char *fingerprint);
const char *pool_auth_type_of(const struct projector *p, const struct credential *credential);
const char *pool_our_source(const struct projector *p, const struct credential *credential);

/* --- pool_order.c: where each entry stands --- */

void pool_arrange(struct projector *p);
bool pool_order_is_ours_to_set(const struct projector *p);
bool pool_order_holds(const struct projector *p);
void pool_number_slots(struct projector *p);
bool pool_slot_is_foreign(const struct slot *slot);

/* --- pool_text.c: how it is written --- */

void pool_edit_slot(struct projector *p, struct slot *slot);
void pool_put_array(struct projector *p, struct text *out);

#endif
