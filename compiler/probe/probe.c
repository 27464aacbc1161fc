#include "probe.h"

#include <string.h>

#include "emit.h"
#include "http_route.h"
#include "json_span.h"
#include "json_write.h"
#include "shown.h"

static const char *const state_names[] = {"not asked", "unreachable", "unclear", "limited", "refused", "works"};

const char *probe_state_name(enum probe_state state)
{
    return state_names[state];
}

void probes_add(struct probes *probes, const struct provider *provider, const struct credential *credential)
{
    ARENA_GROW(probes->arena, probes->items, probes->capacity, probes->count + 1);
    probes->items[probes->count++] = (struct probe){
        .provider = arena_strdup(probes->arena, provider->id),
        .base_url = arena_strdup(probes->arena, provider_credential_url(provider, credential)),
        .fingerprint = credential->fingerprint,
        .origin = &credential->origins[0],
        .asked = provider,
        .credential = credential,
    };
}

struct probes probes_copy(const struct probes *probes, struct arena *arena)
{
    struct probes copy = {.arena = arena};
    for (size_t i = 0; i < probes->count; i++) {
        probes_add(&copy, probes->items[i].asked, probes->items[i].credential);
        copy.items[i].origin = NULL;
    }
    return copy;
}

/* NULL: nothing there proves a key. An API like Anthropic's has the version in the path, and some base URLs, too. */
static const char *url_of(struct arena *arena, const struct provider *provider, const char *base_url)
{
    bool versioned = strcmp(provider->auth, "x-api-key") == 0;
    const char *path = provider->row != NULL ? provider->row->probe : versioned ? "/v1/models" : "/models";
    size_t len = strlen(base_url);
    if (path == NULL || len == 0)
        return NULL;
    while (len > 0 && base_url[len - 1] == '/')
        len--;
    if (strncmp(path, "/v1/", 4) == 0 && len > 3 && strncmp(base_url + len - 3, "/v1", 3) == 0)
        len -= 3;
    return arena_printf(arena, "%.*s%s", (int)len, base_url, path);
}

static void put_request(struct text *out, const struct environment *environment, const struct probe *probe,
                        const char *url)
{
    json_write_item(out);
    text_putc(out, '{');
    json_write_member(out, "url", url);
    json_write_member(out, "auth", probe->asked->auth);
    json_write_member(out, "secret", probe->credential->secret);
    emit_headers(out, probe->asked);
    http_route_json(out, environment, url, probe->asked->ca_file);
    if (probe->asked->unverified)
        json_write_truth(out, "verify", false);
    text_putc(out, '}');
}

int probes_ask(struct probes *probes, const struct environment *environment, struct http_child *child)
{
    struct text job = {.arena = probes->arena};
    size_t asked = 0;
    text_puts(&job, "{\"requests\":[");
    for (size_t i = 0; i < probes->count; i++) {
        struct probe *probe = &probes->items[i];
        const char *url = url_of(probes->arena, probe->asked, probe->base_url);
        probe->state = url == NULL ? PROBE_UNASKED : PROBE_UNREACHABLE;
        if (url != NULL)
            put_request(&job, environment, probe, url);
        asked += url != NULL;
        probe->asked = NULL;
        probe->credential = NULL;
    }
    text_puts(&job, "]}");
    return asked == 0 ? 1 : http_child_start(child, &job);
}

static enum probe_state state_of(const char *name)
{
    for (size_t i = PROBE_UNREACHABLE; name != NULL && i < sizeof state_names / sizeof *state_names; i++)
        if (strcmp(state_names[i], name) == 0)
            return (enum probe_state)i;
    return PROBE_UNREACHABLE;
}

static void take_answer(struct arena *arena, struct probe *probe, const char *text, const struct json *answer)
{
    double status = 0;
    (void)json_span_number(text, json_span_member(answer, "status"), &status);
    probe->status = (int)status;
    probe->state = state_of(json_span_string(arena, text, json_span_member(answer, "state")));
    probe->rule = json_span_string(arena, text, json_span_member(answer, "rule"));
    probe->error = json_span_string(arena, text, json_span_member(answer, "error"));
}

void probes_answer(struct probes *probes, struct http_child *child)
{
    size_t at = 0;
    struct text text = http_child_take(child, probes->arena);
    const struct json *answers = json_span_member(json_span_scan(probes->arena, text.bytes, text.len, &at), "answers");
    size_t next = 0;
    for (size_t i = 0; i < probes->count; i++) {
        struct probe *probe = &probes->items[i];
        if (probe->state == PROBE_UNASKED)
            continue;
        if (answers == NULL || next >= answers->count)
            probe->error = "hermes-http did not answer";
        else
            take_answer(probes->arena, probe, text.bytes, &answers->children[next++]);
    }
}

void probes_fail(struct probes *probes, int error)
{
    for (size_t i = 0; error < 0 && i < probes->count; i++)
        if (probes->items[i].state != PROBE_UNASKED)
            probes->items[i].error = arena_printf(probes->arena, "hermes-http: %s", strerror(-error));
}

void probes_ask_and_wait(struct probes *probes, const struct environment *environment)
{
    struct http_child child = {0};
    int error = probes_ask(probes, environment, &child);
    if (error == 0) {
        (void)http_child_ended(&child, true);
        probes_answer(probes, &child);
    } else {
        probes_fail(probes, error);
    }
}

const char *probe_words(struct arena *arena, const struct probe *probe)
{
    const char *state = probe_state_name(probe->state);
    if (probe->state == PROBE_UNASKED)
        return arena_printf(arena, "%s: no request there shows whether a key works", state);
    if (probe->status == 0)
        return probe->error == NULL ? state : arena_printf(arena, "%s: %s", state, probe->error);
    return probe->state == PROBE_WORKS ? state : arena_printf(arena, "%s (%d)", state, probe->status);
}

void probes_print(const struct probes *probes, FILE *stream)
{
    for (size_t i = 0; i < probes->count; i++) {
        const struct probe *probe = &probes->items[i];
        (void)fprintf(stream, "%s  %s  %s  (%s)\n", shown_name(probes->arena, probe->provider), probe->fingerprint.text,
                      probe_words(probes->arena, probe), origin_text(probes->arena, probe->origin));
    }
}

void probes_json(struct text *out, const struct probes *probes)
{
    json_write_name(out, "probes");
    text_putc(out, '[');
    for (size_t i = 0; i < probes->count; i++) {
        const struct probe *probe = &probes->items[i];
        json_write_item(out);
        text_putc(out, '{');
        json_write_member(out, "provider", shown_name(out->arena, probe->provider));
        json_write_member(out, "fingerprint", probe->fingerprint.text);
        json_write_member(out, "state", probe_state_name(probe->state));
        if (probe->status != 0)
            json_write_number(out, "status", (unsigned long long)probe->status);
        if (probe->rule != NULL)
            json_write_member(out, "rule", probe->rule);
        if (probe->error != NULL)
            json_write_member(out, "error", probe->error);
        if (probe->origin != NULL) {
            json_write_name(out, "origin");
            text_putc(out, '{');
            origin_json(out, probe->origin);
            text_putc(out, '}');
        }
        text_putc(out, '}');
    }
    text_putc(out, ']');
}
