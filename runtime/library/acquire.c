/* Which key goes out next, and what became of the last one. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "acquire.h"
#include "bell.h"
#include "classify.h"
#include "clock.h"
#include "handle.h"
#include "strategy.h"
#include "view.h"

#define ONLY_KEY_RESTS 60.0 /* as in Hermes since 0.20.1 */

static const double look_every = 0.02; /* seconds between two looks at the files behind cooldowns */

/* The caller holds `lock`. CREATE: what is missing is made. */
static void look(struct hermes *hermes, double now, bool create)
{
    bool lately = now >= hermes->looked && now - hermes->looked < look_every;
    if (lately && (!create || hermes->creating))
        return;
    hermes->looked = now;
    hermes->creating = create;
    if (!pool_memory_look(&hermes->pool))
        hermes->looked = 0;
    bookings_look(&hermes->bookings, create, now);
    if (hermes->inherited.path != NULL)
        bookings_look(&hermes->inherited, false, now);
}

/* What is known of a key, or of a part of what it may be asked: a profile's own word, or its root's when that says
 * more. */
static struct booking booked(const struct hermes *hermes, const struct bookings_id *id)
{
    struct booking booking = bookings_get(&hermes->bookings, id);
    const struct booking inherited = bookings_get(&hermes->inherited, id);
    if (inherited.until > booking.until) {
        booking.verdict = inherited.verdict;
        booking.status = inherited.status;
        booking.rule = inherited.rule;
        booking.until = inherited.until;
    }
    return booking;
}

static struct hermes_key_state state_in(const struct booking *booking)
{
    return (struct hermes_key_state){.verdict = booking->verdict,
                                     .until = booking->until,
                                     .rule = classify_rule_name(booking->rule),
                                     .status = booking->status,
                                     .requests = booking->requests,
                                     .last_used = (double)booking->last_used / 1000};
}

/* What the bookings say, or the pool when it says more. */
static struct hermes_key_state state_of(struct hermes *hermes, const char *provider, const char *fingerprint)
{
    int status = 0;
    struct bookings_id id = bookings_id(provider, fingerprint);
    struct booking booking = fingerprint == NULL ? bookings_get(&hermes->bookings, &id) : booked(hermes, &id);
    struct hermes_key_state state = state_in(&booking);
    double until = fingerprint == NULL ? 0 : pool_memory_until(&hermes->pool, provider, fingerprint, &status);
    if (until > state.until) {
        state.verdict = isinf(until) ? HERMES_KEY_DEAD : HERMES_KEY_COOLING;
        state.until = until;
        state.rule = "pool";
        state.status = status;
    }
    return state;
}

/* The same of what the key is wanted for. */
static struct hermes_key_state state_for(struct hermes *hermes, const char *provider, const char *fingerprint,
                                         const struct hermes_use *use)
{
    struct hermes_key_state state = state_of(hermes, provider, fingerprint);
    const struct {
        enum hermes_scope scope;
        const char *part;
    } parts[] = {{HERMES_SCOPE_MODEL, use == NULL ? NULL : use->model},
                 {HERMES_SCOPE_ENDPOINT, use == NULL ? NULL : use->endpoint}};
    struct bookings_id whole = bookings_id(provider, fingerprint);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (parts[i].part == NULL)
            continue;
        struct bookings_id id = bookings_id_of(&whole, parts[i].scope, parts[i].part);
        struct booking booking = booked(hermes, &id);
        if (booking.until > state.until)
            state = state_in(&booking);
    }
    return state;
}

/* --- Strategies --- */

/* xorshift64*: which key it is need not be a secret. */
static uint64_t chance(struct hermes *hermes)
{
    uint64_t x = hermes->chance != 0 ? hermes->chance : 1;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    hermes->chance = x;
    return x * 0x2545f4914f6cdd1d;
}

static enum strategy strategy_of(const char *name)
{
    enum strategy found = strategy_find(name, strlen(name));
    return found == STRATEGIES ? STRATEGY_FILL_FIRST : found; /* as Hermes takes a name that it does not know */
}

/* The key with the lowest rank goes out; of equal ones the first. */
static uint64_t rank(struct hermes *hermes, enum strategy strategy, const char *provider, const char *fingerprint)
{
    struct bookings_id id = bookings_id(provider, fingerprint);
    switch (strategy) {
    case STRATEGY_ROUND_ROBIN: /* Hermes moves the key it picks to the end: the one that waits longest comes first */
        return bookings_get(&hermes->bookings, &id).turn;
    case STRATEGY_LEAST_USED:
        return bookings_get(&hermes->bookings, &id).requests;
    case STRATEGY_RANDOM:
        return chance(hermes);
    default:
        return 0;
    }
}

static bool skipped(const char *fingerprint, const char *const *skip, size_t skip_count)
{
    for (size_t i = 0; i < skip_count; i++)
        if (strcmp(skip[i], fingerprint) == 0)
            return true;
    return false;
}

/* The index of the key that goes out; HERMES_NO_KEY or HERMES_EXHAUSTED. */
static long choose(struct hermes *hermes, const struct hermes_provider *provider, const struct hermes_use *use,
                   const char *const *skip, size_t skip_count, double now)
{
    enum strategy strategy = strategy_of(provider->strategy);
    long best = HERMES_NO_KEY;
    uint64_t best_rank = 0;
    for (size_t i = 0; i < provider->credential_count; i++) {
        const struct hermes_credential *credential = &provider->credentials[i];
        if (best < 0)
            best = HERMES_EXHAUSTED;
        if (skipped(credential->fingerprint, skip, skip_count) ||
            state_for(hermes, provider->id, credential->fingerprint, use).until > now)
            continue;
        if (strategy == STRATEGY_FILL_FIRST)
            return (long)i;
        uint64_t mine = rank(hermes, strategy, provider->id, credential->fingerprint);
        if (best < 0 || mine < best_rank) {
            best = (long)i;
            best_rank = mine;
        }
    }
    return best;
}

static const struct hermes_provider *provider_of(const struct hermes *hermes, const char *name)
{
    const char *wanted = name != NULL ? name : hermes_default_provider(hermes->view);
    return wanted == NULL ? NULL : hermes_provider(hermes->view, wanted);
}

/* --- The public side --- */

int hermes_acquire(struct hermes *hermes, const char *provider, const char *const *skip, size_t skip_count,
                   struct hermes_attempt *ret)
{
    return hermes_acquire_for(hermes, provider, NULL, skip, skip_count, ret);
}

int hermes_acquire_for(struct hermes *hermes, const char *provider, const struct hermes_use *use,
                       const char *const *skip, size_t skip_count, struct hermes_attempt *ret)
{
    double now = clock_wall();
    (void)pthread_mutex_lock(&hermes->lock);
    look(hermes, now, true);
    const struct hermes_provider *found = provider_of(hermes, provider);
    long index = found == NULL ? HERMES_NO_PROVIDER : choose(hermes, found, use, skip, skip_count, now);
    if (index >= 0) {
        const struct hermes_credential *credential = &found->credentials[index];
        struct bookings_id id = bookings_id(found->id, credential->fingerprint);
        bookings_count(&hermes->bookings, &id, now);
        *ret = (struct hermes_attempt){.view = hermes_view_ref(hermes->view),
                                       .provider = found,
                                       .credential = credential,
                                       .generation = hermes_generation(hermes->view),
                                       .use = use != NULL ? *use : (struct hermes_use){0}};
    }
    (void)pthread_mutex_unlock(&hermes->lock);
    return index >= 0 ? 0 : (int)index;
}

void hermes_release(struct hermes *hermes, struct hermes_attempt *attempt)
{
    (void)hermes;
    hermes_view_unref(attempt->view);
    *attempt = (struct hermes_attempt){0};
}

const char *hermes_next(struct hermes *hermes, const char *provider)
{
    double now = clock_wall();
    (void)pthread_mutex_lock(&hermes->lock);
    look(hermes, now, false);
    const struct hermes_provider *found = provider_of(hermes, provider);
    long index = found == NULL ? HERMES_NO_PROVIDER : choose(hermes, found, NULL, NULL, 0, now);
    const char *fingerprint = index < 0 ? NULL : found->credentials[index].fingerprint;
    (void)pthread_mutex_unlock(&hermes->lock);
    return fingerprint;
}

struct hermes_key_state acquire_earliest(struct hermes *hermes, const char *provider, const struct hermes_use *use)
{
    struct hermes_key_state earliest = {.until = INFINITY, .rule = ""};
    bool any = false;
    double now = clock_wall();
    (void)pthread_mutex_lock(&hermes->lock);
    look(hermes, now, false);
    const struct hermes_provider *found = provider_of(hermes, provider);
    for (size_t i = 0; found != NULL && i < found->credential_count; i++) {
        const struct hermes_credential *credential = &found->credentials[i];
        struct hermes_key_state state = state_for(hermes, found->id, credential->fingerprint, use);
        if (any && state.until >= earliest.until)
            continue;
        earliest = state;
        any = true;
    }
    (void)pthread_mutex_unlock(&hermes->lock);
    if (earliest.until <= now)
        earliest.until = 0;
    return earliest;
}

double hermes_earliest(struct hermes *hermes, const char *provider)
{
    return acquire_earliest(hermes, provider, NULL).until;
}

/* A provider that answers is not out, whatever was booked. */
static void answered(struct hermes *hermes, const char *provider, double now)
{
    struct bookings_id id = bookings_id(provider, NULL);
    struct booking good = {.verdict = HERMES_KEY_GOOD};
    struct booking known = bookings_get(&hermes->bookings, &id);
    if (known.verdict == HERMES_PROVIDER_OUT && known.until > now)
        (void)bookings_put(&hermes->bookings, &id, &good);
}

/* Hermes counts a provider's keys that are not dead. */
static bool is_only_key(struct hermes *hermes, const struct hermes_provider *provider)
{
    size_t count = 0;
    (void)pthread_mutex_lock(&hermes->lock);
    look(hermes, clock_wall(), false);
    for (size_t i = 0; i < provider->credential_count && count < 2; i++) {
        const struct hermes_credential *credential = &provider->credentials[i];
        count += state_of(hermes, provider->id, credential->fingerprint).verdict != HERMES_KEY_DEAD;
    }
    (void)pthread_mutex_unlock(&hermes->lock);
    return count < 2;
}

double acquire_until(struct hermes *hermes, const struct hermes_attempt *attempt,
                     const struct hermes_judgement *judgement, double now)
{
    char path[64];
    size_t len;
    char *end;
    if (judgement->given || judgement->verdict != HERMES_KEY_COOLING || judgement->scope == HERMES_SCOPE_REQUEST)
        return judgement->until;
    (void)snprintf(path, sizeof path, "hermes_watch.cooldown_%d", judgement->status);
    const char *value = hermes_config(attempt->view, path, &len);
    long seconds = value == NULL ? 0 : strtol(value, &end, 10);
    if (seconds > 0 && seconds <= 31 * 86400 && end == value + len)
        return now + (double)seconds;
    if (judgement->until > now + ONLY_KEY_RESTS && classify_rule_spares_only_key(judgement->rule) &&
        is_only_key(hermes, attempt->provider))
        return now + ONLY_KEY_RESTS;
    return judgement->until;
}

/* The slot that JUDGEMENT goes to; one of a part when the part is known. */
static struct bookings_id slot_of(const struct hermes_attempt *attempt, const struct hermes_judgement *judgement)
{
    bool key = judgement->verdict == HERMES_KEY_COOLING || judgement->verdict == HERMES_KEY_DEAD;
    struct bookings_id id = bookings_id(attempt->provider->id, key ? attempt->credential->fingerprint : NULL);
    const char *part = judgement->scope == HERMES_SCOPE_MODEL      ? attempt->use.model
                       : judgement->scope == HERMES_SCOPE_ENDPOINT ? attempt->use.endpoint
                                                                   : NULL;
    return key && part != NULL ? bookings_id_of(&id, judgement->scope, part) : id;
}

int hermes_report(struct hermes *hermes, const struct hermes_attempt *attempt, const struct hermes_judgement *judgement)
{
    int error = 0;
    double now = clock_wall();
    bool good = judgement->verdict == HERMES_KEY_GOOD;
    if (judgement->verdict == HERMES_REQUEST_WRONG || judgement->scope == HERMES_SCOPE_REQUEST)
        return 0;
    struct bookings_id id = slot_of(attempt, judgement);
    struct booking booking = {.verdict = judgement->verdict,
                              .status = judgement->status,
                              .rule = good ? 0 : classify_rule_number(judgement->rule),
                              .until = good ? 0 : acquire_until(hermes, attempt, judgement, now)};
    (void)pthread_mutex_lock(&hermes->lock);
    look(hermes, now, true);
    if (good)
        answered(hermes, attempt->provider->id, now);
    else
        error = bookings_put(&hermes->bookings, &id, &booking);
    (void)pthread_mutex_unlock(&hermes->lock);
    if (judgement->verdict != HERMES_KEY_GOOD)
        bell_ring(hermes->bell_path);
    return error;
}

int hermes_key_state(struct hermes *hermes, const char *provider, const char *fingerprint, struct hermes_key_state *ret)
{
    double now = clock_wall();
    (void)pthread_mutex_lock(&hermes->lock);
    look(hermes, now, false);
    const struct hermes_provider *found = provider_of(hermes, provider);
    if (found != NULL) {
        *ret = state_of(hermes, found->id, fingerprint);
        if (ret->until <= now) {
            ret->verdict = HERMES_KEY_GOOD;
            ret->until = 0;
        }
    }
    (void)pthread_mutex_unlock(&hermes->lock);
    return found == NULL ? HERMES_NO_PROVIDER : 0;
}
