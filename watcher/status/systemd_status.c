#include "systemd_status.h"

#include <errno.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int systemd_status_open(struct systemd_status *s, sd_event *event)
{
    *s = (struct systemd_status){0};
    return notify_open(&s->notifier, event);
}

void systemd_status_close(struct systemd_status *s)
{
    notify_close(&s->notifier);
    free(s->states);
    *s = (struct systemd_status){0};
}

/* What is too long for it is cut off. */
struct line {
    char text[NOTIFY_MOST];
    size_t len;
};

static void put(struct line *line, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void put(struct line *line, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)vsnprintf(line->text + line->len, sizeof line->text - line->len, format, args);
    va_end(args);
    line->len += strlen(line->text + line->len);
}

static void put_home(const struct home_state *state, struct line *line)
{
    put(line, "%s", state->status);
    if (state->matters > 0)
        put(line, "; drift: %zu place%s differ%s", state->matters, state->matters == 1 ? "" : "s",
            state->matters == 1 ? "s" : "");
}

/* One home: its own line. Many: what happened last, how many there are, and which is in trouble. */
static void put_all(const struct systemd_status *s, const struct home_state *last, struct line *line)
{
    const struct home_state *bad = NULL;
    size_t count = 0;
    if (s->count == 1) {
        put_home(last, line);
        return;
    }
    for (size_t i = 0; i < s->count; i++)
        if (home_state_is_trouble(s->states[i])) {
            bad = bad == NULL || bad == last ? s->states[i] : bad;
            count++;
        }
    put(line, "%s: ", last->label);
    put_home(last, line);
    put(line, "; %zu homes, %zu with problems", s->count, count);
    if (bad != NULL && bad != last)
        put(line, " (%s: %s)", bad->label, bad->status);
}

static bool all_looked_at(const struct systemd_status *s)
{
    for (size_t i = 0; i < s->count; i++)
        if (s->states[i]->status == NULL)
            return false;
    return true;
}

/* On a busy machine each yield may take as long as a compile, and the others wait for all of them. */
static bool another_is_due(const struct systemd_status *s, const struct home_state *state)
{
    for (size_t i = 0; i < s->count; i++)
        if (s->states[i] != state && s->states[i]->due)
            return true;
    return false;
}

void systemd_status_tell(struct systemd_status *s, const struct home_state *state, bool news)
{
    bool ready = s->ready || all_looked_at(s);
    if (state->status == NULL || (!news && ready == s->ready))
        return;
    struct line line = {0};
    put_all(s, state, &line);
    if (ready && !s->ready)
        notify_ready(&s->notifier, line.text);
    else
        notify_status(&s->notifier, line.text);
    if (!another_is_due(s, state))
        (void)sched_yield(); /* whoever waits for that was woken on this very processor */
    s->ready = ready;
}

int systemd_status_add(struct systemd_status *s, struct home_state *state)
{
    struct home_state **states = realloc(s->states, (s->count + 1) * sizeof *states);
    if (states == NULL)
        return -ENOMEM;
    s->states = states;
    s->states[s->count++] = state;
    return 0;
}

void systemd_status_remove(struct systemd_status *s, struct home_state *state)
{
    size_t at = 0;
    while (at < s->count && s->states[at] != state)
        at++;
    if (at == s->count)
        return;
    memmove(s->states + at, s->states + at + 1, (--s->count - at) * sizeof *s->states);
    systemd_status_looked_at(s, state);
    if (s->count > 0 && s->states[0]->status != NULL)
        systemd_status_tell(s, s->states[0], true);
}

void systemd_status_reload(struct systemd_status *s)
{
    notify_reloading(&s->notifier);
    s->reloading = s->count;
    for (size_t i = 0; i < s->count; i++)
        s->states[i]->reloading = true;
    if (s->count == 0)
        notify_ready(&s->notifier, "reloaded");
}

void systemd_status_looked_at(struct systemd_status *s, struct home_state *state)
{
    if (!state->reloading)
        return;
    state->reloading = false;
    if (--s->reloading > 0)
        return;
    notify_ready(&s->notifier, "reloaded");
    if (state->status != NULL)
        systemd_status_tell(s, state, true);
}
