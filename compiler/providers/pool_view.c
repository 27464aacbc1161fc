#include "pool_view.h"

#include <string.h>

bool pool_view_suppressed(const struct pool_view *view, const char *provider, const char *source)
{
    for (size_t i = 0; i < view->suppressed_count; i++)
        if (strcmp(view->suppressed[i].provider, provider) == 0 && strcmp(view->suppressed[i].source, source) == 0)
            return true;
    return false;
}

bool pool_view_manual_first(const char *provider)
{
    return strcmp(provider, "anthropic") == 0;
}

size_t pool_view_source_rank(const char *provider, const char *source)
{
    static const char *const seeded[] = {"env:ANTHROPIC_TOKEN", "env:CLAUDE_CODE_OAUTH_TOKEN", "hermes_pkce",
                                         "claude_code", "env:ANTHROPIC_API_KEY"};
    size_t rank = 0;
    if (!pool_view_manual_first(provider))
        return 0;
    while (rank < sizeof seeded / sizeof *seeded && strcmp(source, seeded[rank]) != 0)
        rank++;
    return rank + 1;
}
