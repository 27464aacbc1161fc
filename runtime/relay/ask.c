#include "ask.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "body.h"
#include "clock.h"
#include "copy_text.h"
#include "egress.h"
#include "exchange.h"
#include "headers.h"
#include "lives.h"
#include "model.h"
#include "relay.h"
#include "upstream.h"
#include "url.h"

_Static_assert((int)ASK_TRIES <= (int)RECORD_TRIES, "each try has a place in the record");

enum { KEYS_MAX = 256 }; /* of one provider */

static struct hermes *reader(struct exchange *x)
{
    return atomic_load(&x->relay->hermes);
}

/* --- One try --- */

void ask_give(struct attempt *attempt)
{
    if (attempt == NULL)
        return;
    upstream_end(attempt);
    if (attempt->key.view != NULL)
        hermes_release(reader(attempt->exchange), &attempt->key);
    exchange_give_attempt(attempt);
}

static size_t pull(struct attempt *attempt, char *buffer, size_t size)
{
    struct exchange *x = attempt->exchange;
    size_t len = bytes_len(&x->body) < size ? bytes_len(&x->body) : size;
    attempt->active_us = clock_monotonic_us();
    if (len == 0)
        return x->body_complete ? 0 : UPSTREAM_LATER;
    memcpy(buffer, bytes_at(&x->body), len);
    bytes_take(&x->body, len);
    x->wake(x);
    return len;
}

static const char *variable(const void *view, const char *name)
{
    return hermes_variable(view, name);
}

static int send_attempt(struct exchange *x, struct attempt *attempt)
{
    const struct bytes *body = x->asking.model[0] != '\0' ? &x->fallback_body : &x->body;
    const char *method = x->record.method;
    /* A POST of nothing says so: some servers ask for a length. */
    bool has_body = x->body_length != 0 || strcmp(method, "POST") == 0 || strcmp(method, "PUT") == 0 ||
                    strcmp(method, "PATCH") == 0;
    struct upstream_request request = {
        .method = method,
        .headers = &attempt->lines,
        .body = has_body && !x->streaming ? bytes_len(body) > 0 ? bytes_at(body) : "" : NULL,
        .body_len = has_body && !x->streaming ? bytes_len(body) : 0,
        .pull = x->streaming ? pull : NULL,
        .pull_len = x->body_length,
        .again = x->harmless,
    };
    const char *base_url = attempt->key.credential->base_url;
    const char *auth = attempt->key.provider->auth;
    int fits = route_fits(base_url, auth, &x->route);
    if (fits != 0)
        return fits;
    enum dialect dialect = x->dialect == DIALECT_ANY ? route_speaks(base_url, auth) : x->dialect;
    if (!route_url(base_url, auth, &x->route, &attempt->url) ||
        !headers_for(&attempt->key, route_auth(base_url, auth, &x->route), dialect, &x->headers, &attempt->lines) ||
        (x->streaming && x->body_length < 0 && !bytes_add_string(&attempt->lines, "Transfer-Encoding: chunked")))
        return -ENOMEM;
    request.url = attempt->url.data;
    request.egress = egress_to(request.url, variable, attempt->key.view);
    if (attempt->key.provider->ca_file != NULL)
        request.egress.ca_file = attempt->key.provider->ca_file;
    request.egress.unverified = attempt->key.provider->unverified;
    return upstream_begin(x->all->upstream, attempt, &request);
}

static void note_try(struct exchange *x, const struct attempt *attempt)
{
    struct record_try *try = &x->record.tries[x->record.try_count++];
    *try = (struct record_try){.rule = "", .verdict = "asked"};
    COPY_TEXT(try->provider, attempt->key.provider->shown);
    COPY_TEXT(try->fingerprint, attempt->key.credential->fingerprint);
    memcpy(x->record.provider, try->provider, sizeof try->provider);
    memcpy(x->record.fingerprint, try->fingerprint, sizeof try->fingerprint);
    x->tried[x->tried_count++] = try->fingerprint;
}

/* Hermes pointed at the relay, and the relay at Hermes's provider. */
static bool is_this_relay(const struct exchange *x, const struct hermes_credential *key)
{
    struct url url;
    const char *address = x->relay->address;
    return url_split(key->base_url, &url) && strlen(address) == url.authority.len &&
           strncmp(url.authority.text, address, url.authority.len) == 0;
}

struct hermes_use ask_use(const struct exchange *x)
{
    return (struct hermes_use){x->use_model[0] != '\0' ? x->use_model : NULL, x->use_endpoint};
}

/* With KEY, which is ATTEMPT's from now on. */
static int ask_with(struct exchange *x, struct attempt *attempt, const struct hermes_attempt *key)
{
    attempt->key = *key;
    note_try(x, attempt);
    int error = is_this_relay(x, key->credential) ? -ELOOP : send_attempt(x, attempt);
    if (error != 0) {
        ask_give(attempt);
        return error;
    }
    x->now = attempt;
    return 0;
}

int ask_again(struct exchange *x, const struct attempt *attempt)
{
    struct hermes_attempt key = attempt->key;
    struct attempt *again = x->record.try_count < ASK_TRIES ? exchange_take_attempt(x) : NULL;
    if (again == NULL)
        return -ENOMEM;
    (void)hermes_view_ref(key.view);
    return ask_with(x, again, &key);
}

struct attempt *ask_beside(struct exchange *x, const char *provider)
{
    struct hermes_attempt key;
    const struct hermes_use use = {.endpoint = x->use_endpoint};
    if (hermes_acquire_for(reader(x), provider, &use, NULL, 0, &key) != 0)
        return NULL;
    struct attempt *attempt = exchange_take_attempt(x);
    if (attempt == NULL) {
        hermes_release(reader(x), &key);
        return NULL;
    }
    attempt->key = key;
    if (!is_this_relay(x, key.credential) && send_attempt(x, attempt) == 0)
        return attempt;
    ask_give(attempt);
    return NULL;
}

/* The key that x->owner names, and no other. */
static int acquire_owner(struct exchange *x, const struct hermes_use *use, struct hermes_attempt *ret)
{
    const char *others[KEYS_MAX];
    size_t count = 0;
    bool there = false;
    const struct hermes_view *view = hermes_hold(reader(x));
    const struct hermes_provider *provider = hermes_provider(view, x->asking.provider);
    for (size_t i = 0; provider != NULL && i < provider->credential_count; i++) {
        bool owner = strcmp(provider->credentials[i].fingerprint, x->owner) == 0;
        there = there || owner;
        if (!owner && count < KEYS_MAX)
            others[count++] = provider->credentials[i].fingerprint;
    }
    int error = provider == NULL     ? HERMES_NO_PROVIDER
                : !there             ? -EKEYREVOKED
                : x->tried_count > 0 ? HERMES_EXHAUSTED
                                     : hermes_acquire_for(reader(x), x->asking.provider, use, others, count, ret);
    hermes_view_unref(view);
    return error;
}

/* One key of the provider of now. 0, or what hermes_acquire says. */
static int ask_one(struct exchange *x)
{
    struct hermes_attempt key;
    const struct hermes_use use = ask_use(x);
    int error = x->owner[0] != '\0'
                    ? acquire_owner(x, &use, &key)
                    : hermes_acquire_for(reader(x), x->asking.provider, &use, x->tried, x->tried_count, &key);
    if (error != 0)
        return error;
    struct attempt *attempt = exchange_take_attempt(x);
    if (attempt == NULL) {
        hermes_release(reader(x), &key);
        return -ENOMEM;
    }
    if (x->lists)
        attempt->limit = LIST_LIMIT;
    return ask_with(x, attempt, &key);
}

/* The next fallback that the configuration names; it has its own model, so there must be one to replace. */
static bool turn_to_fallback(struct exchange *x)
{
    const struct hermes_view *view = hermes_hold(reader(x));
    struct target target;
    bool found = !x->streaming && x->owner[0] == '\0' && x->model.end > x->model.start &&
                 route_fallback(view, x->fallback, &target);
    hermes_view_unref(view);
    if (!found)
        return false;
    x->fallback++;
    x->asking = target;
    x->tried_count = 0;
    memcpy(x->use_model, target.model, sizeof x->use_model);
    bytes_clear(&x->fallback_body);
    return model_replace(bytes_at(&x->body), bytes_len(&x->body), x->model, target.model, &x->fallback_body);
}

int ask_next(struct exchange *x, bool same)
{
    int error = HERMES_EXHAUSTED;
    if (x->record.try_count > 0 && x->streaming)
        return error;
    while (x->record.try_count < ASK_TRIES && clock_monotonic_us() - x->asked_us < ASK_MS * 1000LL) {
        if (same) {
            int result = ask_one(x);
            if (result == 0)
                return 0;
            error = x->fallback == 0 ? result : error;
        }
        if (!turn_to_fallback(x))
            break;
        same = true;
    }
    return error;
}

/* --- Whom --- */

/* A name of the configuration's for a model of some provider. */
static int choose_alias(struct exchange *x, const struct hermes_view *view, const struct hermes_model_alias *alias)
{
    const struct hermes_provider *provider = hermes_provider(view, alias->provider);
    COPY_TEXT(x->first_provider, provider != NULL ? provider->id : alias->provider);
    memcpy(x->asking.provider, x->first_provider, sizeof x->asking.provider);
    if (!body_set_model(x, alias->model))
        return -ENOMEM;
    return provider == NULL ? HERMES_NO_PROVIDER : 0;
}

/* The provider's own library repeats the path of the base URL, as in `/openai/v1`, without knowing of a provider. */
static bool names_provider(struct exchange *x, const struct hermes_view *view)
{
    const char *usual = hermes_default_provider(view);
    struct route route = x->route;
    if (route.provider[0] == '\0' || hermes_provider(view, route.provider) != NULL)
        return route.provider[0] != '\0';
    route_unname(&route, bytes_at(&x->target));
    const struct hermes_provider *found =
        route_by_path(view, &route, usual == NULL ? NULL : hermes_provider(view, usual));
    if (found == NULL || route_fits(found->base_url, found->auth, &route) != 0)
        return true;
    x->route = route;
    return false;
}

static int choose(struct exchange *x, const struct hermes_view *view)
{
    bool in_path = names_provider(x, view);
    const char *name = in_path ? x->route.provider : hermes_default_provider(view);
    const struct hermes_model_alias *alias = in_path ? NULL : route_alias(view, x->use_model);
    if (alias != NULL)
        return choose_alias(x, view, alias);
    const struct hermes_provider *provider = name == NULL ? NULL : hermes_provider(view, name);
    size_t cut = 0;
    if (!in_path) {
        const struct hermes_provider *named = route_by_model(view, x->use_model, strlen(x->use_model), &cut);
        provider = named != NULL ? named : route_by_path(view, &x->route, route_by_dialect(view, x->dialect, provider));
    }
    COPY_TEXT(x->first_provider, provider != NULL ? provider->id : name != NULL ? name : "by default");
    memcpy(x->asking.provider, x->first_provider, sizeof x->asking.provider);
    if (cut > 0 && !body_cut_model(x, cut))
        return -ENOMEM;
    return provider == NULL ? HERMES_NO_PROVIDER : 0;
}

/* What the keys are wanted for. Of a path the beginning counts: what follows may be an id. */
static void note_use(struct exchange *x)
{
    size_t len;
    const char *path = route_path(&x->route, &len);
    size_t first = len == 0 ? 0 : 1 + strcspn(path + 1, "/?");
    size_t second = first >= len || x->harmless ? first : first + 1 + strcspn(path + first + 1, "/?");
    size_t method = strlen(x->record.method);
    _Static_assert(sizeof x->use_endpoint > sizeof x->record.method + 1, "the method has room");
    memcpy(x->use_endpoint, x->record.method, method);
    x->use_endpoint[method++] = ' ';
    copy_text(x->use_endpoint + method, sizeof x->use_endpoint - method, path, second < len ? second : len);
}

int ask_first(struct exchange *x)
{
    x->asked_us = clock_monotonic_us();
    const struct hermes_view *view = hermes_hold(reader(x));
    int error = choose(x, view);
    hermes_view_unref(view);
    note_use(x);
    lives_look(x);
    return error != 0 ? error : ask_next(x, true);
}
