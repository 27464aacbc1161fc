#include "status.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "file_lock.h"
#include "guarded_file.h"
#include "json_token.h"
#include "metrics.h"
#include "plain_name.h"
#include "print_env.h"
#include "record.h"
#include "relay.h"
#include "snapshot_format.h"

static bool text_member(struct bytes *out, const char *name, const char *text)
{
    return bytes_printf(out, "\"%s\":\"", name) && bytes_add_json(out, text, strlen(text)) && bytes_add(out, "\",", 2);
}

static bool name_member(struct bytes *out, const char *name, const char *value)
{
    struct fingerprint print;
    return text_member(out, name, plain_name_or_print(value, &print));
}

static bool state_members(struct bytes *out, const struct hermes_key_state *state)
{
    return bytes_printf(out, "\"state\":\"%s\",\"rule\":\"%s\",\"status\":%d,", hermes_verdict_name(state->verdict),
                        state->rule != NULL ? state->rule : "", state->status) &&
           (isfinite(state->until) ? bytes_printf(out, "\"until\":%.3f", state->until)
                                   : bytes_printf(out, "\"until\":null"));
}

static bool origins_json(struct bytes *out, const struct hermes_credential *key)
{
    bool good = bytes_printf(out, "\"origins\":[");
    for (size_t i = 0; good && i < key->origin_count; i++)
        good = (i == 0 || bytes_add(out, ",", 1)) && bytes_add(out, "{", 1) &&
               text_member(out, "path", key->origins[i].path) && name_member(out, "key", key->origins[i].key) &&
               bytes_printf(out, "\"line\":%u,\"column\":%u}", key->origins[i].line, key->origins[i].column);
    return good && bytes_add(out, "]", 1);
}

static bool key_json(struct bytes *out, const struct hermes_credential *key, const struct hermes_key_state *state,
                     bool next)
{
    return bytes_add(out, "{", 1) && text_member(out, "fingerprint", key->fingerprint) && state_members(out, state) &&
           bytes_printf(out, ",\"requests\":%llu,\"last_used\":%.3f,\"next\":%s,", state->requests, state->last_used,
                        next ? "true" : "false") &&
           origins_json(out, key) && bytes_add(out, "}", 1);
}

/* Under `random` each usable key may go out next. */
static bool goes_out_next(const struct hermes_provider *provider, const struct hermes_credential *key,
                          const struct hermes_key_state *state, const char *next)
{
    bool usable = state->verdict != HERMES_KEY_COOLING && state->verdict != HERMES_KEY_DEAD;
    bool any = strcmp(provider->strategy, "random") == 0;
    return next != NULL && (any ? usable : strcmp(key->fingerprint, next) == 0);
}

static bool keys_json(struct hermes *hermes, const struct hermes_provider *provider, struct bytes *out)
{
    const char *next = hermes_next(hermes, provider->id);
    bool good = bytes_printf(out, ",\"keys\":[");
    for (size_t i = 0; good && i < provider->credential_count; i++) {
        struct hermes_key_state state = {0};
        const struct hermes_credential *key = &provider->credentials[i];
        (void)hermes_key_state(hermes, provider->id, key->fingerprint, &state);
        good = (i == 0 || bytes_add(out, ",", 1)) &&
               key_json(out, key, &state, goes_out_next(provider, key, &state, next));
    }
    return good && bytes_add(out, "]", 1);
}

/* A base URL may hold a password, or a key. */
static bool url_member(struct bytes *out, const char *name, const char *url)
{
    return text_member(out, name, plain_name_url(url, strlen(url)) ? url : fingerprint_of(url, strlen(url)).text);
}

static bool provider_json(struct hermes *hermes, const struct hermes_provider *provider, struct bytes *out)
{
    struct hermes_key_state state = {0};
    (void)hermes_key_state(hermes, provider->id, NULL, &state);
    return bytes_add(out, "{", 1) && text_member(out, "id", provider->shown) &&
           url_member(out, "base_url", provider->base_url) && text_member(out, "strategy", provider->strategy) &&
           text_member(out, "auth", provider->auth) && state_members(out, &state) && keys_json(hermes, provider, out) &&
           bytes_add(out, "}", 1);
}

/* Where requests go when the default provider has no healthy key, in this order. */
static bool fallbacks_json(const struct hermes_view *view, struct bytes *out)
{
    const struct hermes_fallback *fallback;
    bool good = bytes_printf(out, "\"fallbacks\":[");
    for (size_t i = 0; good && (fallback = hermes_fallback(view, i)) != NULL; i++) {
        struct fingerprint print;
        const char *model = plain_name_or_print(fallback->model, &print);
        good = (i == 0 || bytes_add(out, ",", 1)) && bytes_add(out, "{", 1) &&
               name_member(out, "provider", fallback->provider) && bytes_printf(out, "\"model\":\"") &&
               bytes_add_json(out, model, strlen(model)) && bytes_add(out, "\"}", 2);
    }
    return good && bytes_add(out, "],", 2);
}

static bool snapshot_json(struct hermes *hermes, int refreshed, struct bytes *out)
{
    const struct hermes_view *view = hermes_hold(hermes);
    const char *first = hermes_default_provider(view);
    bool good = text_member(out, "snapshot", refreshed < 0 ? hermes_strerror(refreshed) : "ok") &&
                bytes_printf(out, "\"generation\":%lld,", hermes_generation(view)) &&
                text_member(out, "compiled_at", hermes_compiled_at(view)) &&
                name_member(out, "default_provider", first != NULL ? first : "") && fallbacks_json(view, out) &&
                bytes_printf(out, "\"providers\":[");
    for (size_t i = 0; good && i < hermes_provider_count(view); i++)
        good = (i == 0 || bytes_add(out, ",", 1)) && provider_json(hermes, hermes_provider_at(view, i), out);
    hermes_view_unref(view);
    return good && bytes_add(out, "],", 2);
}

/* LEN bytes of JSON without what only makes them readable: a stream of events goes by lines. Their new number. */
static size_t one_line(char *json, size_t len)
{
    size_t used = 0;
    bool quoted = false;
    for (size_t i = 0; i < len; i++) {
        if (!quoted && strchr(" \t\r\n", json[i]) != NULL)
            continue;
        quoted ^= json[i] == '"';
        if (quoted && json[i] == '\\')
            json[used++] = json[i++];
        json[used++] = json[i];
    }
    return used;
}

/* Its member `pid`; 0: none. */
static pid_t pid_in(const char *json, size_t len)
{
    struct json_token name;
    struct json_token value;
    struct json_tokens tokens = json_tokens(json, len);
    (void)json_token_next(&tokens);
    while (json_token_child(&tokens, &name, &value)) {
        if (json_token_is(name, "pid", 3) && value.kind == JSON_SCALAR)
            return (pid_t)strtol(value.bytes, NULL, 10);
        if (!json_token_skip(&tokens, value))
            break;
    }
    return 0;
}

/* hermes-watch's own file, when it is one JSON object, and whether the process that wrote it runs: that one holds the
 * lock. */
static bool watcher_json(const char *home, struct bytes *out)
{
    char path[PATH_MAX];
    char lock[PATH_MAX];
    char *json = NULL;
    struct moment moment = {0};
    (void)snprintf(path, sizeof path, "%s/" STATUS_FILE, home);
    (void)snprintf(lock, sizeof lock, "%s/" WATCH_LOCK_FILE, home);
    pid_t holder = file_lock_holder(lock);
    size_t len = guarded_file_read(path, &moment, &json) == 0 ? (size_t)moment.size : 0;
    bool object = len > 0 && json[strspn(json, " \t\r\n")] == '{' && json_token_valid(json, len);
    bool running = holder != 0 && (!object || pid_in(json, len) == holder);
    bool good = bytes_printf(out, "\"watcher_running\":%s,\"watcher\":", running ? "true" : "false") &&
                (object ? bytes_add(out, json, one_line(json, len)) : bytes_add(out, "null", 4));
    sodium_free(json);
    return good;
}

/* The lines that point a client here, as --print-env prints them. */
static bool connect_member(const struct relay *relay, struct hermes *hermes, struct bytes *out)
{
    struct bytes text = {0};
    const struct hermes_view *view = hermes == NULL ? NULL : hermes_hold(hermes);
    bool good = print_env_text(view, relay->home, relay->address, &text) && bytes_printf(out, "\"connect\":\"") &&
                bytes_add_json(out, bytes_at(&text), bytes_len(&text)) && bytes_add(out, "\",", 2);
    hermes_view_unref(view);
    bytes_finish(&text);
    return good;
}

bool status_json(struct relay *relay, struct bytes *out)
{
    struct hermes *hermes = relay_hermes(relay);
    bool good = bytes_add(out, "{", 1) && text_member(out, "version", HERMES_VERSION) &&
                text_member(out, "home", relay->home) && bytes_printf(out, "\"started_at\":%.3f,", relay->started_at);
    if (hermes != NULL)
        good = good && snapshot_json(hermes, hermes_refresh(hermes), out);
    else
        good = good && bytes_printf(out, "\"snapshot\":\"there is none yet\",\"generation\":0,\"compiled_at\":\"\","
                                         "\"default_provider\":\"\",\"fallbacks\":[],\"providers\":[],");
    return good && text_member(out, "address", relay->address) && connect_member(relay, hermes, out) &&
           bytes_printf(out, "\"minutes\":") && metrics_minutes(relay->metrics, out) &&
           bytes_printf(out, ",\"requests\":") && records_requests_json(relay->records, out) &&
           bytes_printf(out, ",\"switches\":") && records_switches_json(relay->records, out) &&
           bytes_add(out, ",", 1) && watcher_json(relay->home, out) && bytes_add(out, "}", 1);
}
