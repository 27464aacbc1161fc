#include "models.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ask.h"
#include "clock.h"
#include "exchange.h"
#include "headers.h"
#include "json_token.h"
#include "judge.h"
#include "mask.h"
#include "relay.h"
#include "reply.h"
#include "upstream.h"

enum { PROVIDERS_MAX = 64, WAIT_MS = 5000, KEPT_MS = 60000, KEPT_PARTLY_MS = 5000 };

struct models_cache {
    pthread_mutex_t lock;
    long long generation;
    long long until_us;
    struct bytes list;
};

struct gathering {
    struct attempt *attempts[PROVIDERS_MAX]; /* the default provider's first; NULL: it could not be asked */
    char providers[PROVIDERS_MAX][PROVIDER_NAME_SIZE];
    char prefixes[PROVIDERS_MAX][PROVIDER_NAME_SIZE];
    size_t count;
    long long since_us;
    long long generation;
};

struct models_cache *models_create(void)
{
    struct models_cache *cache = calloc(1, sizeof *cache);
    if (cache != NULL)
        (void)pthread_mutex_init(&cache->lock, NULL);
    return cache;
}

void models_destroy(struct models_cache *cache)
{
    if (cache == NULL)
        return;
    bytes_finish(&cache->list);
    (void)pthread_mutex_destroy(&cache->lock);
    free(cache);
}

static long long generation_of(struct exchange *x, size_t *ret_providers)
{
    const struct hermes_view *view = hermes_hold(atomic_load(&x->relay->hermes));
    long long generation = hermes_generation(view);
    *ret_providers = hermes_provider_count(view);
    hermes_view_unref(view);
    return generation;
}

/* Anthropic's clients want Anthropic's list. */
static bool asks_for_all(const struct exchange *x)
{
    size_t len;
    const char *path = route_path(&x->route, &len);
    return strcmp(x->record.method, "GET") == 0 && x->route.provider[0] == '\0' && x->route.query == NULL &&
           (x->route.version_len == 3 || x->route.bare) && len == 7 && memcmp(path, "/models", 7) == 0 &&
           headers_line(&x->headers, "anthropic-version") == NULL;
}

bool models_begin(struct exchange *x)
{
    size_t providers = 0;
    struct models_cache *cache = x->relay->models;
    x->lists = asks_for_all(x);
    if (!x->lists)
        return false;
    long long generation = generation_of(x, &providers);
    x->lists = providers > 1;
    (void)pthread_mutex_lock(&cache->lock);
    bool kept = x->lists && cache->generation == generation && clock_monotonic_us() < cache->until_us &&
                bytes_len(&cache->list) > 0 && bytes_add(&x->local, bytes_at(&cache->list), bytes_len(&cache->list));
    (void)pthread_mutex_unlock(&cache->lock);
    if (kept)
        reply_local(x, 200, "application/json", NULL);
    return kept;
}

/* --- What a provider's list says --- */

static bool named(struct json_token token, const char *text)
{
    return json_token_is(token, text, strlen(text));
}

/* Goes into the list of an OpenAI-like `data`, or of Gemini's `models`. False: BODY has none. */
static bool find_list(const char *body, size_t len, struct json_tokens *ret)
{
    struct json_token name;
    struct json_token value;
    struct json_tokens tokens = json_tokens(body, len);
    if (len == 0 || json_token_next(&tokens).kind != JSON_OPEN)
        return false;
    while (json_token_child(&tokens, &name, &value)) {
        if (value.kind == JSON_OPEN && *value.bytes == '[' && (named(name, "data") || named(name, "models"))) {
            *ret = tokens;
            return true;
        }
        if (!json_token_skip(&tokens, value))
            break;
    }
    return false;
}

/* The id of the model whose object has been opened: `id`, or Gemini's `name` without "models/", when there is none. */
static struct json_token id_of(struct json_tokens model, bool *ret_named)
{
    *ret_named = true;
    struct json_token name;
    struct json_token value;
    struct json_token id = {JSON_NONE, model.at, 0};
    while (json_token_child(&model, &name, &value)) {
        if (value.kind == JSON_TEXT && (named(name, "id") || (id.kind == JSON_NONE && named(name, "name")))) {
            *ret_named = !named(name, "id");
            id = value;
        }
        if (!json_token_skip(&model, value))
            break;
    }
    if (id.len > 7 && memcmp(id.bytes, "models/", 7) == 0)
        id = (struct json_token){id.kind, id.bytes + 7, id.len - 7};
    return id;
}

/* PREFIX and a slash; "" needs none. */
static bool add_prefix(const char *prefix, struct bytes *out)
{
    return bytes_add_json(out, prefix, strlen(prefix)) && bytes_add(out, "/", *prefix != '\0');
}

/* The object from START to END, whose id is that; all else of it stays. One that is only NAMED, as Gemini's are,
 * becomes one of OpenAI's. */
static bool add_model(const char *start, const char *end, struct json_token id, bool only_named, const char *provider,
                      const char *prefix, struct bytes *out)
{
    bool first = bytes_at(out)[bytes_len(out) - 1] == '[';
    if (!bytes_add(out, ",", !first))
        return false;
    if (!only_named)
        return bytes_add(out, start, (size_t)(id.bytes - start)) && add_prefix(prefix, out) &&
               bytes_add(out, id.bytes, (size_t)(end - id.bytes));
    return bytes_printf(out, "{\"id\":\"") && add_prefix(prefix, out) && bytes_add(out, id.bytes, id.len) &&
           bytes_printf(out, "\",\"object\":\"model\",\"created\":0,\"owned_by\":\"") &&
           bytes_add_json(out, provider, strlen(provider)) && bytes_add(out, "\"}", 2);
}

static bool add_models(const struct attempt *attempt, const char *provider, const char *prefix, struct bytes *out)
{
    struct json_token name;
    struct json_token value;
    struct json_tokens list;
    bool good = true;
    bool only_named = false;
    const char *key = attempt->key.credential->secret;
    (void)mask_key(bytes_at(&attempt->body), bytes_len(&attempt->body), key, strlen(key));
    if (!find_list(bytes_at(&attempt->body), bytes_len(&attempt->body), &list))
        return true;
    while (good && json_token_child(&list, &name, &value)) {
        struct json_token id =
            value.kind == JSON_OPEN ? id_of(list, &only_named) : (struct json_token){JSON_NONE, value.bytes, 0};
        if (!json_token_skip(&list, value))
            break;
        if (id.kind == JSON_TEXT)
            good = add_model(value.bytes, list.at, id, only_named, provider, prefix, out);
    }
    return good;
}

static bool has_list(const struct attempt *attempt)
{
    struct json_tokens list;
    return attempt != NULL && attempt->done && !attempt->failed && attempt->status == 200 &&
           find_list(bytes_at(&attempt->body), bytes_len(&attempt->body), &list);
}

static bool add_errors(const struct gathering *g, struct bytes *out)
{
    bool good = bytes_printf(out, "],\"errors\":[");
    for (size_t i = 0; good && i < g->count; i++) {
        const struct attempt *attempt = g->attempts[i];
        if (has_list(attempt))
            continue;
        good = bytes_add(out, ",", bytes_at(out)[bytes_len(out) - 1] != '[') && bytes_printf(out, "{\"provider\":\"") &&
               bytes_add_json(out, g->providers[i], strlen(g->providers[i])) &&
               bytes_printf(out, "\",\"status\":%d,\"message\":\"%s\"}", attempt == NULL ? 0 : attempt->status,
                            attempt == NULL            ? "it could not be reached"
                            : attempt->failure != NULL ? attempt->failure
                            : attempt->status == 200   ? "its answer is not a list of models"
                            : attempt->status == 0     ? "it did not answer in time"
                                                       : "it refused to list its models");
    }
    return good && bytes_printf(out, "]}\n");
}

/* --- Asking them --- */

/* By what a model of PROVIDER can be asked for; "": there is no such way. */
static void prefix_of(const struct hermes_view *view, const struct hermes_provider *provider, char *out, size_t size)
{
    const char *plain = strncmp(provider->id, "custom:", 7) == 0 ? provider->id + 7 : provider->id;
    const char *candidates[] = {plain, provider->id};
    size_t cut;
    *out = '\0';
    if (provider->shown != provider->id) /* a key may have been pasted there: it is not told to everybody */
        return;
    for (size_t i = 0; i < 2 && *out == '\0'; i++) {
        char model[PROVIDER_NAME_SIZE + 4];
        (void)snprintf(model, sizeof model, "%s/m", candidates[i]);
        if (route_by_model(view, model, strlen(model), &cut) == provider)
            (void)snprintf(out, size, "%s", candidates[i]);
    }
}

static void add_provider(struct exchange *x, struct gathering *g, const struct hermes_provider *provider,
                         const char *prefix)
{
    size_t i = g->count++;
    (void)snprintf(g->providers[i], sizeof g->providers[i], "%s", provider->shown);
    (void)snprintf(g->prefixes[i], sizeof g->prefixes[i], "%s", prefix);
    g->attempts[i] = ask_beside(x, provider->id);
    if (g->attempts[i] != NULL)
        g->attempts[i]->limit = LIST_LIMIT;
}

bool models_gather(struct exchange *x, struct attempt *attempt)
{
    bool refused = attempt->status >= 400;
    struct gathering *g = has_list(attempt) || refused ? calloc(1, sizeof *g) : NULL;
    if (g == NULL)
        return false;
    const struct hermes_view *view = hermes_hold(atomic_load(&x->relay->hermes));
    char prefix[PROVIDER_NAME_SIZE];
    g->since_us = clock_monotonic_us();
    g->generation = hermes_generation(view);
    g->attempts[0] = attempt;
    (void)snprintf(g->providers[0], sizeof g->providers[0], "%s", attempt->key.provider->shown);
    g->count = 1;
    x->gathering = g;
    for (size_t i = 0; i < hermes_provider_count(view) && g->count < PROVIDERS_MAX; i++) {
        const struct hermes_provider *provider = hermes_provider_at(view, i);
        prefix_of(view, provider, prefix, sizeof prefix);
        if (provider->credential_count > 0 && prefix[0] != '\0' && strcmp(provider->shown, g->providers[0]) != 0)
            add_provider(x, g, provider, prefix);
    }
    hermes_view_unref(view);
    models_step(x, g->since_us);
    return true;
}

static void keep(struct exchange *x, const struct gathering *g, bool whole)
{
    struct models_cache *cache = x->relay->models;
    (void)pthread_mutex_lock(&cache->lock);
    bytes_clear(&cache->list);
    cache->generation = g->generation;
    cache->until_us = clock_monotonic_us() + (whole ? KEPT_MS : KEPT_PARTLY_MS) * 1000LL;
    if (!bytes_add(&cache->list, bytes_at(&x->local), bytes_len(&x->local)))
        bytes_clear(&cache->list);
    (void)pthread_mutex_unlock(&cache->lock);
}

static void answer(struct exchange *x, struct gathering *g)
{
    bool whole = true;
    bytes_clear(&x->local);
    bool good = bytes_printf(&x->local, "{\"object\":\"list\",\"data\":[");
    for (size_t i = 0; good && i < g->count; i++) {
        whole = whole && has_list(g->attempts[i]);
        if (has_list(g->attempts[i]))
            good = add_models(g->attempts[i], g->providers[i], g->prefixes[i], &x->local);
    }
    good = good && add_errors(g, &x->local);
    if (good)
        keep(x, g, whole);
    reply_local(x, good ? 200 : 500, "application/json", NULL);
}

void models_step(struct exchange *x, long long now_us)
{
    struct gathering *g = x->gathering;
    bool late = now_us - g->since_us > WAIT_MS * 1000LL;
    if (x->state == EXCHANGE_LOCAL)
        return;
    for (size_t i = 1; i < g->count; i++) {
        struct attempt *attempt = g->attempts[i];
        if (attempt == NULL || attempt->judged)
            continue;
        if (!attempt->done && !late)
            return;
        upstream_end(attempt);
        if (attempt->done) {
            attempt->judged = true;
            struct hermes_judgement judgement = judge_attempt(x, attempt);
            (void)hermes_report(atomic_load(&x->relay->hermes), &attempt->key, &judgement);
        }
    }
    answer(x, g);
}

void models_abandon(struct exchange *x)
{
    struct gathering *g = x->gathering;
    for (size_t i = 1; g != NULL && i < g->count; i++)
        ask_give(g->attempts[i]);
    free(g);
    x->gathering = NULL;
}
