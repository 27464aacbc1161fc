#include "after_compile.h"

#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "journal.h"
#include "watcher.h"

static char *diagnostics_text(const struct compilation *c)
{
    char *text = NULL;
    size_t len = 0;
    FILE *stream = open_memstream(&text, &len);
    if (stream == NULL)
        return NULL;
    for (size_t i = 0; i < c->diagnostics.count; i++)
        diagnostic_print(c->diagnostics.items[i], false, stream);
    (void)fclose(stream);
    return text;
}

/* Says TEXT unless it was the last thing said. Takes TEXT. */
static void say_once(struct home_watch *h, int priority, char *text)
{
    bool news = text != NULL && (h->said == NULL || strcmp(h->said, text) != 0);
    if (news && (priority <= LOG_ERR || !h->watcher->quiet))
        journal_say(priority, h->label, text);
    free(h->said);
    h->said = text;
}

static void say_changes(const struct home_watch *h, const struct compilation *c)
{
    if (h->watcher->quiet || (!c->published && !c->projected))
        return;
    struct text text = {.arena = c->arena};
    text_printf(&text, "generation %lld\n", c->generation);
    if (c->published && c->plan.lines.len > 0)
        text_append(&text, c->plan.lines.bytes, c->plan.lines.len);
    if (c->projected && c->pool_plan.len > 0)
        text_append(&text, c->pool_plan.bytes, c->pool_plan.len);
    journal_say(LOG_INFO, h->label, text.bytes);
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
                            place_text(c->arena, error->place), error->place.source != NULL ? ": " : "", error->code,
                            error->message);
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
    return arena_printf(c->arena, "generation %lld, %zu providers, watching %s", c->generation, c->providers.count,
                        h->home);
}

static void set_status(struct home_watch *h, const char *status, bool trouble, bool news)
{
    news = news || h->status == NULL || strcmp(h->status, status) != 0;
    free(h->status);
    h->status = strdup(status);
    h->trouble = trouble;
    watcher_tell(h->watcher, h, news);
}

void after_compile(struct home_watch *h, const struct compilation *c)
{
    bool trouble = c->outcome != COMPILE_VALID || c->pool_waiting;
    set_status(h, status_line(h, c), trouble, c->published || c->projected); /* first: somebody may wait for it */
    if (c->outcome == COMPILE_BUSY)
        return;
    say_once(h, c->diagnostics.errors > 0 ? LOG_ERR : LOG_WARNING, diagnostics_text(c));
    say_changes(h, c);
    prover_after_compile(h, c);
    announcer_after_compile(h, c);
    reloader_after_compile(h, c);
}

void after_absence(struct home_watch *h)
{
    char text[4200];
    (void)snprintf(text, sizeof text, "%s does not exist yet; waiting for it", h->home);
    say_once(h, LOG_NOTICE, strdup(text));
    set_status(h, text, true, false);
}

void after_refusal(struct home_watch *h, pid_t holder)
{
    char text[4200];
    (void)snprintf(text, sizeof text, "process %ld watches %s already", (long)holder, h->home);
    say_once(h, LOG_ERR, strdup(text));
    set_status(h, text, true, false);
}
