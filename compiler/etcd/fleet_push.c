#include "fleet_push.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sodium.h>

#include "dotenv.h"
#include "exit_status.h"
#include "fleet_machines.h"
#include "fleet_trial.h"
#include "iso_time.h"
#include "json_write.h"
#include "shown.h"

const char *fleet_push_history_place(struct arena *arena, long long revision)
{
    return arena_printf(arena, "history/%012lld", revision);
}

/* --- what changes --- */

static struct environment environment_of(struct arena *arena, const char *env, size_t len)
{
    struct environment environment = {0};
    struct diagnostics unsaid = {.arena = arena};
    struct source *source = arena_alloc(arena, sizeof *source);
    *source =
        (struct source){.kind = SOURCE_FLEET_ENV, .label = "", .path = "", .present = true, .bytes = env, .len = len};
    dotenv_load(arena, source, &environment, &unsaid);
    return environment;
}

static bool same(const struct binding *a, const struct binding *b)
{
    return a->len == b->len && memcmp(a->value, b->value, a->len) == 0;
}

static const char *shown(struct arena *arena, const struct binding *binding)
{
    return shown_value(arena, binding->name, binding->value, binding->len);
}

/* A line for each variable that is another one, by fingerprint. */
static struct text changes_of(struct arena *arena, const struct environment *before, const struct environment *after)
{
    struct text lines = {.arena = arena};
    text_append(&lines, "", 0);
    for (size_t i = 0; i < after->count; i++) {
        const struct binding *now = &after->items[i];
        const struct binding *then = environment_get(before, now->name);
        if (then == NULL)
            text_printf(&lines, "%s: added %s\n", shown_name(arena, now->name), shown(arena, now));
        else if (!same(then, now))
            text_printf(&lines, "%s: %s -> %s\n", shown_name(arena, now->name), shown(arena, then), shown(arena, now));
    }
    for (size_t i = 0; i < before->count; i++)
        if (environment_get(after, before->items[i].name) == NULL)
            text_printf(&lines, "%s: removed %s\n", shown_name(arena, before->items[i].name),
                        shown(arena, &before->items[i]));
    return lines;
}

/* --- the check --- */

/* What the new text is warned about, and every error. False: it is refused. */
static bool check(const struct fleet *fleet, const char *label, const struct fleet_revision *revision)
{
    struct fleet_trial trial = fleet_trial(fleet->home, fleet->managed, revision);
    const struct compilation *c = &trial.compilation;
    for (size_t i = 0; i < c->sources.count; i++)
        if (c->sources.items[i]->kind == SOURCE_FLEET_ENV)
            c->sources.items[i]->label = label;
    for (size_t i = 0; i < c->diagnostics.count; i++) {
        const struct diagnostic *d = c->diagnostics.items[i];
        bool own = d->place.source != NULL && d->place.source->kind == SOURCE_FLEET_ENV;
        if (own || (d->severity == SEVERITY_ERROR && trial.trouble != NULL))
            diagnostic_print(d, false, stderr);
    }
    bool good = trial.trouble == NULL;
    if (!good)
        (void)fputs("hermes-fleet: nothing was pushed\n", stderr);
    compilation_finish(&trial.compilation);
    return good;
}

static bool is_blank(const char *env, size_t len)
{
    size_t at = 0;
    while (at < len && strchr(" \t\r\n", env[at]) != NULL && env[at] != '\0')
        at++;
    return at == len;
}

static bool fits(const char *label, const char *env, size_t len)
{
    const char *trouble = len > FLEET_ENV_MOST ? "is larger than 512 KiB"
                          : is_blank(env, len) ? "is empty; to remove all keys, push a file that has only a comment"
                                               : NULL;
    if (trouble != NULL)
        (void)fprintf(stderr, "hermes-fleet: %s %s\n", label, trouble);
    return trouble == NULL;
}

/* --- the push --- */

static const char *who(struct arena *arena)
{
    char host[256] = "";
    const char *user = getenv("USER");
    (void)gethostname(host, sizeof host - 1);
    for (char *c = host; *c != '\0'; c++)
        if (*c == '\n')
            *c = ' ';
    bool plain = user != NULL && strlen(user) < 64 && strpbrk(user, "\n\r") == NULL;
    return plain ? arena_printf(arena, "%s@%s", user, host) : arena_printf(arena, "uid %u@%s", getuid(), host);
}

static struct fleet_revision revision_of(struct arena *arena, const char *env, size_t len, long long from)
{
    unsigned char random[8];
    char *id = arena_alloc(arena, 2 * sizeof random + 1);
    randombytes_buf(random, sizeof random);
    (void)sodium_bin2hex(id, 2 * sizeof random + 1, random, sizeof random);
    return (struct fleet_revision){
        .id = id, .at = iso_time_now(arena), .by = who(arena), .from = from, .env = env, .env_len = len};
}

static int commit(struct fleet *fleet, const struct fleet_offer *before, const struct fleet_revision *revision,
                  bool *ret_done)
{
    struct arena *arena = fleet->arena;
    const char *source = fleet_place(fleet, "sources/env");
    const char *history = fleet_place(fleet, fleet_push_history_place(arena, revision->number));
    struct text text = fleet_revision_text(arena, revision);
    struct text sealed = fleet_seal(arena, fleet->key, source, text.bytes, text.len);
    struct text kept = fleet_seal(arena, fleet->key, history, text.bytes, text.len);
    const long long old = revision->number - FLEET_HISTORY_MOST;
    const struct etcd_change changes[] = {
        {.key = source, .value = sealed.bytes, .len = sealed.len},
        {.key = history, .value = kept.bytes, .len = kept.len},
        {.key = fleet_place(fleet, fleet_push_history_place(arena, old > 0 ? old : 0))},
    };
    return etcd_commit(fleet->etcd, source, before->sealed.mod_revision, changes, sizeof changes / sizeof *changes,
                       ret_done);
}

/* The answer to a commit may be lost, and a second try then finds our own push. */
static bool is_ours(struct fleet *fleet, const struct fleet_revision *revision)
{
    struct fleet_offer now;
    return fleet_offered(fleet, &now) == 0 && now.present && now.trouble == NULL &&
           strcmp(now.revision.id, revision->id) == 0;
}

/* Higher than any revision that a machine has seen: a restored etcd may have forgotten some. */
static int number_next(struct fleet *fleet, const struct fleet_offer *before, long long *ret)
{
    struct fleet_machines machines;
    int error = fleet_machines_read(fleet, &machines);
    if (error != 0)
        return error;
    long long newest = fleet_machines_newest(&machines);
    newest = fleet->own.number > newest ? fleet->own.number : newest;
    newest = before->revision.number > newest ? before->revision.number : newest;
    *ret = newest + 1;
    return 0;
}

static void report(const struct fleet *fleet, const struct fleet_revision *revision, const struct text *changes,
                   bool pushed, bool json)
{
    if (json) {
        struct text out = {.arena = fleet->arena};
        text_putc(&out, '{');
        json_write_member(&out, "fleet", fleet->settings->name);
        json_write_number(&out, "revision", (unsigned long long)revision->number);
        json_write_truth(&out, "pushed", pushed);
        json_write_name(&out, "changes");
        text_putc(&out, '[');
        for (const char *line = changes->bytes; *line != '\0'; line += strcspn(line, "\n") + 1) {
            json_write_item(&out);
            json_write_string(&out, line, strcspn(line, "\n"));
        }
        text_puts(&out, "]}\n");
        (void)fputs(out.bytes, stdout);
        return;
    }
    if (pushed)
        (void)printf("revision %lld of fleet %s:\n%s", revision->number, fleet->settings->name, changes->bytes);
    else
        (void)printf("revision %lld of fleet %s: nothing changed\n", revision->number, fleet->settings->name);
}

static int push(struct fleet *fleet, const struct fleet_offer *before, const struct fleet_revision *revision)
{
    bool done = false;
    int error = commit(fleet, before, revision, &done);
    if ((error != 0 || !done) && is_ours(fleet, revision))
        return EXIT_OK;
    if (error != 0)
        return fleet_say_trouble(fleet, error);
    if (done)
        return EXIT_OK;
    (void)fputs("hermes-fleet: another push came first; nothing was pushed\n", stderr);
    return EXIT_DIFFERS;
}

/* What is there now, and the number of the next revision. */
static int look(struct fleet *fleet, struct fleet_offer *ret, long long *ret_next)
{
    int error = fleet_offered(fleet, ret);
    if (error == 0 && ret->trouble != NULL) {
        (void)fprintf(stderr, "hermes-fleet: the env file in etcd %s\n", ret->trouble);
        return EXIT_INVALID;
    }
    if (error == 0)
        error = number_next(fleet, ret, ret_next);
    return error == 0 ? EXIT_OK : fleet_say_trouble(fleet, error);
}

int fleet_push(struct fleet *fleet, const char *label, const char *env, size_t len, long long from, bool json)
{
    struct fleet_offer before;
    struct fleet_revision revision = revision_of(fleet->arena, env, len, from);
    revision.number = fleet->own.number + 1;
    if (!fits(label, env, len) || !check(fleet, label, &revision))
        return EXIT_INVALID;
    int status = look(fleet, &before, &revision.number);
    if (status != EXIT_OK)
        return status;
    struct environment old = environment_of(fleet->arena, before.present ? before.revision.env : "",
                                            before.present ? before.revision.env_len : 0);
    struct environment new = environment_of(fleet->arena, env, len);
    struct text changes = changes_of(fleet->arena, &old, &new);
    /* Where etcd was restored, machines are ahead of it: then it is to be said anew what counts. */
    bool newest = before.present && revision.number == before.revision.number + 1;
    bool pushed = !newest || from > 0 || !fleet_revision_same(&before.revision, &revision);
    if (pushed)
        status = push(fleet, &before, &revision);
    else
        revision.number = before.revision.number;
    if (status == EXIT_OK)
        report(fleet, &revision, &changes, pushed, json);
    return status;
}
