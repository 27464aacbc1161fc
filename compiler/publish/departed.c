#include "departed.h"

#include <string.h>

#include <cjson/cJSON.h>

#include "json_write.h"
#include "known_variables.h"
#include "model_routes.h"
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

static bool is_custom(const char *name)
{
    return strncmp(name, "custom:", 7) == 0;
}

static bool is_kept(const char *name)
{
    return is_custom(name) || model_routes_are(name) || known_variables_has(name, strlen(name));
}

static void read_value(struct arena *arena, struct departures *all, const char *name, const cJSON *item)
{
    const char *fingerprint = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(item, "fingerprint"));
    const cJSON *at = cJSON_GetObjectItemCaseSensitive(item, "at");
    struct departed departed = {.at = cJSON_IsNumber(at) ? at->valuedouble : 0};
    bool valid = fingerprint != NULL && fingerprint_valid(fingerprint);
    all->damaged = all->damaged || !valid || !cJSON_IsNumber(at);
    if (!valid || !is_kept(name))
        return;
    strcpy(departed.fingerprint.text, fingerprint);
    departed.name = arena_strdup(arena, name);
    add(arena, all, departed);
}

struct departures departed_read(struct arena *arena, const char *home)
{
    struct departures all = {0};
    const cJSON *item;
    const cJSON *value;
    struct safe_read read = safe_read(arena, arena_printf(arena, "%s/" FILE_NAME, home), 0);
    cJSON *root = read.status == SAFE_READ_OK ? cJSON_ParseWithOpts(read.bytes, NULL, true) : NULL;
    struct memory_hold hold;
    parse_json_hold(&hold, root);
    all.damaged = read.status == SAFE_READ_OK && !cJSON_IsObject(root);
    cJSON_ArrayForEach(item, root)
    {
        if (item->string == NULL)
            break; /* a list */
        if (!cJSON_IsArray(item))
            read_value(arena, &all, item->string, item); /* the only one, as it was once written */
        else
            cJSON_ArrayForEach(value, item) read_value(arena, &all, item->string, value);
    }
    memory_give_back(&hold);
    return all;
}

double departed_began(const struct departures *all, const struct departed *departed)
{
    double began = 0;
    for (const struct departed *before = all->items; before < departed; before++)
        if (strcmp(before->name, departed->name) == 0)
            began = before->at;
    return began;
}

bool departed_was_found(const struct departures *all, const struct departed *departed, double since)
{
    return since > 0 && since < departed->at && since >= departed_began(all, departed);
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

static bool is_of(const char *value, size_t len, const struct departed *departed)
{
    return strcmp(fingerprint_of(value, len).text, departed->fingerprint.text) == 0;
}

bool departed_is_back(struct arena *arena, const struct departed_sources *now, const struct departed *departed)
{
    if (is_custom(departed->name))
        return credential_of(now->providers, departed) != NULL;
    if (model_routes_are(departed->name)) {
        const char *value = model_routes_value(arena, model_routes_of(now->config), departed->name);
        return is_of(value, strlen(value), departed);
    }
    const struct binding *binding = environment_get(now->environment, departed->name);
    return binding != NULL && is_of(binding->value, binding->len, departed);
}

static bool is_last_of_name(const struct departures *all, size_t i)
{
    for (size_t k = i + 1; k < all->count; k++)
        if (strcmp(all->items[k].name, all->items[i].name) == 0)
            return false;
    return true;
}

static void take_out(struct departures *all, size_t i)
{
    all->count--;
    memmove(all->items + i, all->items + i + 1, (all->count - i) * sizeof *all->items);
}

/* A value that others of its name followed stays: it tells when they began. */
static bool drop_returned(struct arena *arena, struct departures *all, const struct departed_sources *now)
{
    size_t before = all->count;
    for (size_t i = all->count; i-- > 0;)
        if (is_last_of_name(all, i) && departed_is_back(arena, now, &all->items[i]))
            take_out(all, i);
    return all->count < before;
}

static void put(struct arena *arena, struct departures *all, struct departed departed)
{
    size_t same = 0;
    size_t first = 0;
    for (size_t i = all->count; i-- > 0;)
        if (strcmp(all->items[i].name, departed.name) == 0) {
            first = i;
            same++;
        }
    if (same >= DEPARTED_MOST)
        take_out(all, first);
    add(arena, all, departed);
}

/* Whether VALUE, which the snapshot that is replaced has under NAME, is there no more. */
static bool put_gone(struct arena *arena, struct departures *all, const struct departed_sources *now,
                     struct departed departed)
{
    if (departed_is_back(arena, now, &departed))
        return false;
    put(arena, all, departed);
    return true;
}

static bool put_variables(struct arena *arena, struct departures *all, const struct hermes_view *previous,
                          const struct departed_sources *now, double at)
{
    bool any = false;
    const char *name;
    for (size_t i = 0; (name = known_variables_name(i)) != NULL; i++) {
        const char *value = hermes_variable(previous, name);
        if (value != NULL && *value != '\0')
            any = put_gone(arena, all, now, (struct departed){name, fingerprint_of(value, strlen(value)), at}) || any;
    }
    return any;
}

static bool put_custom_keys(struct arena *arena, struct departures *all, const struct hermes_view *previous,
                            const struct departed_sources *now, double at)
{
    bool any = false;
    for (size_t i = 0; i < hermes_provider_count(previous); i++) {
        const struct hermes_provider *before = hermes_provider_at(previous, i);
        struct departed departed = {.at = at};
        if (!is_custom(before->id) || before->credential_count == 0 || *before->credentials[0].secret == '\0')
            continue;
        strcpy(departed.fingerprint.text, before->credentials[0].fingerprint);
        departed.name = arena_strdup(arena, before->id);
        any = put_gone(arena, all, now, departed) || any;
    }
    return any;
}

static bool put_route(struct arena *arena, struct departures *all, const cJSON *before, const char *alias,
                      const struct departed_sources *now, double at)
{
    bool any = false;
    for (const char *const *member = model_routes_members; *member != NULL; member++) {
        const char *value = parse_json_text(arena, before, *member);
        struct departed departed = {model_routes_path(arena, alias, *member), fingerprint_of(value, strlen(value)), at};
        any = put_gone(arena, all, now, departed) || any;
    }
    return any;
}

/* Those that are gone or say something else now, and those that are new. */
static bool put_routes(struct arena *arena, struct departures *all, const struct hermes_view *previous,
                       const struct departed_sources *now, double at)
{
    const struct node *routes = model_routes_of(now->config);
    size_t len = 0;
    const char *text = hermes_content(previous, &len);
    if (routes == NULL && memmem(text, len, "model_routes", strlen("model_routes")) == NULL)
        return false;
    text = hermes_config(previous, MODEL_ROUTES, &len);
    cJSON *before = text == NULL ? NULL : cJSON_ParseWithLength(text, len);
    struct memory_hold hold;
    parse_json_hold(&hold, before);
    bool any = false;
    const cJSON *route;
    cJSON_ArrayForEach(route, before)
    {
        if (route->string != NULL)
            any = put_route(arena, all, route, route->string, now, at) || any;
    }
    for (size_t i = 0; routes != NULL && i < routes->pair_count; i++) {
        const char *alias = node_string(routes->pairs[i].key);
        if (alias != NULL && cJSON_GetObjectItemCaseSensitive(before, alias) == NULL)
            any = put_route(arena, all, NULL, alias, now, at) || any;
    }
    memory_give_back(&hold);
    return any;
}

/* What left before and was never back is not in PREVIOUS, so nothing is added twice. */
static bool put_new(struct arena *arena, struct departures *all, const struct hermes_view *previous,
                    const struct departed_sources *now, double at)
{
    if (previous == NULL)
        return false;
    bool any = put_variables(arena, all, previous, now, at);
    any = put_custom_keys(arena, all, previous, now, at) || any;
    return put_routes(arena, all, previous, now, at) || any;
}

/* All values of a name, where it stands first. */
static void write_name(struct text *out, const struct departures *all, size_t first)
{
    const char *name = all->items[first].name;
    if (departed_began(all, &all->items[first]) > 0)
        return;
    json_write_name(out, name);
    text_putc(out, '[');
    for (size_t i = first; i < all->count; i++) {
        if (strcmp(all->items[i].name, name) != 0)
            continue;
        json_write_item(out);
        text_putc(out, '{');
        json_write_member(out, "fingerprint", all->items[i].fingerprint.text);
        text_printf(out, ",\"at\":%.3f}", all->items[i].at);
    }
    text_putc(out, ']');
}

int departed_note(struct arena *arena, const char *home, const struct hermes_view *previous,
                  const struct departed_sources *now, double at, struct diagnostics *diagnostics)
{
    const char *path = arena_printf(arena, "%s/" FILE_NAME, home);
    struct departures all = departed_read(arena, home);
    if (all.damaged)
        (void)diagnostic_add(diagnostics, CODE_MEMORY_DAMAGED, (struct place){0},
                             "%s was edited or damaged: its record of removed variables is lost", path);
    bool more = put_new(arena, &all, previous, now, at); /* first, so that it is known what it followed */
    bool fewer = drop_returned(arena, &all, now);
    struct text out = {.arena = arena};
    if (!fewer && !more && !all.damaged)
        return 0;
    text_putc(&out, '{');
    for (size_t i = 0; i < all.count; i++)
        write_name(&out, &all, i);
    text_puts(&out, "}\n");
    return replace_file(path, out.bytes, out.len, 0600);
}
