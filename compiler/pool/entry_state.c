#include "entry_state.h"

#include <string.h>

#include "json_python.h"
#include "plain_name.h"

static const double TTL_BRIEF = 60; /* seconds */

struct entry_state entry_state_clean(void)
{
    struct entry_state state = {0};
    for (size_t i = 0; i < COOLDOWN_MEMBERS; i++)
        state.raw[i] = "null";
    return state;
}

struct entry_state entry_state_told(struct arena *arena, const struct entry_state *state)
{
    struct entry_state told = *state;
    if (state->by_kind)
        told.raw[COOLDOWN_RESET_AT] = json_python_number(arena, state->until);
    told.by_kind = false;
    told.brief = false;
    return told;
}

struct entry_state entry_state_from(const struct cooldown *cooldown)
{
    struct entry_state state = entry_state_clean();
    if (cooldown == NULL)
        return state;
    state.active = true;
    state.dead = cooldown->dead;
    state.until = cooldown->until;
    for (size_t i = 0; i < COOLDOWN_MEMBERS; i++)
        state.raw[i] = cooldown->raw[i];
    return state;
}

struct cooldown entry_state_cooldown(const struct entry_state *state, const char *provider, const char *fingerprint)
{
    struct cooldown cooldown = {.provider = provider, .dead = state->dead, .until = state->until};
    strcpy(cooldown.fingerprint.text, fingerprint);
    for (size_t i = 0; i < COOLDOWN_MEMBERS;
         i++) /* what a provider said may have the key in it: that is not remembered */
        cooldown.raw[i] = plain_name(state->raw[i], strlen(state->raw[i])) ? state->raw[i] : "null";
    return cooldown;
}

void entry_state_alone(struct entry_state *state, double now)
{
    if (!state->brief || state->until <= state->at + TTL_BRIEF)
        return;
    state->until = state->at + TTL_BRIEF;
    state->active = state->until > now;
}

bool entry_state_marked(const struct entry_state *state)
{
    const char *status = state->raw[COOLDOWN_STATUS];
    return strcmp(status, "\"exhausted\"") == 0 || strcmp(status, "\"dead\"") == 0;
}

bool entry_state_same(const struct entry_state *a, const struct entry_state *b)
{
    for (size_t i = 0; i < COOLDOWN_MEMBERS; i++)
        if (strcmp(a->raw[i], b->raw[i]) != 0)
            return false;
    return true;
}
