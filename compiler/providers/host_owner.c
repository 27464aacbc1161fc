#include "host_owner.h"

#include <string.h>
#include <strings.h>

#include "endpoint.h"

bool host_owner_related(const struct provider_row *a, const struct provider_row *b)
{
    size_t word = strcspn(a->id, "-");
    return strcspn(b->id, "-") == word && strncmp(a->id, b->id, word) == 0;
}

/* The table's URLs are `SCHEME://HOST`, with a port, a path, or nothing behind it. */
static bool has_host(const struct provider_row *row, const char *host, size_t len)
{
    const char *slash = strchr(row->base_url, '/');
    const char *own = slash == NULL ? "" : slash + 2;
    return (*own | 0x20) == (*host | 0x20) && strncasecmp(own, host, len) == 0 && strchr("/:", own[len]) != NULL;
}

const struct provider_row *host_owner(const char *url, const struct provider_row *row)
{
    const struct provider_row *owner = NULL;
    size_t len;
    const char *host = endpoint_host(url, &len);
    for (size_t i = 0; len > 0 && i < provider_table_count; i++) {
        const struct provider_row *other = &provider_table[i];
        if (!has_host(other, host, len))
            continue;
        if (row != NULL && host_owner_related(other, row))
            return NULL;
        owner = owner == NULL || owner->auth != PROVIDER_API_KEY ? other : owner;
    }
    return owner;
}
