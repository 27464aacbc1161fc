#include "announce.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "http_route.h"
#include "json_span.h"
#include "json_write.h"
#include "memory.h"
#include "signature.h"

/* After so many failures it rests until something is published again. */
enum { MOST_FAILURES = 10, LONGEST_PAUSE_S = 60 };

/* --- what is kept --- */

/* A URL may have a secret in its query. */
static void wipe(char *text)
{
    if (text != NULL)
        explicit_bzero(text, strlen(text));
    free(text);
}

static void drop(struct announcer *a, size_t count)
{
    for (size_t i = 0; i < count; i++)
        wipe(a->requests[i]);
    a->count -= count;
    memmove(a->requests, a->requests + count, a->count * sizeof *a->requests);
}

void announce_open(struct announcer *a, const struct watched_home *home)
{
    *a = (struct announcer){.home = home};
}

void announce_close(struct announcer *a)
{
    http_job_stop(&a->job);
    (void)sd_event_source_disable_unref(a->timer);
    drop(a, a->count);
    wipe(a->url);
    announce_open(a, a->home);
}

/* What was to go elsewhere is of no use there. */
static bool go_to(struct announcer *a, const char *url)
{
    if (a->url != NULL && url != NULL && strcmp(a->url, url) == 0)
        return true;
    announce_close(a);
    a->url = url == NULL ? NULL : strdup(url);
    return a->url != NULL;
}

/* --- an event --- */

static struct text event_of(const char *home, const struct compilation *c)
{
    struct text out = {.arena = c->arena};
    text_putc(&out, '{');
    json_write_member(&out, "event", "published");
    json_write_member(&out, "home", home);
    json_write_number(&out, "generation", (unsigned long long)c->generation);
    json_write_number(&out, "published_at", (unsigned long long)c->publication.snapshot_stat.st_mtim.tv_sec);
    json_write_member(&out, "pool",
                      c->publication.pool_waiting ? "waiting"
                      : c->publication.projected  ? "written"
                                                  : "unchanged");
    plan_json(&out, &c->plan);
    text_putc(&out, '}');
    return out;
}

static char *request_of(const struct compilation *c, const struct text *event)
{
    struct text out = {.arena = c->arena};
    const struct binding *key = environment_get(&c->environment, WATCH_HMAC_VARIABLE);
    text_putc(&out, '{');
    json_write_member(&out, "url", c->settings.notify_url);
    if (key != NULL && key->len > 0) {
        json_write_name(&out, "headers");
        text_putc(&out, '{');
        json_write_member(&out, "X-Hermes-Signature",
                          signature_of(key->value, key->len, event->bytes, event->len).text);
        text_putc(&out, '}');
    }
    json_write_member(&out, "body", event->bytes);
    http_route_json(&out, &c->environment, c->settings.notify_url, NULL);
    text_putc(&out, '}');
    return strdup(out.bytes);
}

/* --- sending --- */

static void answered(void *announcer, int error);

static void send_kept(void *announcer)
{
    struct announcer *a = announcer;
    struct arena *arena = arena_create();
    struct memory_hold hold;
    arena_hold(&hold, arena);
    struct text job = {.arena = arena};
    text_puts(&job, "{\"in_order\":true,\"requests\":[");
    for (size_t i = 0; i < a->count; i++)
        text_printf(&job, "%s%s", i == 0 ? "" : ",", a->requests[i]);
    text_puts(&job, "]}");
    a->sent = a->count;
    a->gone = 0;
    http_job_watch(&a->job, a->home->event, http_child_start(&a->job.child, &job), answered, a);
    memory_give_back(&hold);
}

static void try_later(struct announcer *a);

static int at_next_try(sd_event_source *timer, uint64_t when, void *announcer)
{
    struct announcer *a = announcer;
    (void)when;
    (void)timer;
    a->timer = sd_event_source_disable_unref(a->timer);
    if (!memory_try(send_kept, a)) {
        a->failures++;
        try_later(a);
    }
    return 0;
}

static void try_later(struct announcer *a)
{
    unsigned pause = a->failures < 7 ? 1U << (a->failures - 1) : LONGEST_PAUSE_S;
    if (a->failures < MOST_FAILURES)
        (void)sd_event_add_time_relative(a->home->event, &a->timer, CLOCK_MONOTONIC, pause * 1000000ULL, 0, at_next_try,
                                         a);
}

/* How many the receiver took; *RET_WHY: why not the next one, or NULL. */
static size_t count_taken(struct arena *arena, struct announcer *a, const char **ret_why)
{
    size_t at = 0;
    size_t taken = 0;
    struct text text = http_child_take(&a->job.child, arena);
    const struct json *answers = json_span_member(json_span_scan(arena, text.bytes, text.len, &at), "answers");
    *ret_why = "hermes-http did not answer";
    for (; answers != NULL && taken < answers->count && taken < a->sent; taken++) {
        const struct json *answer = &answers->children[taken];
        double status = 0;
        (void)json_span_number(text.bytes, json_span_member(answer, "status"), &status);
        if (status >= 200 && status < 300)
            continue;
        *ret_why = status == 0 ? json_span_string(arena, text.bytes, json_span_member(answer, "error"))
                               : arena_printf(arena, "it answers %d", (int)status);
        break;
    }
    return taken;
}

static void say_down(struct announcer *a, const char *why)
{
    char text[512];
    if (a->said_down)
        return;
    a->said_down = true;
    (void)snprintf(text, sizeof text, "hermes_watch.notify_url did not accept an event: %s; retrying",
                   why == NULL ? "no answer" : why);
    watched_home_say(a->home, LOG_WARNING, NULL, text);
}

struct answer {
    struct announcer *announcer;
    int error;
};

static void learn(void *data)
{
    struct answer *answer = data;
    struct announcer *a = answer->announcer;
    struct arena *arena = arena_create();
    struct memory_hold hold;
    arena_hold(&hold, arena);
    const char *why = strerror(-answer->error);
    size_t taken = answer->error == 0 ? count_taken(arena, a, &why) : 0;
    drop(a, taken > a->gone ? taken - a->gone : 0);
    if (taken < a->sent) {
        a->failures = taken > 0 ? 1 : a->failures + 1;
        say_down(a, why);
        try_later(a);
    } else {
        if (a->said_down && !a->home->quiet)
            watched_home_say(a->home, LOG_INFO, NULL, "hermes_watch.notify_url accepts events again");
        a->said_down = false;
        a->failures = 0;
        if (a->count > 0)
            send_kept(a);
    }
    memory_give_back(&hold);
}

static void answered(void *announcer, int error)
{
    struct announcer *a = announcer;
    if (memory_try(learn, &(struct answer){a, error}))
        return;
    a->failures++;
    try_later(a);
}

void announce_after_compile(struct announcer *a, const struct compilation *c)
{
    if (!c->publication.published || !go_to(a, c->settings.notify_url))
        return;
    struct text event = event_of(a->home->home, c);
    if (a->count == ANNOUNCE_KEPT) { /* the newest are worth more */
        drop(a, 1);
        a->gone++;
    }
    a->requests[a->count] = request_of(c, &event);
    a->count += a->requests[a->count] != NULL;
    if (a->job.source != NULL || a->timer != NULL)
        return; /* when that is back, or at the next try */
    a->failures = 0;
    send_kept(a);
}
