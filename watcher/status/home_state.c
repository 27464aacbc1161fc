#include "home_state.h"

#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "json_write.h"
#include "memory.h"
#include "report.h"

const char *home_state_name(enum condition condition)
{
    static const char *const names[] = {"ok", "invalid", "held", "waiting", "degraded", "failed", "no-home"};
    return names[condition];
}

bool home_state_is_trouble(const struct home_state *state)
{
    return state->condition != HOME_OK && state->condition != HOME_DEGRADED;
}

static bool copy_text(const char *text, char **ret)
{
    *ret = text == NULL ? NULL : strdup(text);
    return text == NULL || *ret != NULL;
}

bool home_state_copy(const struct home_state *state, struct home_state *ret)
{
    const char *const texts[] = {state->status, state->diagnostics, state->findings, state->polling};
    *ret = *state;
    char **const copies[] = {&ret->status, &ret->diagnostics, &ret->findings, &ret->polling};
    bool whole = true;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        whole = copy_text(texts[i], copies[i]) && whole;
    if (!whole)
        home_state_finish(ret);
    return whole;
}

void home_state_finish(struct home_state *state)
{
    free(state->status);
    free(state->diagnostics);
    free(state->findings);
    free(state->polling);
    *state = (struct home_state){0};
}

/* True: TEXT is another one than *AT. */
static bool put(char **at, const char *text)
{
    if (*at == text || (*at != NULL && text != NULL && strcmp(*at, text) == 0))
        return false;
    char *copy;
    if (!copy_text(text, &copy))
        memory_failed();
    free(*at);
    *at = copy;
    return true;
}

/* What is in force is so in full or not, as things are now. */
static void weigh(struct home_state *state)
{
    if (state->condition == HOME_OK || state->condition == HOME_DEGRADED)
        state->condition = state->limited || state->alone ? HOME_DEGRADED : HOME_OK;
}

bool home_state_say(struct home_state *state, enum condition condition, const char *status)
{
    bool other = put(&state->status, status);
    state->condition = condition;
    weigh(state);
    return other;
}

void home_state_learn(struct home_state *state, const struct compilation *c)
{
    struct text text = {.arena = c->arena};
    state->generation = c->generation;
    state->last_compile = clock_wall_time();
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
    state->last_look = clock_wall_time();
    state->finding_count = drift->count;
    state->matters = 0;
    for (size_t i = 0; i < drift->count; i++)
        state->matters += drift->items[i].matters;
    return put(&state->findings, strchr(text.bytes, '[')); /* without the member's name */
}

bool home_state_learn_gaps(struct home_state *state, struct arena *arena, const struct watch_gap *gaps, size_t count,
                           size_t room)
{
    state->limited = false;
    for (size_t i = 0; i < count && i < room; i++)
        state->limited = state->limited || gaps[i].limit;
    weigh(state);
    if (count == 0)
        return put(&state->polling, NULL);
    struct text text = {.arena = arena};
    text_putc(&text, '[');
    for (size_t i = 0; i < count && i < room; i++) {
        json_write_item(&text);
        text_putc(&text, '{');
        json_write_member(&text, "path", gaps[i].path);
        json_write_member(&text, "why", gaps[i].why);
        text_putc(&text, '}');
    }
    text_putc(&text, ']');
    return put(&state->polling, text.bytes);
}
