#include "host_key.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "blank.h"
#include "key_check.h"
#include "endpoint.h"
#include "written_key.h"

static bool usable(const struct resolver *r, const char *name)
{
    size_t len;
    const struct binding *binding = environment_get(r->in->environment, name);
    const char *text = binding == NULL ? NULL : blank_strip(binding->value, binding->len, &len);
    return text != NULL && key_check_unusable(text, len) == NULL;
}

/* `https://api.llm.example.com:8443/v1` -> EXAMPLE_API_KEY; NULL for a host of one part. */
static const char *name_of_host(struct arena *arena, const char *url)
{
    size_t len;
    const char *host = endpoint_host(url, &len);
    while (len > 4 && (strncasecmp(host, "api.", 4) == 0 || strncasecmp(host, "www.", 4) == 0)) {
        host += 4;
        len -= 4;
    }
    const char *last = memrchr(host, '.', len);
    if (last == NULL || last == host || isdigit((unsigned char)last[1]))
        return NULL; /* an address has no name */
    const char *before = memrchr(host, '.', (size_t)(last - host));
    before = before == NULL ? host : before + 1;
    char *name = arena_printf(arena, "%.*s_API_KEY", (int)(last - before), before);
    for (char *at = name; *at != '\0'; at++)
        *at = (char)(*at == '-' ? '_' : toupper((unsigned char)*at));
    return name;
}

/* The variable whose key goes to URL, or NULL. */
static const char *variable_for(const struct resolver *r, const char *url)
{
    static const struct {
        const char *domain;
        const char *variable;
    } known[] = {{"openai.com", "OPENAI_API_KEY"},
                 {"openai.azure.com", "OPENAI_API_KEY"},
                 {"openrouter.ai", "OPENROUTER_API_KEY"},
                 {"ollama.com", "OLLAMA_API_KEY"}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (endpoint_host_is(url, known[i].domain) && usable(r, known[i].variable))
            return known[i].variable;
    const char *name = name_of_host(r->arena, url);
    return name != NULL && usable(r, name) ? name : NULL;
}

/* One that is written out counts even where it is none: it is in Hermes's pool, and goes out. */
static bool has_key(const struct provider *provider)
{
    if (provider->seed_count > 0 || provider->awaited)
        return true;
    for (size_t i = 0; i < provider->credential_count; i++)
        if (provider->credentials[i].rank != RANK_TASK)
            return true;
    return false;
}

void host_key_add(struct resolver *r, struct draft *draft)
{
    const char *url = draft->provider.base_url;
    const char *variable = *url == '\0' || has_key(&draft->provider) ? NULL : variable_for(r, url);
    if (variable == NULL)
        return;
    written_key_add_variable(r, draft, RANK_ENV, variable);
    draft->provider.projected = false;
}

void host_keys_add(struct resolver *r)
{
    for (size_t i = 0; i < r->count; i++)
        if (strncmp(r->providers[i]->id, "custom", 6) == 0) /* not what nobody knows */
            host_key_add(r, draft_of(r->providers[i]));
}
