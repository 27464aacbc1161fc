/* One projection while it is being made, a pool at a time: pool.c walks the file and asks, in this order, what is known
 * of each key (pool_states.c), which keys get an entry of ours (pool_wanted.c), where it stands (pool_order.c) and how
 * it is written (pool_text.c). */
#ifndef HERMES_POOL_PROJECTOR_H
#define HERMES_POOL_PROJECTOR_H

#include "name_table.h"
#include "pool.h"
#include "pool_document.h"

/* An entry as it shall be. */
struct slot {
    struct entry *entry;                 /* NULL: ours, new */
    const struct credential *credential; /* ours: the key it carries; else NULL */
    struct entry_state state;
    double priority;
    bool set_priority;
    bool moved;              /* Hermes's own, in the place that a key of config.yaml has */
    const char *text;        /* of an entry that exists; NULL: it stays as it stands */
    const struct seed *made; /* new, in the form that Hermes seeds it in; else NULL */
    const char *id;          /* of a new one */
    const char *left_status; /* JSON texts, as they are when this is done */
    const char *left_status_at;
};

/* What the pool says of a key, twins taken together. */
struct word {
    const char *fingerprint;
    const struct entry_state *marking; /* the latest one; NULL when they are all clean */
    bool known;                        /* some entry has held this key before now, so the pool's word counts */
    struct entry *carrier;             /* Hermes's own first entry that goes out with it, or NULL */
    struct entry *ours;                /* our first entry of it, or NULL */
};

/* A key that has a place in the pool by what the sources say. */
struct want {
    const struct credential *credential;
    struct entry *carrier;   /* Hermes's own entry, which stands in that place; NULL: the key gets an entry */
    const struct seed *made; /* it is written in Hermes's own form, for this seed; NULL: it is one of ours */
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
    const struct providers *providers;
    struct cooldowns *cooldowns;
    struct diagnostics *diagnostics;
    bool only_check;
    bool shared; /* profiles may read it */
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
    size_t our_count; /* of the entries */
    bool has_oauth;
    struct entry **seeded; /* those that Hermes made of its sources */
    size_t seeded_count;
    size_t seeded_capacity;
    struct word *words;
    size_t word_count;
    size_t word_capacity;
    struct name_table word_index; /* by fingerprint, where there are more than a few */
    struct want *wanted;
    size_t wanted_count;
    size_t wanted_capacity;
    struct slot *slots; /* in the order in which Hermes shall take them */
    size_t slot_count;
    size_t slot_capacity;
};

/* Under any other strategy than fill_first the order is Hermes's. */
bool pool_projector_sets_order(const struct projector *p);
/* Whether this program wrote the entry in the pool at hand, in Hermes's form. */
bool pool_projector_made(const struct projector *p, const struct entry *entry);
/* Whether it has ever written one of SOURCE. */
bool pool_projector_listed(const struct projector *p, const char *source);
/* A line for people. */
void pool_projector_note_change(struct projector *p, const char *what, const char *fingerprint, const char *label);

#endif
