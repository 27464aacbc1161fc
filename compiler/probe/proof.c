#include "proof.h"

#include <stdlib.h>
#include <string.h>

#include "clock.h"

#define GOOD_FOR_US (300 * 1000000LL)
enum { MOST = 256 };

struct proof {
    struct fingerprint key;
    struct digest where; /* provider and base URL: another URL is another question */
    struct probe answer; /* its state, status, rule and error; the texts are ours, the rest is not used */
    long long learned;   /* clock_monotonic_us */
};

static struct digest where_of(struct arena *arena, const char *provider, const char *base_url)
{
    const char *both = arena_printf(arena, "%s\n%s", provider, base_url);
    return fingerprint_digest(both, strlen(both));
}

static void forget(struct proof *proof)
{
    free((char *)proof->answer.rule);
    free((char *)proof->answer.error);
}

void proofs_finish(struct proofs *proofs)
{
    for (size_t i = 0; i < proofs->count; i++)
        forget(&proofs->items[i]);
    free(proofs->items);
    *proofs = (struct proofs){0};
}

static void forget_old(struct proofs *proofs)
{
    size_t kept = 0;
    for (size_t i = 0; i < proofs->count; i++)
        if (clock_monotonic_us() - proofs->items[i].learned < GOOD_FOR_US)
            proofs->items[kept++] = proofs->items[i];
        else
            forget(&proofs->items[i]);
    proofs->count = kept;
}

static const struct proof *find(const struct proofs *proofs, const struct digest *where, const struct fingerprint *key)
{
    for (size_t i = proofs->count; i > 0; i--) { /* the latest one counts */
        const struct proof *proof = &proofs->items[i - 1];
        if (strcmp(proof->where.text, where->text) == 0 && strcmp(proof->key.text, key->text) == 0 &&
            clock_monotonic_us() - proof->learned < GOOD_FOR_US)
            return proof;
    }
    return NULL;
}

void proofs_learn(struct proofs *proofs, const struct probes *answered)
{
    forget_old(proofs);
    if (proofs->count + answered->count > MOST)
        proofs_finish(proofs);
    struct proof *items = realloc(proofs->items, (proofs->count + answered->count + 1) * sizeof *items);
    if (items == NULL)
        return;
    proofs->items = items;
    for (size_t i = 0; i < answered->count; i++) {
        const struct probe *probe = &answered->items[i];
        items[proofs->count++] = (struct proof){
            .key = probe->fingerprint,
            .where = where_of(answered->arena, probe->provider, probe->base_url),
            .answer = {.state = probe->state,
                       .status = probe->status,
                       .rule = probe->rule == NULL ? NULL : strdup(probe->rule),
                       .error = probe->error == NULL ? NULL : strdup(probe->error)},
            .learned = clock_monotonic_us(),
        };
    }
}

static bool has_key(const struct hermes_provider *provider, const struct fingerprint *key)
{
    for (size_t i = 0; i < provider->credential_count; i++)
        if (strcmp(provider->credentials[i].fingerprint, key->text) == 0)
            return true;
    return false;
}

static void say(struct diagnostics *list, const struct provider *provider, const struct credential *credential,
                const struct probe *answer)
{
    struct place place = credential->origins[0].place;
    const char *name = provider->row != NULL ? provider->row->name : "the provider";
    const char *words = probe_words(list->arena, answer);
    if (answer->state == PROBE_REFUSED) {
        struct diagnostic *d = diagnostic_add(
            list, CODE_KEY_REFUSED, place, "%s refuses this key: %s; the previous version stays active", name, words);
        diagnostic_note(list, d, "hermes_watch.require_probe requires a test of each changed key");
        diagnostic_help(list, d, "enter a key that works; hermes-compile --probe asks again");
    } else if (answer->state != PROBE_WORKS) {
        struct diagnostic *d =
            diagnostic_add(list, CODE_KEY_UNPROVEN, place,
                           "it is not known whether %s accepts this key: %s; the key is used", name, words);
        diagnostic_help(list, d, "hermes-compile --probe asks again");
    }
}

/* A manual entry of auth.json is Hermes's, and in use already. */
static bool is_new(const struct credential *credential, const struct hermes_provider *before)
{
    return credential->rank != RANK_POOL && !has_key(before, &credential->fingerprint);
}

static void check_provider(const struct proofs *proofs, const struct provider *provider,
                           const struct hermes_provider *before, struct probes *unproven, struct diagnostics *list)
{
    for (size_t k = 0; k < provider->credential_count; k++) {
        const struct credential *credential = &provider->credentials[k];
        if (!is_new(credential, before))
            continue;
        struct digest where = where_of(unproven->arena, provider->id, provider_credential_url(provider, credential));
        const struct proof *proof = find(proofs, &where, &credential->fingerprint);
        if (proof == NULL)
            probes_add(unproven, provider, credential);
        else
            say(list, provider, credential, &proof->answer);
    }
}

struct probes proofs_check(const struct proofs *proofs, const struct providers *providers,
                           const struct hermes_view *previous, struct diagnostics *diagnostics)
{
    struct probes unproven = {.arena = diagnostics->arena};
    for (size_t i = 0; previous != NULL && i < providers->count; i++) {
        const struct hermes_provider *before = hermes_provider(previous, providers->items[i]->id);
        if (before != NULL && before->credential_count > 0)
            check_provider(proofs, providers->items[i], before, &unproven, diagnostics);
    }
    return unproven;
}
