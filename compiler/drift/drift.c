#include "drift.h"

#include <stdlib.h>
#include <string.h>

#include "drift_looks.h"
#include "json_write.h"
#include "memory.h"
#include "shell_word.h"
#include "snapshot_format.h"

/* A pool that this program leaves alone lacks its keys: Hermes goes on with what is in there. */
static void look_at_pool(struct drift *drift)
{
    for (size_t i = 0; i < drift->c->diagnostics.count; i++) {
        const struct diagnostic *d = drift->c->diagnostics.items[i];
        const struct source *source = d->place.source;
        bool says_why = source != NULL && source->kind == SOURCE_POOL &&
                        (source->refused || d->code == CODE_POOL_LEFT_ALONE || d->code == CODE_POOL_LOCKED ||
                         d->code == CODE_POOL_UNREADABLE);
        if (says_why && d->severity != SEVERITY_HINT)
            drift_add(drift, (struct finding){.where = source->label,
                                              .matters = true,
                                              .message = d->message,
                                              .help = arena_printf(drift->arena, "hermes-compile --explain-code %s",
                                                                   diagnostic_code_pages[d->code].name)});
    }
}

static void look_at_derived(struct drift *drift)
{
    const struct compilation *c = drift->c;
    const char *help = arena_printf(drift->arena, "hermes-compile --home %s", shell_word(drift->arena, drift->home));
    if (c->plan.first || c->plan.changed)
        drift_add(drift,
                  (struct finding){.where = SNAPSHOT_FILE,
                                   .matters = true,
                                   .message = c->plan.first ? "there is no usable one" : "older than its sources",
                                   .help = help});
    for (const char *line = c->publication.pool_plan.bytes; line != NULL && *line != '\0';) {
        line += strncmp(line, "auth.json: ", 11) == 0 ? 11 : 0;
        size_t len = strcspn(line, "\n");
        drift_add(drift, (struct finding){.where = "auth.json",
                                          .matters = true,
                                          .message = arena_strndup(drift->arena, line, len),
                                          .help = help});
        line += len + (line[len] == '\n');
    }
}

static void look_at_shell(struct drift *drift)
{
    for (const char *const *item = drift->shell; item != NULL && *item != NULL; item++) {
        const char *equals = strchr(*item, '=');
        if (equals == NULL)
            continue;
        drift_assignment(drift,
                         &(struct assignment){.where = "this shell",
                                              .name = arena_strndup(drift->arena, *item, (size_t)(equals - *item)),
                                              .value = equals + 1,
                                              .len = strlen(equals + 1),
                                              .print = "printenv {} | sed 's/^/{}=/'",
                                              .drop = "unset {}",
                                              .stays = true});
    }
}

static void look_at_manager(struct drift *drift)
{
    for (size_t i = 0; i < drift->manager.count; i++)
        drift_assignment(drift, &drift->manager.items[i]);
}

struct drift drift_find(const struct compilation *c, const char *home, const char *const *shell)
{
    const char *user_home = getenv("HOME");
    struct drift drift = {.arena = c->arena, .c = c, .home = home, .user_home = "", .shell = shell};
    if (user_home != NULL)
        drift.user_home = user_home;
    drift.departed = departed_read(c->arena, home);
    struct drift_manager_question question = drift_manager_ask(); /* it thinks while we look elsewhere */
    struct memory_hold hold;
    memory_hold(&hold, drift_manager_stop, &question);
    look_at_derived(&drift);
    look_at_pool(&drift);
    drift_watcher(&drift);
    drift_fleet(&drift);
    drift_processes(&drift);
    drift_profiles(&drift);
    drift_backups(&drift);
    look_at_shell(&drift);
    drift_startup_files(&drift);
    drift_manager_answer(&drift, &question);
    memory_let_go(&hold);
    look_at_manager(&drift);
    drift_units(&drift);
    drift_settle(&drift);
    return drift;
}

void drift_print(const struct drift *drift, FILE *stream)
{
    for (size_t i = 0; i < drift->count; i++) {
        const struct finding *f = &drift->items[i];
        (void)fprintf(stream, "%s: %s", f->where, f->matters ? "" : "(harmless now) ");
        if (f->variable != NULL && f->found != NULL)
            (void)fprintf(stream, "%s is %s%s%s; ", f->variable, f->found, f->expected != NULL ? ", not " : "",
                          f->expected != NULL ? f->expected : "");
        else if (f->variable != NULL)
            (void)fprintf(stream, "%s is set; ", f->variable);
        (void)fprintf(stream, "%s\n  help: %s\n", f->message, f->help);
    }
}

void drift_json(struct text *out, const struct drift *drift)
{
    json_write_name(out, "findings");
    text_putc(out, '[');
    for (size_t i = 0; i < drift->count; i++) {
        const struct finding *f = &drift->items[i];
        json_write_item(out);
        text_putc(out, '{');
        json_write_member(out, "where", f->where);
        if (f->variable != NULL)
            json_write_member(out, "variable", f->variable);
        if (f->found != NULL)
            json_write_member(out, "found", f->found);
        if (f->expected != NULL)
            json_write_member(out, "expected", f->expected);
        json_write_truth(out, "matters", f->matters);
        json_write_member(out, "message", f->message);
        json_write_member(out, "help", f->help);
        text_putc(out, '}');
    }
    text_putc(out, ']');
}
