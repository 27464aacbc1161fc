#include "draft.h"

#include <string.h>

#include "learned_keys.h"
#include "source.h"
#include "endpoint.h"

struct draft *draft_of(struct provider *provider)
{
    return (struct draft *)provider;
}

struct draft *draft_find(struct resolver *r, const char *id)
{
    const uint32_t *index = name_table_get(&r->ids, id);
    return index == NULL ? NULL : draft_of(r->providers[*index]);
}

struct draft *draft_for(struct resolver *r, const char *id, const struct provider_row *row)
{
    struct draft *draft = draft_find(r, id);
    if (draft != NULL)
        return draft;
    draft = arena_alloc(r->arena, sizeof *draft);
    draft->provider = (struct provider){
        .id = id,
        .row = row,
        .name = row != NULL ? row->name : id,
        .base_url = row != NULL ? row->base_url : "",
        .auth = row != NULL ? row->header : "bearer",
        .projected = row == NULL || row->auth == PROVIDER_API_KEY,
    };
    ARENA_GROW(r->arena, r->providers, r->capacity, r->count + 1);
    name_table_put(r->arena, &r->ids, id, r->count);
    r->providers[r->count++] = &draft->provider;
    return draft;
}

const char *draft_table_url(const struct resolver *r, const struct provider_row *row)
{
    const struct binding *binding =
        row->base_url_env == NULL ? NULL : environment_get(r->in->environment, row->base_url_env);
    const char *url = binding == NULL ? "" : endpoint_trimmed(r->arena, binding->value);
    return *url != '\0' ? url : row->base_url;
}

void draft_add_seed(struct resolver *r, struct draft *draft, struct seed seed)
{
    struct provider *provider = &draft->provider;
    provider->seeds = arena_extend(r->arena, provider->seeds, provider->seed_count, sizeof *provider->seeds);
    provider->seeds[provider->seed_count++] = seed;
}

static struct credential *add_credential(struct resolver *r, struct draft *draft)
{
    struct provider *provider = &draft->provider;
    provider->credentials =
        arena_extend(r->arena, provider->credentials, provider->credential_count, sizeof *provider->credentials);
    return &provider->credentials[provider->credential_count++];
}

void draft_add_origin(struct resolver *r, struct credential *credential, struct place place, const char *key)
{
    credential->origins =
        arena_extend(r->arena, credential->origins, credential->origin_count, sizeof *credential->origins);
    credential->origins[credential->origin_count++] = (struct origin){place, key};
}

enum { FEW = 16 };

static void index_key(struct resolver *r, struct draft *draft, size_t index)
{
    const char *fingerprint = draft->provider.credentials[index].fingerprint.text;
    if (draft->keys == NULL)
        draft->keys = arena_alloc(r->arena, sizeof *draft->keys);
    name_table_put(r->arena, draft->keys, arena_strdup(r->arena, fingerprint), index);
}

/* The credential of that key, or NULL. */
struct credential *draft_find_key(struct draft *draft, const struct fingerprint *fingerprint)
{
    struct provider *provider = &draft->provider;
    if (provider->credential_count > FEW) {
        const uint32_t *index = name_table_get(draft->keys, fingerprint->text);
        return index == NULL ? NULL : &provider->credentials[*index];
    }
    for (size_t i = 0; i < provider->credential_count; i++)
        if (strcmp(provider->credentials[i].fingerprint.text, fingerprint->text) == 0)
            return &provider->credentials[i];
    return NULL;
}

struct credential *draft_add_key(struct resolver *r, struct draft *draft, enum credential_rank rank, const char *secret,
                                 size_t len, struct origin origin)
{
    learned_keys_add(secret, len);
    struct fingerprint fingerprint = fingerprint_of(secret, len);
    struct credential *credential = draft_find_key(draft, &fingerprint);
    if (credential != NULL) {
        draft_add_origin(r, credential, origin.place, arena_strdup(r->arena, origin.key));
        return credential;
    }
    const char *source = origin.place.source == NULL ? "" : origin.place.source->label;
    /* Of a fleet without its revision: the same key is the same entry of the pool with the next one, too. */
    bool fleet = origin.place.source != NULL && origin.place.source->kind == SOURCE_FLEET_ENV;
    size_t len_shown = fleet ? strcspn(source, "@") : strlen(source);
    /* The key is its end. */
    const char *label = arena_printf(r->arena, "%.*s %s", (int)len_shown, source, origin.key);
    credential = add_credential(r, draft);
    *credential = (struct credential){
        .id = fingerprint_credential_id(draft->provider.id, secret, len),
        .fingerprint = fingerprint,
        .rank = rank,
        .secret = arena_prefix(r->arena, secret, len),
        .label = label,
    };
    draft_add_origin(r, credential, origin.place, label + len_shown + 1);
    size_t count = draft->provider.credential_count;
    for (size_t i = count == FEW + 1 ? 0 : count - 1; count > FEW && i < count; i++)
        index_key(r, draft, i);
    return credential;
}
