#include "host_owner.h"

#include <string.h>
#include <strings.h>

#include "endpoint.h"

bool host_owner_related(const struct provider_row *a, const struct provider_row *b)
{
    size_t word = strcspn(a->id, "-");
    return strcspn(b->id, "-") == word && strncmp(a->id, b->id, word) == 0;
}

static bool same_host(const char *url, const char *other)
{
    size_t len, other_len;
    const char *host = endpoint_host(url, &len);
    const char *other_host = endpoint_host(other, &other_len);
    return len > 0 && len == other_len && strncasecmp(host, other_host, len) == 0;
}

const struct provider_row *host_owner(const char *url, const struct provider_row *row)
{
    const struct provider_row *owner = NULL;
    for (size_t i = 0; i < provider_table_count; i++) {
        const struct provider_row *other = &provider_table[i];
        if (*other->base_url == '\0' || !same_host(url, other->base_url))
            continue;
        if (row != NULL && host_owner_related(other, row))
            return NULL;
        owner = owner == NULL || owner->auth != PROVIDER_API_KEY ? other : owner;
    }
    return owner;
}
