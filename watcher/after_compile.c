#include "after_compile.h"

#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "journal.h"
#include "watcher.h"

static char *diagnostics_text(const struct diagnostics *list, size_t from, size_t to)
{
    char *text = NULL;
    size_t len = 0;
    FILE *stream = open_memstream(&text, &len);
    if (stream == NULL)
        return NULL;
    for (size_t i = from; i < to; i++)
        diagnostic_print(list->items[i], false, stream);
    (void)fclose(stream);
    return text;
}

static void say_diagnostic(const struct home_watch *h, const struct compilation *c, const struct diagnostic *d,
                           const char *text)
{
    static const int priorities[] = {LOG_NOTICE, LOG_WARNING, LOG_ERR};
    journal_write(&(struct journal_entry){.priority = priorities[d->severity],
                                          .label = h->label,
                                          .message = text,
                                          .home = h->home,
                                          .generation = c->generation,
                                          .code = d->code,
                                          .source = d->place.source == NULL ? NULL : d->place.source->path,
                                          .line = d->place.line});
}

/* Whether TEXT, lines, stands among the lines of ALL. */
static bool holds_lines(const char *all, const char *text)
{
    const char *at = all;
    while ((at = strstr(at, text)) != NULL && at != all && at[-1] != '\n')
        at++;
    return at != NULL;
}

/* Whoever edits reads what the edit brought, not what was said after the one before. True: there are others than then. */
static bool say_diagnostics(struct home_watch *h, const struct compilation *c)
{
    const struct diagnostics *list = &c->diagnostics;
    const char *before = h->said != NULL ? h->said : "";
    char *all = diagnostics_text(list, 0, list->count);
    bool news = all != NULL && (h->said == NULL || strcmp(before, all) != 0);
    for (size_t i = 0; news && i < list->count; i++) {
        char *text = diagnostics_text(list, i, i + 1);
        bool wanted = list->items[i]->severity == SEVERITY_ERROR || !h->watcher->quiet;
        if (text != NULL && wanted && !holds_lines(before, text))
            say_diagnostic(h, c, list->items[i], text);
        free(text);
    }
    free(h->said);
    h->said = all;
    return news;
}

/* A line each. CHANGES: what the lines are about, or NULL. */
static void say_lines(const struct home_watch *h, const struct compilation *c, const char *lines,
                      const struct plan *changes)
{
    for (size_t i = 0; lines != NULL && *lines != '\0'; i++) {
        size_t len = strcspn(lines, "\n");
        const struct change *change = changes != NULL && i < changes->count ? &changes->changes[i] : NULL;
        bool key = change != NULL && change->to != NULL && strncmp(change->to, "sha256:", 7) == 0;
        journal_write(&(struct journal_entry){.priority = LOG_INFO,
                                              .label = h->label,
                                              .message = arena_strndup(c->arena, lines, len),
                                              .home = h->home,
                                              .generation = c->generation,
                                              .provider = change == NULL ? NULL : change->provider,
                                              .fingerprint = key ? change->to : NULL});
        lines += len + (lines[len] == '\n');
    }
}

static void say_changes(const struct home_watch *h, const struct compilation *c)
{
    if (h->watcher->quiet || (!c->published && !c->projected))
        return;
    say_lines(h, c, arena_printf(c->arena, "generation %lld", c->generation), NULL);
    if (c->published)
        say_lines(h, c, c->plan.lines.bytes, &c->plan);
    if (c->projected)
        say_lines(h, c, c->pool_plan.bytes, NULL);
}

static void say_kept(struct home_watch *h, const struct compilation *c)
{
    h->said_kept = true;
    if (!h->watcher->quiet)
        home_watch_say(h, LOG_NOTICE, NULL,
                       c->generation == 0 ? "nothing published: there is no generation yet"
                                          : arena_printf(c->arena, "nothing published; generation %lld stays in force",
                                                         c->generation));
}

/* FIRST: nothing was in force before, as far as we know. */
static void say_in_force(struct home_watch *h, const struct compilation *c, bool first)
{
    bool again = h->said_kept;
    h->said_kept = false;
    if ((first || again) && !h->watcher->quiet && !c->published && !c->projected)
        home_watch_say(h, LOG_INFO, NULL,
                       arena_printf(c->arena, "%sgeneration %lld in force, watching %s", again ? "valid again: " : "",
                                    c->generation, h->home));
}

static const struct diagnostic *first_error(const struct compilation *c)
{
    for (size_t i = 0; i < c->diagnostics.count; i++)
        if (c->diagnostics.items[i]->severity == SEVERITY_ERROR)
            return c->diagnostics.items[i];
    return NULL;
}

static const char *status_line(const struct home_watch *h, const struct compilation *c)
{
    const struct diagnostic *error = first_error(c);
    if (error != NULL)
        return arena_printf(c->arena, "generation %lld kept: %s%serror[%s] %s", c->generation,
                            diagnostic_place_text(c->arena, error->place), error->place.source != NULL ? ": " : "",
                            error->code, error->message);
    if (c->outcome == COMPILE_HELD)
        return arena_printf(c->arena, "generation %lld kept: a source is empty or gone at this moment", c->generation);
    if (c->outcome == COMPILE_BUSY && c->busy != NULL)
        return arena_printf(c->arena, "generation %lld kept: another process has %s open for writing", c->generation,
                            c->busy->label);
    if (c->outcome == COMPILE_BUSY)
        return "waiting: another program compiles this home";
    if (c->outcome == COMPILE_UNPROVEN)
        return arena_printf(c->arena, "generation %lld kept: asking providers about %zu new key%s", c->generation,
                            c->unproven.count, c->unproven.count == 1 ? "" : "s");
    if (c->pool_waiting)
        return arena_printf(c->arena, "generation %lld, waiting for auth.lock", c->generation);
    return arena_printf(c->arena, "generation %lld, %zu provider%s, watching %s", c->generation, c->providers.count,
                        c->providers.count == 1 ? "" : "s", h->home);
}

static bool is_degraded(const struct home_watch *h)
{
    struct watch_gap gaps[64];
    size_t count = watch_client_gaps(h->watches, gaps, sizeof gaps / sizeof *gaps);
    for (size_t i = 0; i < count && i < sizeof gaps / sizeof *gaps; i++)
        if (gaps[i].limit)
            return true;
    return false;
}

static enum condition condition_of(const struct home_watch *h, const struct compilation *c)
{
    switch (c->outcome) {
    case COMPILE_VALID:
        return c->pool_waiting ? HOME_WAITING : is_degraded(h) ? HOME_DEGRADED : HOME_OK;
    case COMPILE_INVALID:
        return HOME_INVALID;
    case COMPILE_HELD:
        return HOME_HELD;
    case COMPILE_BUSY:
    case COMPILE_UNPROVEN:
        return HOME_WAITING;
    case COMPILE_FAILED:
        break;
    }
    return HOME_FAILED;
}

void after_compile(struct home_watch *h, const struct compilation *c)
{
    bool other = home_state_say(&h->state, condition_of(h, c), status_line(h, c));
    watcher_tell(h->watcher, h, other || c->published || c->projected); /* first: somebody may wait for it */
    if (c->outcome == COMPILE_BUSY)
        return;
    bool first = h->state.last_success.tv_sec == 0;
    home_state_learn(&h->state, c);
    bool news = say_diagnostics(h, c);
    say_changes(h, c);
    if (news && c->diagnostics.errors > 0 && !c->published)
        say_kept(h, c);
    if (c->outcome == COMPILE_VALID)
        say_in_force(h, c, first);
    prover_after_compile(h, c);
    announcer_after_compile(h, c);
    reloader_after_compile(h, c);
    drift_look_soon(h);
}

/* True unless TEXT is what was said last. Takes TEXT. */
static bool is_news(struct home_watch *h, char *text)
{
    bool news = text != NULL && (h->said == NULL || strcmp(h->said, text) != 0);
    free(h->said);
    h->said = text;
    return news;
}

static void after_nothing(struct home_watch *h, enum condition condition, int priority, const char *text)
{
    bool news = home_state_say(&h->state, condition, text);
    watcher_tell(h->watcher, h, news);
    if (is_news(h, strdup(text)) && (priority <= LOG_ERR || !h->watcher->quiet))
        home_watch_say(h, priority, NULL, text);
}

void after_absence(struct home_watch *h)
{
    char text[4200];
    bool was_there = h->state.last_success.tv_sec != 0;
    (void)snprintf(text, sizeof text, "%s %s", h->home,
                   was_there ? "is gone; waiting for it to come back" : "does not exist yet; waiting for it");
    h->said_kept = h->said_kept || was_there;
    after_nothing(h, HOME_ABSENT, LOG_NOTICE, text);
}

void refusal_text(char text[REFUSAL_ROOM], const char *home, pid_t holder)
{
    if (holder > 0)
        (void)snprintf(text, REFUSAL_ROOM, "process %ld watches %s already", (long)holder, home);
    else
        (void)snprintf(text, REFUSAL_ROOM, "a process of another container watches %s already", home);
}

void after_refusal(struct home_watch *h, pid_t holder)
{
    char text[REFUSAL_ROOM];
    refusal_text(text, h->home, holder);
    after_nothing(h, HOME_FAILED, LOG_ERR, text);
}
