#include "provider.h"

#include <stdlib.h>
#include <string.h>

#include "plain_name.h"

bool provider_seed_is(const struct seed *seed, const char *source)
{
    size_t len = strlen(seed->kind);
    return strncmp(source, seed->kind, len) == 0 && strcmp(source + len, seed->name) == 0;
}

const char *provider_credential_url(const struct provider *provider, const struct credential *credential)
{
    return credential->base_url != NULL ? credential->base_url : provider->base_url;
}

static int compare_id(const void *id, const void *provider)
{
    return strcmp(id, (*(const struct provider *const *)provider)->id);
}

const struct provider *providers_get(const struct providers *providers, const char *id)
{
    struct provider **found =
        providers->count == 0 ? NULL
                              : bsearch(id, providers->items, providers->count, sizeof *providers->items, compare_id);
    return found == NULL ? NULL : *found;
}

const struct provider *provider_named(const struct providers *providers, const char *name)
{
    const struct provider_row *row = provider_table_find(name);
    char normal[PROVIDER_NAME_SIZE];
    (void)provider_table_normalise(name, normal, sizeof normal);
    const char *bare = strncmp(normal, "custom:", 7) == 0 ? normal + 7 : normal;
    for (size_t i = 0; i < providers->count; i++) {
        const struct provider *provider = providers->items[i];
        if (strcmp(provider->id, normal) == 0 || (row != NULL && strcmp(provider->id, row->id) == 0) ||
            (strncmp(provider->id, "custom:", 7) == 0 && strcmp(provider->id + 7, bare) == 0) ||
            (provider->alias != NULL && strcmp(provider->alias, bare) == 0))
            return provider;
    }
    return NULL;
}

void providers_consider(const struct providers *providers, struct near_name *near)
{
    for (size_t i = 0; i < providers->count; i++) {
        const char *id = providers->items[i]->id;
        if (plain_name(id, strlen(id)))
            near_name_consider(near, strncmp(id, "custom:", 7) == 0 ? id + 7 : id);
    }
}
