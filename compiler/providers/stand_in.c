#include "stand_in.h"

#include <string.h>

#include "endpoint.h"
#include "shown.h"
#include "source.h"

static const struct credential *no_key(struct resolver *r, const struct provider *provider)
{
    static const char word[] = "no-key-required";
    struct credential *credential = arena_alloc(r->arena, sizeof *credential);
    struct origin *origin = arena_alloc(r->arena, sizeof *origin);
    *origin = provider->url;
    *credential = (struct credential){.id = fingerprint_credential_id(provider->id, word, sizeof word - 1),
                                      .fingerprint = fingerprint_of(word, sizeof word - 1),
                                      .rank = RANK_CONFIG,
                                      .origin_count = 1,
                                      .origins = origin,
                                      .secret = word,
                                      .label = "no key"};
    return credential;
}

static void say(struct resolver *r, const struct provider *provider, const struct source *root)
{
    struct diagnostic *d =
        diagnostic_add(r->diagnostics, CODE_ROOT_POOL_HIDDEN, provider->url.place,
                       "%s has another URL here than in the home above: the key that %s has for it does not go there",
                       shown_name(r->arena, provider->id), root->label);
    diagnostic_help(r->diagnostics, d, "put a key for this URL into the profile's .env");
}

/* Hermes alone sends it, too. */
static void say_sent(struct resolver *r, struct draft *draft, const struct source *root)
{
    if (draft->lent_elsewhere)
        return;
    draft->lent_elsewhere = true;
    struct diagnostic *d =
        diagnostic_add(r->diagnostics, CODE_FOREIGN_URL, draft->provider.url.place,
                       "Hermes sends the key that %s has for %s to this URL, which is not the one beside that key",
                       root->label, shown_name(r->arena, draft->provider.id));
    diagnostic_help(r->diagnostics, d, "put a key for this URL into the profile's .env");
}

bool stand_in_for(struct resolver *r, const struct pool_view_entry *entry)
{
    struct draft *draft = entry->root == NULL || entry->secret == NULL ? NULL : draft_find(r, entry->provider);
    struct provider *provider = draft == NULL ? NULL : &draft->provider;
    if (provider == NULL || provider->row != NULL || provider->url.key == NULL || entry->base_url == NULL ||
        *entry->base_url == '\0' || strcmp(endpoint_trimmed(r->arena, entry->base_url), provider->base_url) == 0)
        return false;
    if (!entry->ours) {
        say_sent(r, draft, entry->root);
    } else if (provider->stand_in == NULL && !pool_view_has_others_key(r->in->pool, provider->id)) {
        provider->stand_in = no_key(r, provider);
        say(r, provider, entry->root);
    }
    return true;
}
