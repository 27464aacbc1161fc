#include "view.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>
#include <sodium.h>

#include "fingerprint.h"
#include "parse_json.h"
#include "provider_table.h"
#include "snapshot_format.h"

struct variable {
    const char *name;
    const char *value;
};

/* One sodium_malloc block: this, then the arrays, then the strings. */
struct hermes_view {
    atomic_uint references;
    long long generation;
    const char *compiled_at;
    const char *content;
    size_t content_len;
    const char *default_provider;
    struct hermes_provider *providers;
    size_t provider_count;
    const struct hermes_provider **by_id; /* the same, sorted by id */
    struct variable *variables;
    size_t variable_count;
};

/* Carves the block. `left` reaching zero early means that the counting pass and the filling pass disagree. */
struct carver {
    char *at;
    size_t left;
    bool failed;
};

static void *carve(struct carver *carver, size_t size, size_t alignment)
{
    size_t pad = (alignment - (uintptr_t)carver->at % alignment) % alignment;
    if (carver->left < pad || carver->left - pad < size) {
        carver->failed = true;
        return NULL;
    }
    void *piece = carver->at + pad;
    carver->at += pad + size;
    carver->left -= pad + size;
    return piece;
}

static const char *carve_bytes(struct carver *carver, const char *bytes, size_t len)
{
    char *copy = carve(carver, len + 1, 1);
    if (copy == NULL)
        return "";
    memcpy(copy, bytes, len);
    copy[len] = '\0';
    return copy;
}

static const char *carve_string(struct carver *carver, const cJSON *item)
{
    return cJSON_IsString(item) ? carve_bytes(carver, item->valuestring, strlen(item->valuestring)) : "";
}

static const cJSON *member(const cJSON *object, const char *name)
{
    return cJSON_GetObjectItemCaseSensitive(object, name);
}

static size_t array_size(const cJSON *item)
{
    return cJSON_IsArray(item) || cJSON_IsObject(item) ? (size_t)cJSON_GetArraySize(item) : 0;
}

/* Upper bound of what carving will need. Every string of the tree is shorter than its JSON text, and each costs one
 * NUL, which its quotes pay for. */
static size_t block_size(const cJSON *content, size_t content_len)
{
    const cJSON *providers = member(content, "providers");
    const cJSON *provider;
    size_t size = sizeof(struct hermes_view) + 1024 + 3 * content_len;
    size += array_size(providers) * (sizeof(struct hermes_provider) + sizeof(struct hermes_provider *));
    size += array_size(member(content, "env")) * sizeof(struct variable);
    cJSON_ArrayForEach(provider, providers)
    {
        const cJSON *credentials = member(provider, "credentials");
        const cJSON *credential;
        size += array_size(credentials) * sizeof(struct hermes_credential) + 64;
        size += array_size(member(provider, "headers")) * sizeof(struct hermes_header) + 64;
        cJSON_ArrayForEach(credential, credentials) size +=
            array_size(member(credential, "origins")) * sizeof(struct hermes_origin) + 64;
    }
    return size;
}

static unsigned number_of(const cJSON *item)
{
    return cJSON_IsNumber(item) && item->valuedouble >= 0 && item->valuedouble < 4294967296.0
               ? (unsigned)item->valuedouble
               : 0;
}

static void fill_origins(struct carver *carver, struct hermes_credential *credential, const cJSON *origins)
{
    size_t count = array_size(origins);
    struct hermes_origin *out = carve(carver, count * sizeof *out, _Alignof(struct hermes_origin));
    const cJSON *origin;
    size_t i = 0;
    if (out == NULL)
        return;
    cJSON_ArrayForEach(origin, origins)
    {
        out[i++] = (struct hermes_origin){
            .path = carve_string(carver, member(origin, "path")),
            .key = carve_string(carver, member(origin, "key")),
            .line = number_of(member(origin, "line")),
            .column = number_of(member(origin, "column")),
        };
    }
    credential->origins = out;
    credential->origin_count = count;
}

static void fill_credentials(struct carver *carver, struct hermes_provider *provider, const cJSON *credentials)
{
    size_t count = array_size(credentials);
    struct hermes_credential *out = carve(carver, count * sizeof *out, _Alignof(struct hermes_credential));
    const cJSON *credential;
    size_t i = 0;
    if (out == NULL)
        return;
    cJSON_ArrayForEach(credential, credentials)
    {
        out[i] = (struct hermes_credential){
            .id = carve_string(carver, member(credential, "id")),
            .label = carve_string(carver, member(credential, "label")),
            .secret = carve_string(carver, member(credential, "secret")),
            .fingerprint = carve_string(carver, member(credential, "fingerprint")),
            .base_url = provider->base_url,
        };
        fill_origins(carver, &out[i++], member(credential, "origins"));
    }
    provider->credentials = out;
    provider->credential_count = count;
}

static void fill_headers(struct carver *carver, struct hermes_provider *provider, const cJSON *headers)
{
    size_t count = array_size(headers);
    struct hermes_header *out = carve(carver, count * sizeof *out, _Alignof(struct hermes_header));
    const cJSON *header;
    size_t i = 0;
    if (out == NULL)
        return;
    cJSON_ArrayForEach(header, headers) out[i++] = (struct hermes_header){
        .name = header->string == NULL ? "" : carve_bytes(carver, header->string, strlen(header->string)),
        .value = carve_string(carver, header),
    };
    provider->headers = out;
    provider->header_count = count;
}

static int compare_providers(const void *a, const void *b)
{
    const struct hermes_provider *const *left = a;
    const struct hermes_provider *const *right = b;
    return strcmp((*left)->id, (*right)->id);
}

static void sort_providers(struct carver *carver, struct hermes_view *view)
{
    size_t count = view->provider_count;
    view->by_id = carve(carver, count * sizeof(struct hermes_provider *), _Alignof(struct hermes_provider *));
    if (view->by_id == NULL)
        return;
    for (size_t i = 0; i < count; i++)
        view->by_id[i] = &view->providers[i];
    if (count > 1)
        qsort(view->by_id, count, sizeof(struct hermes_provider *), compare_providers);
}

static void fill_providers(struct carver *carver, struct hermes_view *view, const cJSON *providers)
{
    const cJSON *item;
    size_t i = 0;
    view->provider_count = array_size(providers);
    view->providers = carve(carver, view->provider_count * sizeof *view->providers, _Alignof(struct hermes_provider));
    if (view->providers == NULL)
        return;
    cJSON_ArrayForEach(item, providers)
    {
        struct hermes_provider *provider = &view->providers[i++];
        *provider = (struct hermes_provider){
            .id = carve_bytes(carver, item->string, strlen(item->string)),
            .base_url = carve_string(carver, member(item, "base_url")),
            .strategy = carve_string(carver, member(item, "strategy")),
            .auth = carve_string(carver, member(item, "auth")),
        };
        fill_credentials(carver, provider, member(item, "credentials"));
        fill_headers(carver, provider, member(item, "headers"));
    }
    sort_providers(carver, view);
}

static int compare_variables(const void *a, const void *b)
{
    return strcmp(((const struct variable *)a)->name, ((const struct variable *)b)->name);
}

static void fill_variables(struct carver *carver, struct hermes_view *view, const cJSON *env)
{
    const cJSON *item;
    size_t i = 0;
    view->variable_count = array_size(env);
    view->variables = carve(carver, view->variable_count * sizeof *view->variables, _Alignof(struct variable));
    if (view->variables == NULL)
        return;
    cJSON_ArrayForEach(item, env) view->variables[i++] = (struct variable){
        .name = carve_bytes(carver, item->string, strlen(item->string)),
        .value = carve_string(carver, item),
    };
    if (view->variable_count > 1)
        qsort(view->variables, view->variable_count, sizeof *view->variables, compare_variables);
}

/* The tree holds keys: wiped before it goes back to the heap. */
static void wipe_tree(cJSON *item)
{
    for (; item != NULL; item = item->next) {
        if (item->valuestring != NULL)
            sodium_memzero(item->valuestring, strlen(item->valuestring));
        wipe_tree(item->child);
    }
}

static void delete_tree(cJSON *tree)
{
    wipe_tree(tree);
    cJSON_Delete(tree);
}

static bool well_formed(const cJSON *content)
{
    return cJSON_IsObject(content) && cJSON_IsObject(member(content, "providers")) &&
           cJSON_IsObject(member(content, "env")) && cJSON_IsObject(member(content, "config")) &&
           cJSON_IsArray(member(content, "sources"));
}

static int fill_view(struct hermes_view **ret, const cJSON *meta, const char *bytes, size_t len)
{
    cJSON *content = parse_json(bytes, len, NULL);
    int error = content == NULL && errno == ENOMEM ? -ENOMEM : HERMES_CORRUPT;
    if (content != NULL && well_formed(content)) {
        size_t size = block_size(content, len);
        /* sodium_malloc ends at a page: only a multiple of 16 is aligned at its start. */
        size = (size + 15) & ~(size_t)15;
        struct hermes_view *view = sodium_malloc(size);
        error = -ENOMEM;
        if (view != NULL) {
            struct carver carver = {(char *)(view + 1), size - sizeof *view, false};
            *view = (struct hermes_view){.references = 1, .content_len = len};
            view->generation = (long long)member(meta, "generation")->valuedouble;
            view->compiled_at = carve_string(&carver, member(meta, "compiled_at"));
            fill_providers(&carver, view, member(content, "providers"));
            fill_variables(&carver, view, member(content, "env"));
            view->content = carve_bytes(&carver, bytes, len);
            const cJSON *first = member(content, "default_provider");
            view->default_provider = cJSON_IsString(first) ? carve_string(&carver, first) : NULL;
            error = carver.failed ? HERMES_CORRUPT : 0;
            if (error == 0)
                *ret = view;
            else
                sodium_free(view);
        }
    }
    delete_tree(content);
    return error;
}

/* Where the content's bytes start, given what meta says of their number; NULL when the frame is not as written. */
static const char *find_content(const char *after_meta, const char *end, const cJSON *meta, size_t *ret_len)
{
    const cJSON *bytes = member(meta, "content_bytes");
    size_t opening = strlen(SNAPSHOT_CONTENT);
    size_t closing = strlen(SNAPSHOT_CLOSING);
    size_t left = (size_t)(end - after_meta);
    if (!cJSON_IsNumber(bytes) || left < opening + closing || bytes->valuedouble != (double)(left - opening - closing))
        return NULL;
    if (memcmp(after_meta, SNAPSHOT_CONTENT, opening) != 0 || memcmp(end - closing, SNAPSHOT_CLOSING, closing) != 0)
        return NULL;
    *ret_len = left - opening - closing;
    return after_meta + opening;
}

static int check_meta(const cJSON *meta)
{
    const cJSON *format = member(meta, "format");
    const cJSON *generation = member(meta, "generation");
    if (!cJSON_IsNumber(format) || !cJSON_IsNumber(generation) || generation->valuedouble < 0 ||
        generation->valuedouble > 9007199254740992.0)
        return HERMES_CORRUPT;
    return format->valuedouble > SNAPSHOT_FORMAT ? HERMES_NEWER : 0;
}

int view_unpack(const char *bytes, size_t len, struct hermes_view **ret)
{
    size_t opening = strlen(SNAPSHOT_OPENING);
    const char *after_meta = NULL;
    if (sodium_init() < 0)
        return -ENOMEM;
    if (len < opening || memcmp(bytes, SNAPSHOT_OPENING, opening) != 0)
        return HERMES_CORRUPT;
    cJSON *meta = parse_json(bytes + opening, len - opening, &after_meta);
    int error = cJSON_IsObject(meta) ? check_meta(meta) : meta == NULL && errno == ENOMEM ? -ENOMEM : HERMES_CORRUPT;
    if (error == 0) {
        size_t content_len = 0;
        const char *content = find_content(after_meta, bytes + len, meta, &content_len);
        const cJSON *digest = member(meta, "digest");
        error = HERMES_CORRUPT;
        if (content != NULL && cJSON_IsString(digest) &&
            strcmp(digest_of(content, content_len).text, digest->valuestring) == 0)
            error = fill_view(ret, meta, content, content_len);
    }
    cJSON_Delete(meta);
    return error;
}

const struct hermes_view *hermes_view_ref(const struct hermes_view *view)
{
    if (view != NULL)
        atomic_fetch_add(&((struct hermes_view *)view)->references, 1);
    return view;
}

void hermes_view_unref(const struct hermes_view *view)
{
    if (view != NULL && atomic_fetch_sub(&((struct hermes_view *)view)->references, 1) == 1)
        sodium_free((struct hermes_view *)view);
}

long long hermes_generation(const struct hermes_view *view)
{
    return view->generation;
}

const char *hermes_compiled_at(const struct hermes_view *view)
{
    return view->compiled_at;
}

const char *hermes_content(const struct hermes_view *view, size_t *ret_len)
{
    *ret_len = view->content_len;
    return view->content;
}

const char *hermes_default_provider(const struct hermes_view *view)
{
    return view->default_provider;
}

size_t hermes_provider_count(const struct hermes_view *view)
{
    return view->provider_count;
}

const struct hermes_provider *hermes_provider_at(const struct hermes_view *view, size_t index)
{
    return index < view->provider_count ? &view->providers[index] : NULL;
}

static const struct hermes_provider *by_id(const struct hermes_view *view, const char *id)
{
    const struct hermes_provider key = {.id = id};
    const struct hermes_provider *wanted = &key;
    if (view->provider_count == 0)
        return NULL;
    const struct hermes_provider *const *found =
        bsearch(&wanted, view->by_id, view->provider_count, sizeof wanted, compare_providers);
    return found == NULL ? NULL : *found;
}

/* As Hermes resolves a name: its own ids before everything, a custom provider before an alias. */
const struct hermes_provider *hermes_provider(const struct hermes_view *view, const char *name)
{
    char custom[256] = "custom:";
    char given[sizeof custom];
    const struct hermes_provider *found = by_id(view, name);
    const struct provider_row *row = found == NULL ? provider_find(name) : NULL;
    if (found != NULL ||
        (row != NULL && provider_normalise(name, given, sizeof given) < sizeof given && strcmp(row->id, given) == 0))
        return found != NULL ? found : by_id(view, row->id);
    size_t room = sizeof custom - strlen(custom);
    if (provider_normalise(name, custom + strlen(custom), room) < room) {
        bool prefixed = strncmp(custom + 7, "custom:", 7) == 0;
        found = by_id(view, prefixed ? custom + 7 : custom);
    }
    return found != NULL || row == NULL ? found : by_id(view, row->id);
}

const char *hermes_variable(const struct hermes_view *view, const char *name)
{
    struct variable wanted = {.name = name};
    if (view->variable_count == 0)
        return NULL;
    const struct variable *found =
        bsearch(&wanted, view->variables, view->variable_count, sizeof wanted, compare_variables);
    return found == NULL ? NULL : found->value;
}
