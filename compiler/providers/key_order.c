#include "key_order.h"

#include <stdlib.h>
#include <string.h>

struct ranked {
    struct credential credential;
    size_t position;
    size_t index;
};

static int compare_ranked(const void *a, const void *b)
{
    const struct ranked *left = a;
    const struct ranked *right = b;
    if (left->position != right->position)
        return left->position < right->position ? -1 : 1;
    return left->index < right->index ? -1 : left->index > right->index;
}

/* The position of Hermes's own entry for SOURCE in its pool; the number of entries when there is none. */
static size_t pool_position(const struct resolver *r, const char *provider, const char *source)
{
    const struct pool_view_entry *entry = NULL;
    while ((entry = pool_view_next(r->in->pool, provider, entry)) != NULL)
        if (strcmp(entry->source, source) == 0)
            return (size_t)(entry - r->in->pool->entries);
    return r->in->pool->count;
}

/* A variable goes out directly before Hermes's own entry for it, a manual entry where Hermes has it. Positions of
 * variables are even, of entries odd, so that "directly before" has a number of its own. */
static size_t variable_position(const struct resolver *r, const struct provider *provider, const char *variable)
{
    const char *source = arena_printf(r->arena, "env:%s", variable);
    size_t rank = pool_view_source_rank(provider->id, source);
    return 2 + 2 * (rank > 0 ? r->in->pool->count + rank : pool_position(r, provider->id, source));
}

/* A key that stands in several places goes out where the first of them is. */
static size_t entry_position(const struct resolver *r, const struct provider *provider, const struct credential *c)
{
    if (credential_stands_for_none(c))
        return SIZE_MAX - 1;
    if (c->rank == RANK_CONFIG)
        return 0;
    if (c->rank == RANK_TASK)
        return SIZE_MAX;
    size_t position = c->pool_place > 0 ? 1 + 2 * (size_t)c->pool_place : SIZE_MAX - 1;
    for (size_t i = 0; c->rank == RANK_ENV && i < c->origin_count; i++) {
        bool in_pool = c->origins[i].place.line == 0;
        size_t place = in_pool ? position : variable_position(r, provider, c->origins[i].key);
        position = place < position ? place : position;
    }
    return position;
}

/* Under any other strategy than fill_first the pool's order is Hermes's to shuffle and must not stir the snapshot. */
void key_order(struct resolver *r, struct provider *provider)
{
    bool by_position = provider->strategy == STRATEGY_FILL_FIRST;
    if (provider->credential_count < 2)
        return;
    struct ranked *ranked = arena_alloc(r->arena, provider->credential_count * sizeof *ranked);
    for (size_t i = 0; i < provider->credential_count; i++) {
        const struct credential *c = &provider->credentials[i];
        size_t position = by_position ? entry_position(r, provider, c) : (size_t)c->rank;
        ranked[i] = (struct ranked){*c, position, i};
    }
    qsort(ranked, provider->credential_count, sizeof *ranked, compare_ranked);
    for (size_t i = 0; i < provider->credential_count; i++)
        provider->credentials[i] = ranked[i].credential;
}
