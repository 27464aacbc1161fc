#include "simulate.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "acquire.h"
#include "clock.h"
#include "hermes_runtime.h"
#include "route.h"

enum { SERVED = 0, NOBODY = 1, WRONG = 2, NO_SNAPSHOT = 4, ANSWERS_MAX = 64, BEGINNING_MIN = 4 };

struct simulated {
    char key[96];
    int status;
    long seconds; /* of its Retry-After; -1: none */
    bool meant;   /* some key */
};

struct simulation {
    struct hermes *hermes;
    const struct hermes_view *view;
    struct simulated answers[ANSWERS_MAX];
    size_t count;
    double now;
};

static bool parse_one(const char *text, size_t len, struct simulated *ret)
{
    struct simulated s = {.seconds = -1};
    char number[32];
    char *end;
    const char *equals = memchr(text, '=', len);
    if (equals == NULL || equals == text || (size_t)(equals - text) >= sizeof s.key ||
        len - (size_t)(equals - text) > sizeof number)
        return false;
    memcpy(s.key, text, (size_t)(equals - text));
    (void)snprintf(number, sizeof number, "%.*s", (int)(len - (size_t)(equals - text) - 1), equals + 1);
    s.status = (int)strtol(number, &end, 10);
    if (*end == ':')
        s.seconds = strtol(end + 1, &end, 10);
    *ret = s;
    return *end == '\0' && s.status >= 100 && s.status <= 599;
}

static bool parse(struct simulation *s, const char *what)
{
    for (what += strspn(what, " \t\n"); *what != '\0'; what += strspn(what, " \t\n")) {
        size_t len = strcspn(what, " \t\n");
        if (s->count == ANSWERS_MAX || !parse_one(what, len, &s->answers[s->count]))
            return false;
        s->count++;
        what += len;
    }
    return true;
}

static bool means(const char *name, const struct hermes_credential *key)
{
    const char *hex = strncmp(name, "sha256:", 7) == 0 ? name + 7 : name;
    if (strlen(hex) >= BEGINNING_MIN && strncmp(key->fingerprint + 7, hex, strlen(hex)) == 0)
        return true;
    if (strcmp(key->label, name) == 0)
        return true;
    for (size_t i = 0; i < key->origin_count; i++)
        if (strcmp(key->origins[i].key, name) == 0)
            return true;
    return false;
}

static const struct simulated *answer_for(struct simulation *s, const struct hermes_credential *key)
{
    for (size_t i = 0; i < s->count; i++)
        if (means(s->answers[i].key, key))
            return &s->answers[i];
    return NULL;
}

/* False: a name in the simulation means no key. */
static bool all_meant(struct simulation *s)
{
    for (size_t p = 0; p < hermes_provider_count(s->view); p++) {
        const struct hermes_provider *provider = hermes_provider_at(s->view, p);
        for (size_t k = 0; k < provider->credential_count; k++)
            for (size_t i = 0; i < s->count; i++)
                s->answers[i].meant |= means(s->answers[i].key, &provider->credentials[k]);
    }
    for (size_t i = 0; i < s->count; i++)
        if (!s->answers[i].meant) {
            /* not repeated: somebody may have put the key itself there */
            (void)fprintf(
                stderr,
                "hermes-relay: answer %zu matches no key of the snapshot; name it by its fingerprint or by where "
                "it comes from, as hermes-compile --status shows them\n",
                i + 1);
            return false;
        }
    return true;
}

static struct hermes_judgement judge(struct simulation *s, const struct hermes_provider *provider,
                                     const struct hermes_credential *key)
{
    const struct simulated *answer = answer_for(s, key);
    struct hermes_key_state state = {0};
    char headers[64] = "";
    if (answer == NULL) {
        (void)hermes_key_state(s->hermes, provider->id, key->fingerprint, &state);
        return (struct hermes_judgement){.verdict = state.verdict, .until = state.until, .rule = state.rule};
    }
    if (answer->seconds >= 0)
        (void)snprintf(headers, sizeof headers, "Retry-After: %ld\r\n", answer->seconds);
    struct hermes_answer given = {.status = answer->status, .headers = headers, .headers_len = strlen(headers)};
    struct hermes_judgement judgement = hermes_classify(&given, s->now);
    const struct hermes_attempt attempt = {.view = s->view, .provider = provider, .credential = key};
    judgement.until = acquire_until(s->hermes, &attempt, &judgement, s->now);
    return judgement;
}

static void show(const struct simulation *s, const struct hermes_provider *provider,
                 const struct hermes_credential *key, const struct hermes_judgement *judgement)
{
    char words[128];
    if (judgement->verdict == HERMES_KEY_GOOD || judgement->verdict == HERMES_REQUEST_WRONG)
        (void)snprintf(words, sizeof words, "serves");
    else if (judgement->verdict == HERMES_KEY_DEAD)
        (void)snprintf(words, sizeof words, "dead until it is replaced (%s)", judgement->rule);
    else
        (void)snprintf(words, sizeof words, "%s for %.0f s (%s)",
                       judgement->verdict == HERMES_PROVIDER_OUT ? "its provider has an outage" : "cooling",
                       fmax(0, judgement->until - s->now), judgement->rule);
    (void)printf("%s %s %s: %s\n", provider->shown, key->fingerprint,
                 key->origin_count > 0 ? key->origins[0].key : key->label, words);
}

/* True: a key of it serves. */
static bool walk(struct simulation *s, const struct hermes_provider *provider)
{
    for (size_t i = 0; i < provider->credential_count; i++) {
        const struct hermes_credential *key = &provider->credentials[i];
        struct hermes_judgement judgement = judge(s, provider, key);
        show(s, provider, key, &judgement);
        if (judgement.verdict == HERMES_KEY_GOOD || judgement.verdict == HERMES_REQUEST_WRONG)
            return true;
        if (judgement.verdict == HERMES_PROVIDER_OUT)
            return false;
    }
    return false;
}

static int run(struct simulation *s)
{
    const char *first = hermes_default_provider(s->view);
    const struct hermes_provider *provider = first == NULL ? NULL : hermes_provider(s->view, first);
    struct target target;
    if (!all_meant(s))
        return WRONG;
    if (provider != NULL && walk(s, provider))
        return SERVED;
    for (size_t i = 0; route_fallback(s->view, i, &target); i++) {
        provider = hermes_provider(s->view, target.provider);
        if (provider != NULL && walk(s, provider))
            return SERVED;
    }
    (void)puts("nobody serves");
    return NOBODY;
}

int simulate(const char *home, const char *what)
{
    struct simulation s = {.now = clock_wall()};
    if (!parse(&s, what)) {
        (void)fprintf(stderr, "hermes-relay: --simulate takes 'KEY=STATUS[:SECONDS] ...'\n");
        return WRONG;
    }
    int error = hermes_open(home, &s.hermes);
    if (error != 0) {
        (void)fprintf(stderr, "hermes-relay: %s\n", hermes_strerror(error));
        return NO_SNAPSHOT;
    }
    s.view = hermes_hold(s.hermes);
    int status = run(&s);
    hermes_view_unref(s.view);
    hermes_close(s.hermes);
    return status;
}
