#include "departed.h"

#include <string.h>

#include <cjson/cJSON.h>

#include "json_write.h"
#include "known_variables.h"
#include "parse_json.h"
#include "replace.h"
#include "safe_read.h"
#include "snapshot_format.h"

#define FILE_NAME SNAPSHOT_DIRECTORY "/departed.json"

static void add(struct arena *arena, struct departures *all, struct departed departed)
{
    ARENA_GROW(arena, all->items, all->capacity, all->count + 1);
    all->items[all->count++] = departed;
}

struct departures departed_read(struct arena *arena, const char *home)
{
    struct departures all = {0};
    const cJSON *item;
    struct safe_read read = safe_read(arena, arena_printf(arena, "%s/" FILE_NAME, home), 0);
    cJSON *root = read.status == SAFE_READ_OK ? cJSON_ParseWithOpts(read.bytes, NULL, true) : NULL;
    struct memory_hold hold;
    parse_json_hold(&hold, root);
    all.damaged = read.status == SAFE_READ_OK && !cJSON_IsObject(root);
    cJSON_ArrayForEach(item, root)
    {
        const char *fingerprint = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(item, "fingerprint"));
        const cJSON *at = cJSON_GetObjectItemCaseSensitive(item, "at");
        struct departed departed = {.at = cJSON_IsNumber(at) ? at->valuedouble : 0};
        if (item->string == NULL)
            break; /* a list */
        all.damaged = all.damaged || fingerprint == NULL || !fingerprint_valid(fingerprint) || !cJSON_IsNumber(at);
        if (fingerprint == NULL || !fingerprint_valid(fingerprint) ||
            (strncmp(item->string, "custom:", 7) != 0 && !known_variables_has(item->string, strlen(item->string))))
            continue;
        strcpy(departed.fingerprint.text, fingerprint);
        departed.name = arena_strdup(arena, item->string);
        add(arena, &all, departed);
    }
    memory_give_back(&hold);
    return all;
}

/* A custom provider's key, or NULL. */
static const struct credential *credential_of(const struct providers *providers, const struct departed *departed)
{
    const struct provider *provider = providers_get(providers, departed->name);
    for (size_t i = 0; provider != NULL && i < provider->credential_count; i++)
        if (strcmp(provider->credentials[i].fingerprint.text, departed->fingerprint.text) == 0)
            return &provider->credentials[i];
    return NULL;
}

static bool has(const struct environment *environment, const struct providers *providers,
                const struct departed *departed)
{
    if (strncmp(departed->name, "custom:", 7) == 0)
        return credential_of(providers, departed) != NULL;
    const struct binding *binding = environment_get(environment, departed->name);
    return binding != NULL &&
           strcmp(fingerprint_of(binding->value, binding->len).text, departed->fingerprint.text) == 0;
}

static bool drop_returned(struct departures *all, const struct environment *environment,
                          const struct providers *providers)
{
    size_t kept = 0;
    size_t before = all->count;
    for (size_t i = 0; i < all->count; i++)
        if (!has(environment, providers, &all->items[i]))
            all->items[kept++] = all->items[i];
    all->count = kept;
    return kept < before;
}

static void put(struct arena *arena, struct departures *all, struct departed departed)
{
    for (size_t i = 0; i < all->count; i++)
        if (strcmp(all->items[i].name, departed.name) == 0) {
            all->items[i] = departed;
            return;
        }
    add(arena, all, departed);
}

/* What left before and was never back is not in PREVIOUS, so nothing is added twice. */
static bool put_new(struct arena *arena, struct departures *all, const struct hermes_view *previous,
                    const struct environment *environment, const struct providers *providers, double now)
{
    bool any = false;
    const char *name;
    for (size_t i = 0; previous != NULL && (name = known_variables_name(i)) != NULL; i++) {
        const char *value = hermes_variable(previous, name);
        if (value == NULL || *value == '\0')
            continue;
        struct departed departed = {name, fingerprint_of(value, strlen(value)), now};
        if (has(environment, providers, &departed))
            continue;
        put(arena, all, departed);
        any = true;
    }
    for (size_t i = 0; previous != NULL && i < hermes_provider_count(previous); i++) {
        const struct hermes_provider *before = hermes_provider_at(previous, i);
        struct departed departed = {.at = now};
        if (strncmp(before->id, "custom:", 7) != 0 || before->credential_count == 0 ||
            *before->credentials[0].secret == '\0')
            continue;
        strcpy(departed.fingerprint.text, before->credentials[0].fingerprint);
        departed.name = arena_strdup(arena, before->id);
        if (has(environment, providers, &departed))
            continue;
        put(arena, all, departed);
        any = true;
    }
    return any;
}

int departed_note(struct arena *arena, const char *home, const struct hermes_view *previous,
                  const struct environment *environment, const struct providers *providers, double now,
                  struct diagnostics *diagnostics)
{
    const char *path = arena_printf(arena, "%s/" FILE_NAME, home);
    struct departures all = departed_read(arena, home);
    if (all.damaged)
        (void)diagnostic_add(diagnostics, CODE_MEMORY_DAMAGED, (struct place){0},
                             "%s was edited or damaged: its record of removed variables is lost", path);
    bool fewer = drop_returned(&all, environment, providers);
    bool more = put_new(arena, &all, previous, environment, providers, now);
    struct text out = {.arena = arena};
    if (!fewer && !more && !all.damaged)
        return 0;
    text_putc(&out, '{');
    for (size_t i = 0; i < all.count; i++) {
        json_write_name(&out, all.items[i].name);
        text_putc(&out, '{');
        json_write_member(&out, "fingerprint", all.items[i].fingerprint.text);
        text_printf(&out, ",\"at\":%.3f}", all.items[i].at);
    }
    text_puts(&out, "}\n");
    return replace_file(path, out.bytes, out.len, 0600);
}
