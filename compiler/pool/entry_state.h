/* What an entry of the pool, or the memory of cooldowns, says of a key. */
#ifndef HERMES_ENTRY_STATE_H
#define HERMES_ENTRY_STATE_H

#include "cooldown.h"

/* How a key was last answered, as long as that still matters. */
struct entry_state {
    bool active; /* exhausted and the time is not over, or dead */
    bool dead;
    bool by_kind; /* `until` follows from the kind of failure, which no member of the state says */
    bool brief;   /* Hermes since 0.20.1 lets it rest for a minute only, where there is no other key to turn to */
    double at;    /* last_status_at; 0 when unknown */
    double until;
    const char *raw[COOLDOWN_MEMBERS]; /* JSON texts, "null" where absent */
};

struct entry_state entry_state_clean(void);
/* As it is told to another entry of the same key, and to the memory: with the time when it is over. */
struct entry_state entry_state_told(struct arena *arena, const struct entry_state *state);
struct entry_state entry_state_from(const struct cooldown *cooldown);
struct cooldown entry_state_cooldown(const struct entry_state *state, const char *provider, const char *fingerprint);
/* Of the only entry of a pool that is not dead. */
void entry_state_alone(struct entry_state *state, double now);
/* Something is noted of it, whether its time is over or not. */
bool entry_state_marked(const struct entry_state *state);
bool entry_state_same(const struct entry_state *a, const struct entry_state *b);

#endif
