#include "host_owner.h"

#include <string.h>
#include <strings.h>

#include "endpoint.h"

bool host_owner_related(const struct provider_row *a, const struct provider_row *b)
{
    size_t word = strcspn(a->id, "-");
    return strcspn(b->id, "-") == word && strncmp(a->id, b->id, word) == 0;
}

static bool has_host(const char *url, const char *host, size_t len)
{
    size_t own_len;
    const char *own = endpoint_host(url, &own_len);
    return own_len == len && strncasecmp(own, host, len) == 0;
}

const struct provider_row *host_owner(const char *url, const struct provider_row *row)
{
    const struct provider_row *owner = NULL;
    size_t len;
    const char *host = endpoint_host(url, &len);
    for (size_t i = 0; len > 0 && i < provider_table_count; i++) {
        const struct provider_row *other = &provider_table[i];
        if (*other->base_url == '\0' || !has_host(other->base_url, host, len))
            continue;
        if (row != NULL && host_owner_related(other, row))
            return NULL;
        owner = owner == NULL || owner->auth != PROVIDER_API_KEY ? other : owner;
    }
    return owner;
}
