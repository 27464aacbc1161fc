#include "after_compile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "journal.h"
#include "memory.h"
#include "text.h"

/* To be freed. */
static char *diagnostics_text(const struct diagnostics *list, size_t from, size_t to)
{
    char *text = NULL;
    size_t len = 0;
    FILE *stream = open_memstream(&text, &len);
    if (stream == NULL)
        memory_failed();
    for (size_t i = from; i < to; i++)
        diagnostic_print(list->items[i], false, stream);
    if (fclose(stream) == 0 && text != NULL) /* glibc's does not always say so */
        return text;
    free(text);
    memory_failed();
}

static void say_diagnostic(const struct watched_home *home, long long generation, const struct diagnostic *d,
                           const char *text)
{
    static const int priorities[] = {LOG_NOTICE, LOG_WARNING, LOG_ERR};
    journal_write(&(struct journal_entry){.priority = priorities[d->severity],
                                          .label = home->label,
                                          .message = text,
                                          .home = home->home,
                                          .generation = generation,
                                          .code = diagnostic_code_pages[d->code].name,
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

/* Whoever edits reads what the edit brought, not what was said after the one before. True: there are others than
 * then. */
static bool say_diagnostics(struct after_compile *a, const struct diagnostics *list, long long generation)
{
    const char *before = a->said != NULL ? a->said : "";
    char *all = diagnostics_text(list, 0, list->count);
    struct memory_hold hold;
    memory_hold(&hold, free, all);
    bool news = a->said == NULL || strcmp(before, all) != 0;
    for (size_t i = 0; news && i < list->count; i++) {
        char *text = diagnostics_text(list, i, i + 1);
        bool wanted = list->items[i]->severity == SEVERITY_ERROR || !a->home->quiet;
        if (wanted && !holds_lines(before, text))
            say_diagnostic(a->home, generation, list->items[i], text);
        free(text);
    }
    memory_let_go(&hold);
    free(a->said);
    a->said = all;
    return news;
}

/* A line each. CHANGES: what the lines are about, or NULL. */
static void say_lines(const struct watched_home *home, const struct compilation *c, const char *lines,
                      const struct plan *changes)
{
    for (size_t i = 0; lines != NULL && *lines != '\0'; i++) {
        size_t len = strcspn(lines, "\n");
        const struct change *change = changes != NULL && i < changes->count ? &changes->changes[i] : NULL;
        bool key = change != NULL && change->to != NULL && strncmp(change->to, "sha256:", 7) == 0;
        journal_write(&(struct journal_entry){.priority = LOG_INFO,
                                              .label = home->label,
                                              .message = arena_strndup(c->arena, lines, len),
                                              .home = home->home,
                                              .generation = c->generation,
                                              .provider = change == NULL ? NULL : change->provider,
                                              .fingerprint = key ? change->to : NULL});
        lines += len + (lines[len] == '\n');
    }
}

static void say_changes(const struct watched_home *home, const struct compilation *c)
{
    if (home->quiet || (!c->publication.published && !c->publication.projected))
        return;
    say_lines(home, c, arena_printf(c->arena, "generation %lld", c->generation), NULL);
    if (c->publication.published)
        say_lines(home, c, c->plan.lines.bytes, &c->plan);
    if (c->publication.projected)
        say_lines(home, c, c->publication.pool_plan.bytes, NULL);
}

static void say_kept(struct after_compile *a, const struct compilation *c)
{
    a->said_kept = true;
    if (!a->home->quiet)
        watched_home_say(a->home, LOG_NOTICE, NULL,
                         c->generation == 0 ? "nothing published: there is no generation yet"
                                            : arena_printf(c->arena, "nothing published; generation %lld stays active",
                                                           c->generation));
}

/* FIRST: nothing was in force before, as far as we know. */
static void say_in_force(struct after_compile *a, const struct compilation *c, bool first)
{
    bool again = a->said_kept;
    a->said_kept = false;
    if ((first || again) && !a->home->quiet && !c->publication.published && !c->publication.projected)
        watched_home_say(a->home, LOG_INFO, NULL,
                         arena_printf(c->arena, "%sgeneration %lld active, watching %s", again ? "valid again: " : "",
                                      c->generation, a->home->place));
}

static const struct diagnostic *first_error(const struct compilation *c)
{
    for (size_t i = 0; i < c->diagnostics.count; i++)
        if (c->diagnostics.items[i]->severity == SEVERITY_ERROR)
            return c->diagnostics.items[i];
    return NULL;
}

/* Why auth.json was left alone, so that Hermes by itself has other keys than the sources; NULL: it was not. */
static const struct diagnostic *pool_left_alone(const struct compilation *c)
{
    const struct source *pool = c->sources.pool;
    for (size_t i = 0; c->outcome == COMPILE_VALID && i < c->diagnostics.count; i++) {
        const struct diagnostic *d = c->diagnostics.items[i];
        bool left = d->code == CODE_POOL_LEFT_ALONE || d->code == CODE_POOL_UNREADABLE || pool->refused;
        if (d->place.source == pool && left && d->severity >= SEVERITY_WARNING)
            return d;
    }
    return NULL;
}

/* A source of which no edit arrives any more, or NULL. */
static const struct diagnostic *mounted_alone(const struct compilation *c)
{
    for (size_t i = 0; i < c->diagnostics.count; i++)
        if (c->diagnostics.items[i]->code == CODE_MOUNTED_ALONE)
            return c->diagnostics.items[i];
    return NULL;
}

static const char *in_force_line(const struct watched_home *home, const struct compilation *c)
{
    const struct diagnostic *left = pool_left_alone(c);
    const struct diagnostic *stale = mounted_alone(c);
    if (left != NULL)
        return arena_printf(c->arena,
                            "generation %lld, but auth.json is left alone: %s; Hermes keeps using the keys in it",
                            c->generation, left->message);
    if (home->state->undone)
        return arena_printf(c->arena, "generation %lld, but another program keeps changing its entries in auth.json",
                            c->generation);
    if (stale != NULL)
        return arena_printf(c->arena, "generation %lld, but %s", c->generation, stale->message);
    return arena_printf(c->arena, "generation %lld, %zu provider%s, watching %s", c->generation, c->providers.count,
                        c->providers.count == 1 ? "" : "s", home->place);
}

static const char *kept(const struct compilation *c)
{
    return c->generation == 0 ? "nothing active" : arena_printf(c->arena, "generation %lld kept", c->generation);
}

static const char *status_line(const struct watched_home *home, const struct compilation *c)
{
    const struct diagnostic *error = first_error(c);
    if (error != NULL)
        return arena_printf(c->arena, "%s: %s%serror[%s] %s", kept(c), diagnostic_place_text(c->arena, error->place),
                            error->place.source != NULL ? ": " : "", diagnostic_code_pages[error->code].name,
                            error->message);
    if (c->outcome == COMPILE_HELD && c->held != NULL)
        return arena_printf(c->arena, "%s: %s is empty, and had content before", kept(c), c->held);
    if (c->outcome == COMPILE_HELD)
        return arena_printf(c->arena, "%s: a source is empty or missing right now", kept(c));
    if (c->outcome == COMPILE_BUSY && c->sources.busy != NULL)
        return arena_printf(c->arena, "%s: another process has %s open for writing", kept(c), c->sources.busy->label);
    if (c->outcome == COMPILE_BUSY)
        return "waiting: another process is compiling this home";
    if (c->outcome == COMPILE_UNPROVEN)
        return arena_printf(c->arena, "%s: asking providers about %zu new key%s", kept(c), c->unproven.count,
                            c->unproven.count == 1 ? "" : "s");
    if (c->publication.pool_waiting)
        return arena_printf(c->arena, "generation %lld, waiting for auth.lock", c->generation);
    return in_force_line(home, c);
}

/* Degraded or not is the state's to say. */
static enum condition condition_of(const struct home_state *state, const struct compilation *c)
{
    switch (c->outcome) {
    case COMPILE_VALID:
        if (c->publication.pool_waiting || state->undone)
            return HOME_WAITING;
        if (pool_left_alone(c) != NULL)
            return HOME_FAILED;
        return HOME_OK;
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

void after_compile_open(struct after_compile *a, const struct watched_home *home, struct systemd_status *systemd,
                        void (*learned)(void *owner), void *owner)
{
    *a = (struct after_compile){.home = home, .systemd = systemd};
    prove_open(&a->prover, home->event, learned, owner);
    announce_open(&a->announcer, home);
    reload_unit_open(&a->reloader, home);
    fleet_child_open(&a->fleet, home);
}

void after_compile_close(struct after_compile *a)
{
    prove_close(&a->prover);
    announce_close(&a->announcer);
    reload_unit_close(&a->reloader);
    fleet_child_close(&a->fleet);
    free(a->said);
    a->said = NULL;
}

static const char *as_shown(struct arena *arena, const struct watched_home *home, const char *text)
{
    struct text shown = {.arena = arena};
    const char *at = text;
    for (const char *path; at != NULL && (path = strstr(at, home->home)) != NULL; at = path + strlen(home->home)) {
        text_append(&shown, at, (size_t)(path - at));
        text_puts(&shown, home->place);
    }
    if (at == text)
        return text;
    text_puts(&shown, at);
    return shown.bytes;
}

/* Messages have the path of the home, which may be called like a key. */
static void hide_path(const struct watched_home *home, const struct compilation *c)
{
    for (size_t i = 0; strcmp(home->home, home->place) != 0 && i < c->diagnostics.count; i++) {
        struct diagnostic *d = c->diagnostics.items[i];
        d->message = as_shown(c->arena, home, d->message);
        d->note = as_shown(c->arena, home, d->note);
        d->help = as_shown(c->arena, home, d->help);
    }
}

void after_compile(struct after_compile *a, const struct compilation *c)
{
    struct home_state *state = a->home->state;
    hide_path(a->home, c);
    state->alone = mounted_alone(c) != NULL;
    bool other = home_state_say(state, condition_of(state, c), status_line(a->home, c));
    systemd_status_tell(a->systemd, state,
                        other || c->publication.published ||
                            c->publication.projected); /* first: somebody may wait for it */
    if (c->outcome == COMPILE_BUSY)
        return;
    bool first = state->last_success.tv_sec == 0;
    home_state_learn(state, c);
    bool news = say_diagnostics(a, &c->diagnostics, c->generation);
    say_changes(a->home, c);
    if (news && c->diagnostics.errors > 0 && !c->publication.published)
        say_kept(a, c);
    if (c->outcome == COMPILE_VALID)
        say_in_force(a, c, first);
    prove_after_compile(&a->prover, c);
    announce_after_compile(&a->announcer, c);
    reload_unit_after_compile(&a->reloader, c);
    fleet_child_after_compile(&a->fleet, c);
}

/* True unless TEXT is what was said last. */
static bool is_news(struct after_compile *a, const char *text)
{
    if (a->said != NULL && strcmp(a->said, text) == 0)
        return false;
    char *copy = strdup(text);
    if (copy == NULL)
        memory_failed();
    free(a->said);
    a->said = copy;
    return true;
}

static void after_nothing(struct after_compile *a, enum condition condition, int priority, const char *text)
{
    bool news = home_state_say(a->home->state, condition, text);
    systemd_status_tell(a->systemd, a->home->state, news);
    if (is_news(a, text) && (priority <= LOG_ERR || !a->home->quiet))
        watched_home_say(a->home, priority, NULL, text);
}

void after_compile_absence(struct after_compile *a)
{
    char text[4200];
    bool was_there = a->home->state->last_success.tv_sec != 0;
    (void)snprintf(text, sizeof text, "%s %s", a->home->place,
                   was_there ? "is gone; waiting for it to come back" : "does not exist yet; waiting for it");
    a->said_kept = a->said_kept || was_there;
    after_nothing(a, HOME_ABSENT, LOG_NOTICE, text);
}

void after_compile_taken(struct after_compile *a, pid_t holder)
{
    char text[4300];
    char process[64] = "another process";
    if (access("/proc/locks", R_OK) == 0) /* and it is not in there */
        (void)strcpy(process, "another container's process");
    if (holder > 0)
        (void)snprintf(process, sizeof process, "process %ld", (long)holder);
    if (holder == getpid())
        (void)snprintf(text, sizeof text, "%s is already watched under another name: give only one --home for it",
                       a->home->place);
    else
        (void)snprintf(text, sizeof text, "%s already watches %s; waiting for it to end", process, a->home->place);
    after_nothing(a, HOME_WAITING, LOG_WARNING, text);
}

void after_compile_hung(struct after_compile *a, const char *path)
{
    char text[4300];
    const long long generation = a->home->state->generation;
    (void)snprintf(text, sizeof text, "%s does not answer: its file system hangs; waiting for it; generation %lld %s",
                   path, generation, generation == 0 ? "(none) is active" : "stays active");
    after_nothing(a, HOME_WAITING, LOG_WARNING, text);
}
