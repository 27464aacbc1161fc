#include "not_compiled.h"

#include <string.h>

static bool named_before(const struct pool_view *pool, const struct pool_view_entry *entry)
{
    const struct pool_view_entry *other = NULL;
    while ((other = pool_view_next(pool, entry->provider, other)) != entry)
        if (other->oauth)
            return true;
    return false;
}

static void name_logins(struct resolver *r)
{
    struct text names = {.arena = r->arena};
    for (size_t i = 0; i < r->in->pool->count; i++) {
        const struct pool_view_entry *entry = &r->in->pool->entries[i];
        const struct provider_row *row = entry->oauth ? provider_table_find(entry->provider) : NULL;
        if (row != NULL && !named_before(r->in->pool, entry))
            text_printf(&names, "%s%s", names.len > 0 ? ", " : "", row->id);
    }
    if (names.len > 0)
        (void)diagnostic_add(
            r->diagnostics, CODE_NOT_COMPILED, (struct place){0},
            "%s: logged in with OAuth; Hermes refreshes these tokens itself, and the snapshot does not have them",
            names.bytes);
}

static void name_secret_sources(struct resolver *r)
{
    const struct node *sources = node_get(r->in->config, "secrets");
    if (!node_is(sources, NODE_MAP))
        return;
    for (size_t i = 0; i < sources->pair_count; i++)
        if (node_truthy(node_get(sources->pairs[i].value, "enabled")))
            (void)diagnostic_add(
                r->diagnostics, CODE_NOT_COMPILED, sources->pairs[i].key->place,
                "Hermes asks this secret source when it starts; the snapshot does not have its values");
}

void not_compiled_say(struct resolver *r)
{
    name_logins(r);
    name_secret_sources(r);
}
