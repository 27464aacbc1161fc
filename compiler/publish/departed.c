#include "departed.h"

#include <string.h>

#include <cjson/cJSON.h>

#include "json_write.h"
#include "known_variables.h"
#include "model_routes.h"
#include "name_table.h"
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

/* Those of one name stand one behind the other. */
static bool follows(const struct departures *all, const struct departed *departed)
{
    return departed > all->items && strcmp(departed[-1].name, departed->name) == 0;
}

double departed_began(const struct departures *all, const struct departed *departed)
{
    return follows(all, departed) ? departed[-1].at : 0;
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

/* What the snapshot that is replaced has, where it is no more. Each name comes once. */
static void add_gone(struct arena *arena, struct departures *gone, const struct departed_sources *now,
                     struct departed departed)
{
    if (!departed_is_back(arena, now, &departed))
        add(arena, gone, departed);
}

static void add_variables(struct arena *arena, struct departures *gone, const struct hermes_view *previous,
                          const struct departed_sources *now, double at)
{
    const char *name;
    for (size_t i = 0; (name = known_variables_name(i)) != NULL; i++) {
        const char *value = hermes_variable(previous, name);
        const struct binding *binding = value == NULL ? NULL : environment_get(now->environment, name);
        bool same =
            binding != NULL && strlen(value) == binding->len && memcmp(value, binding->value, binding->len) == 0;
        if (value != NULL && *value != '\0' && !same)
            add_gone(arena, gone, now, (struct departed){name, fingerprint_of(value, strlen(value)), at});
    }
}

static void add_custom_keys(struct arena *arena, struct departures *gone, const struct hermes_view *previous,
                            const struct departed_sources *now, double at)
{
    for (size_t i = 0; i < hermes_provider_count(previous); i++) {
        const struct hermes_provider *before = hermes_provider_at(previous, i);
        struct departed departed = {.at = at};
        if (!is_custom(before->id) || before->credential_count == 0 || *before->credentials[0].secret == '\0')
            continue;
        strcpy(departed.fingerprint.text, before->credentials[0].fingerprint);
        departed.name = arena_strdup(arena, before->id);
        add_gone(arena, gone, now, departed);
    }
}

static void add_route(struct arena *arena, struct departures *gone, const cJSON *before, const char *alias,
                      const struct departed_sources *now, double at)
{
    for (const char *const *member = model_routes_members; *member != NULL; member++) {
        const char *value = parse_json_text(arena, before, *member);
        struct departed departed = {model_routes_path(arena, alias, *member), fingerprint_of(value, strlen(value)), at};
        add_gone(arena, gone, now, departed);
    }
}

/* Those that are gone or say something else now, and those that are new. */
static void add_routes(struct arena *arena, struct departures *gone, const struct hermes_view *previous,
                       const struct departed_sources *now, double at)
{
    const struct node *routes = model_routes_of(now->config);
    size_t len = 0;
    const char *text = hermes_content(previous, &len);
    if (routes == NULL && memmem(text, len, "model_routes", strlen("model_routes")) == NULL)
        return;
    text = hermes_config(previous, MODEL_ROUTES, &len);
    cJSON *before = text == NULL ? NULL : cJSON_ParseWithLength(text, len);
    struct memory_hold hold;
    parse_json_hold(&hold, before);
    const cJSON *route;
    cJSON_ArrayForEach(route, before)
    {
        if (route->string != NULL)
            add_route(arena, gone, route, route->string, now, at);
    }
    for (size_t i = 0; routes != NULL && i < routes->pair_count; i++) {
        const char *alias = node_string(routes->pairs[i].key);
        if (alias != NULL && cJSON_GetObjectItemCaseSensitive(before, alias) == NULL)
            add_route(arena, gone, NULL, alias, now, at);
    }
    memory_give_back(&hold);
}

/* What left before and was never back is not in PREVIOUS, so nothing is added twice. */
static struct departures gone_since(struct arena *arena, const struct hermes_view *previous,
                                    const struct departed_sources *now, double at)
{
    struct departures gone = {0};
    if (previous == NULL)
        return gone;
    add_variables(arena, &gone, previous, now, at);
    add_custom_keys(arena, &gone, previous, now, at);
    add_routes(arena, &gone, previous, now, at);
    return gone;
}

/* The values of one name, from FIRST on, and NEWEST (or NULL) behind them. What is back is dropped; but a value that
 * others followed stays: it tells when they began. The place of the next name. */
static const struct departed *add_name(struct arena *arena, struct departures *kept, const struct departures *all,
                                       const struct departed *first, const struct departed *newest,
                                       const struct departed_sources *now)
{
    const size_t before = kept->count;
    const struct departed *next = first + 1;
    while (next < all->items + all->count && follows(all, next))
        next++;
    if (newest != NULL && next - first >= DEPARTED_MOST)
        first = next - (DEPARTED_MOST - 1);
    for (; first < next; first++)
        add(arena, kept, *first);
    if (newest != NULL)
        add(arena, kept, *newest);
    while (kept->count > before && departed_is_back(arena, now, &kept->items[kept->count - 1]))
        kept->count--;
    return next;
}

static struct departures merge(struct arena *arena, const struct departures *all, const struct departures *gone,
                               const struct departed_sources *now)
{
    struct departures kept = {0};
    struct name_table names = {0};
    bool *merged = arena_alloc(arena, gone->count * sizeof *merged);
    for (size_t i = 0; i < gone->count; i++)
        name_table_put(arena, &names, gone->items[i].name, i);
    for (const struct departed *at = all->items; at < all->items + all->count;) {
        const uint32_t *index = name_table_get(&names, at->name);
        bool first = index != NULL && !merged[*index];
        if (first)
            merged[*index] = true;
        at = add_name(arena, &kept, all, at, first ? &gone->items[*index] : NULL, now);
    }
    for (size_t i = 0; i < gone->count; i++)
        if (!merged[i])
            add(arena, &kept, gone->items[i]);
    return kept;
}

static void write_value(struct text *out, const struct departures *all, const struct departed *departed)
{
    if (!follows(all, departed)) {
        text_puts(out, departed > all->items ? "]" : "");
        json_write_name(out, departed->name);
        text_putc(out, '[');
    }
    json_write_item(out);
    text_putc(out, '{');
    json_write_member(out, "fingerprint", departed->fingerprint.text);
    text_printf(out, ",\"at\":%.3f}", departed->at);
}

int departed_note(struct arena *arena, const char *home, const struct hermes_view *previous,
                  const struct departed_sources *now, double at, struct diagnostics *diagnostics)
{
    const char *path = arena_printf(arena, "%s/" FILE_NAME, home);
    struct departures all = departed_read(arena, home);
    if (all.damaged)
        (void)diagnostic_add(diagnostics, CODE_MEMORY_DAMAGED, (struct place){0},
                             "%s was edited or damaged: its record of removed variables is lost", path);
    const struct departures gone = gone_since(arena, previous, now, at);
    const struct departures kept = merge(arena, &all, &gone, now);
    struct text out = {.arena = arena};
    if (gone.count == 0 && kept.count == all.count && !all.damaged)
        return 0;
    text_putc(&out, '{');
    for (size_t i = 0; i < kept.count; i++)
        write_value(&out, &kept, &kept.items[i]);
    text_puts(&out, kept.count > 0 ? "]}\n" : "}\n");
    return replace_file(path, out.bytes, out.len, 0600);
}
