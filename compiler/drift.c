#include "drift.h"

#include <stdlib.h>
#include <string.h>

#include "file_lock.h"
#include "fingerprint.h"
#include "json_write.h"
#include "known_variables.h"
#include "snapshot_format.h"

void drift_add(struct drift *drift, struct finding finding)
{
    void *items = drift->items;
    arena_grow(drift->arena, &items, &drift->capacity, drift->count + 1, sizeof finding);
    drift->items = items;
    drift->items[drift->count++] = finding;
}

/* A variable that decides which key goes out, or where to. */
static bool watched(const char *name, size_t len)
{
    if (variable_secret(name, len))
        return true;
    for (size_t i = 0; i < provider_table_count; i++) {
        const struct provider_row *row = &provider_table[i];
        if (row->base_url_env != NULL && strncmp(row->base_url_env, name, len) == 0 && row->base_url_env[len] == '\0')
            return true;
        for (size_t k = 0; row->key_envs[k] != NULL; k++)
            if (strncmp(row->key_envs[k], name, len) == 0 && row->key_envs[k][len] == '\0')
                return true;
    }
    return false;
}

void drift_assignment(struct drift *drift, const char *where, const char *assignment, size_t len, const char *help)
{
    const char *equals = memchr(assignment, '=', len);
    size_t name_len = equals == NULL ? 0 : (size_t)(equals - assignment);
    if (name_len == 0 || !watched(assignment, name_len))
        return;
    const char *name = arena_strndup(drift->arena, assignment, name_len);
    const char *value = equals + 1;
    size_t value_len = len - name_len - 1;
    const struct binding *bound = environment_get(&drift->c->environment, name);
    if (bound != NULL && bound->len == value_len && memcmp(bound->value, value, value_len) == 0)
        return;
    if (value_len == 0)
        return;
    const char *sources = bound == NULL ? NULL : place_text(drift->arena, bound->place);
    drift_add(drift,
              (struct finding){
                  .where = where,
                  .variable = name,
                  .found = arena_strdup(drift->arena, fingerprint_of(value, value_len).text),
                  .expected =
                      bound == NULL ? NULL : arena_strdup(drift->arena, fingerprint_of(bound->value, bound->len).text),
                  .matters = bound == NULL,
                  .message = bound == NULL
                                 ? "no env file sets it: whoever starts from here uses a key that no other program has"
                                 : arena_printf(drift->arena, "%s says otherwise, and wins", sources),
                  .help = bound == NULL ? arena_printf(drift->arena, "move %s into .env", name) : help,
              });
}

static void look_at_derived(struct drift *drift)
{
    const struct compilation *c = drift->c;
    if (c->plan.first)
        drift_add(drift, (struct finding){.where = SNAPSHOT_FILE,
                                          .matters = true,
                                          .message = "there is none that can be used",
                                          .help = "hermes-compile"});
    else if (c->plan.changed)
        drift_add(drift, (struct finding){.where = SNAPSHOT_FILE,
                                          .matters = true,
                                          .message = "older than its sources",
                                          .help = "hermes-compile"});
    for (const char *line = c->pool_plan.bytes; line != NULL && *line != '\0';) {
        line += strncmp(line, "auth.json: ", 11) == 0 ? 11 : 0;
        size_t len = strcspn(line, "\n");
        drift_add(drift, (struct finding){.where = "auth.json",
                                          .matters = true,
                                          .message = arena_strndup(drift->arena, line, len),
                                          .help = "hermes-compile"});
        line += len + (line[len] == '\n');
    }
}

static void look_at_watcher(struct drift *drift)
{
    const char *path = arena_printf(drift->arena, "%s/" SNAPSHOT_DIRECTORY "/watch.lock", drift->home);
    if (file_lock_holder(path) == 0)
        drift_add(drift, (struct finding){.where = "hermes-watch",
                                          .matters = true,
                                          .message = "not running: the next edit reaches nobody",
                                          .help = "systemctl --user enable --now hermes-watch.service"});
}

static void look_at_shell(struct drift *drift, const char *const *shell)
{
    for (; shell != NULL && *shell != NULL; shell++) {
        size_t name = strcspn(*shell, "=");
        drift_assignment(drift, "this shell", *shell, strlen(*shell),
                         arena_printf(drift->arena, "unset %.*s", (int)name, *shell));
    }
}

struct drift drift_find(const struct compilation *c, const char *home, const char *const *shell)
{
    const char *user_home = getenv("HOME");
    struct drift drift = {.arena = c->arena, .c = c, .home = home, .user_home = user_home == NULL ? "" : user_home};
    look_at_derived(&drift);
    look_at_watcher(&drift);
    drift_processes(&drift);
    drift_units(&drift);
    look_at_shell(&drift, shell);
    drift_startup_files(&drift);
    return drift;
}

void drift_print(const struct drift *drift, FILE *stream)
{
    for (size_t i = 0; i < drift->count; i++) {
        const struct finding *f = &drift->items[i];
        (void)fprintf(stream, "%s: %s", f->where, f->matters ? "" : "(harmless now) ");
        if (f->variable != NULL)
            (void)fprintf(stream, "%s is %s%s%s; ", f->variable, f->found, f->expected != NULL ? ", not " : "",
                          f->expected != NULL ? f->expected : "");
        (void)fprintf(stream, "%s\n  help: %s\n", f->message, f->help);
    }
}

void drift_json(struct text *out, const struct drift *drift)
{
    json_put_name(out, "findings");
    text_putc(out, '[');
    for (size_t i = 0; i < drift->count; i++) {
        const struct finding *f = &drift->items[i];
        json_put_item(out);
        text_putc(out, '{');
        json_put_member(out, "where", f->where);
        if (f->variable != NULL)
            json_put_member(out, "variable", f->variable);
        if (f->found != NULL)
            json_put_member(out, "found", f->found);
        if (f->expected != NULL)
            json_put_member(out, "expected", f->expected);
        json_put_truth(out, "matters", f->matters);
        json_put_member(out, "message", f->message);
        json_put_member(out, "help", f->help);
        text_putc(out, '}');
    }
    text_putc(out, ']');
}
