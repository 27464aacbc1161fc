#include "home_state.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "report.h"

const char *condition_name(enum condition condition)
{
    static const char *const names[] = {"ok", "invalid", "held", "waiting", "degraded", "failed", "no-home"};
    return names[condition];
}

bool condition_is_trouble(enum condition condition)
{
    return condition != HOME_OK && condition != HOME_DEGRADED;
}

void home_state_finish(struct home_state *state)
{
    free(state->status);
    free(state->diagnostics);
    free(state->findings);
    *state = (struct home_state){0};
}

/* True: TEXT is another one than *AT. */
static bool put(char **at, const char *text)
{
    if (*at != NULL && strcmp(*at, text) == 0)
        return false;
    free(*at);
    *at = strdup(text);
    return true;
}

bool home_state_say(struct home_state *state, enum condition condition, const char *status)
{
    state->condition = condition;
    return put(&state->status, status);
}

void home_state_learn(struct home_state *state, const struct compilation *c)
{
    struct text text = {.arena = c->arena};
    state->generation = c->generation;
    (void)clock_gettime(CLOCK_REALTIME, &state->last_compile);
    if (c->outcome == COMPILE_VALID) {
        state->last_success = state->last_compile;
        state->providers = c->providers.count;
    }
    state->errors = c->diagnostics.errors;
    state->warnings = c->diagnostics.warnings;
    report_json(&text, &c->diagnostics);
    (void)put(&state->diagnostics, text.bytes);
}

bool home_state_learn_drift(struct home_state *state, const struct drift *drift)
{
    struct text text = {.arena = drift->arena};
    drift_json(&text, drift);
    state->finding_count = drift->count;
    state->matters = 0;
    for (size_t i = 0; i < drift->count; i++)
        state->matters += drift->items[i].matters;
    return put(&state->findings, strchr(text.bytes, '[')); /* without the member's name */
}
