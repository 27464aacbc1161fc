#include "view.h"

#include <errno.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>
#include <sodium.h>

#include "fingerprint.h"
#include "json_token.h"
#include "learned_keys.h"
#include "parse_json.h"
#include "plain_name.h"
#include "provider_table.h"
#include "snapshot_format.h"

struct variable {
    const char *name;
    const char *value;
};

/* One sodium_malloc block: this, then the arrays, then the strings. The content stays where it was read. */
struct hermes_view {
    atomic_uint references;
    long long generation;
    struct digest digest; /* of the content */
    const char *compiled_at;
    char *bytes; /* the file, when it is ours to free */
    const char *content;
    size_t content_len;
    const char *default_provider;
    struct hermes_provider *providers;
    size_t provider_count;
    const struct hermes_provider **by_id; /* the same, sorted by id */
    const char **aliases;                 /* of each of them; NULL where it has none */
    struct hermes_fallback *fallbacks;
    size_t fallback_count;
    struct hermes_model_alias *model_aliases;
    size_t model_alias_count;
    struct variable *variables;
    size_t variable_count;
};

/* Carves the block. `left` reaching zero early means that the counting pass and
 * the filling pass disagree. */
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

static const char *carve_text(struct carver *carver, struct json_token token)
{
    char *copy = token.kind == JSON_TEXT || token.kind == JSON_NAME ? carve(carver, token.len + 1, 1) : NULL;
    if (copy == NULL)
        return "";
    copy[json_token_unescape(token, copy)] = '\0';
    return copy;
}

/* --- The content, read where it lies: a tree on the heap would be full of keys
 * --- */

static bool is_object(struct json_token value)
{
    return value.kind == JSON_OPEN && *value.bytes == '{';
}

static size_t count(struct json_tokens container)
{
    struct json_token name;
    struct json_token value;
    size_t number = 0;
    while (json_token_child(&container, &name, &value) && json_token_skip(&container, value))
        number++;
    return number;
}

struct picked {
    struct json_token value; /* its first token */
    struct json_tokens inside;
};

/* The members of these NAMES, of two with one name the first; JSON_NONE: there is none. OBJECT goes past its end. */
static void pick(struct json_tokens *object, const char *const *names, size_t number, struct picked *ret)
{
    struct json_token name;
    struct json_token value;
    for (size_t i = 0; i < number; i++)
        ret[i] = (struct picked){{JSON_NONE, object->at, 0}, json_tokens(object->end, 0)};
    while (json_token_child(object, &name, &value)) {
        for (size_t i = 0; i < number; i++)
            if (ret[i].value.kind == JSON_NONE && json_token_is(name, names[i], strlen(names[i])))
                ret[i] = (struct picked){value, value.kind == JSON_OPEN ? *object : ret[i].inside};
        if (!json_token_skip(object, value))
            return;
    }
}

static unsigned number_in(struct json_token value)
{
    unsigned long number = 0;
    for (size_t i = 0; value.kind == JSON_SCALAR && i < value.len; i++) {
        if (value.bytes[i] < '0' || value.bytes[i] > '9' || number > UINT_MAX / 10 - 1)
            return 0;
        number = number * 10 + (unsigned long)(value.bytes[i] - '0');
    }
    return (unsigned)number;
}

/* The parts of the content. */
enum { SOURCES, CONFIG, ENV, FIRST, FALLBACKS, MODEL_ALIASES, PROVIDERS, PARTS };
static const char *const part_names[PARTS] = {"sources",   "config",        "env",      "default_provider",
                                              "fallbacks", "model_aliases", "providers"};

/* What a provider's credentials will need; 0 when one of them, or of their origins, is no object. */
static size_t credentials_size(struct json_tokens credentials)
{
    static const char *const names[] = {"origins"};
    struct json_token name;
    struct json_token value;
    struct picked origins;
    size_t size = 64;
    while (json_token_child(&credentials, &name, &value)) {
        if (!is_object(value))
            return 0;
        pick(&credentials, names, 1, &origins);
        size += sizeof(struct hermes_credential) + 64;
        for (; json_token_child(&origins.inside, &name, &value); (void)json_token_skip(&origins.inside, value)) {
            if (!is_object(value))
                return 0;
            size += sizeof(struct hermes_origin);
        }
    }
    return size;
}

/* Upper bound of what carving will need; 0 when something is no object that fill_* would take apart without looking.
 * Every string is at most as long as its JSON text, whose quotes pay for its NUL. */
static size_t block_size(const struct picked *parts, size_t content_len)
{
    static const char *const names[] = {"credentials", "headers"};
    struct json_tokens providers = parts[PROVIDERS].inside;
    struct json_token name;
    struct json_token value;
    struct picked members[2];
    size_t size = sizeof(struct hermes_view) + 1024 + content_len;
    if (!is_object(parts[ENV].value) || !is_object(parts[CONFIG].value) || !is_object(parts[PROVIDERS].value) ||
        parts[SOURCES].value.kind != JSON_OPEN || *parts[SOURCES].value.bytes != '[')
        return 0;
    size += count(parts[ENV].inside) * sizeof(struct variable);
    size += count(parts[FALLBACKS].inside) * sizeof(struct hermes_fallback);
    size += count(parts[MODEL_ALIASES].inside) * sizeof(struct hermes_model_alias);
    while (json_token_child(&providers, &name, &value)) {
        if (!is_object(value))
            return 0;
        pick(&providers, names, 2, members);
        size_t credentials = credentials_size(members[0].inside);
        if (credentials == 0)
            return 0;
        size += sizeof(struct hermes_provider) + sizeof(struct hermes_provider *) + sizeof(char *) + credentials;
        size += FINGERPRINT_SIZE;
        size += count(members[1].inside) * sizeof(struct hermes_header) + 64;
    }
    return size;
}

static void fill_origins(struct carver *carver, struct hermes_credential *credential, struct json_tokens origins)
{
    static const char *const names[] = {"path", "key", "line", "column"};
    size_t number = count(origins);
    struct hermes_origin *out = carve(carver, number * sizeof *out, _Alignof(struct hermes_origin));
    struct json_token name;
    struct json_token value;
    struct picked members[4];
    if (out == NULL)
        return;
    for (size_t i = 0; i < number && json_token_child(&origins, &name, &value); i++) {
        pick(&origins, names, 4, members);
        out[i] = (struct hermes_origin){
            .path = carve_text(carver, members[0].value),
            .key = carve_text(carver, members[1].value),
            .line = number_in(members[2].value),
            .column = number_in(members[3].value),
        };
    }
    credential->origins = out;
    credential->origin_count = number;
}

/* An empty secret is one only where the server needs no key. */
static bool goes_out(struct json_token secret, struct json_token auth_type)
{
    return (secret.kind == JSON_TEXT && secret.len > 0) || json_token_is(auth_type, "none", strlen("none"));
}

static void fill_credentials(struct carver *carver, struct hermes_provider *provider, struct json_tokens credentials)
{
    static const char *const names[] = {"id", "label", "secret", "fingerprint", "origins", "base_url", "auth_type"};
    size_t number = count(credentials);
    size_t used = 0;
    struct hermes_credential *out = carve(carver, number * sizeof *out, _Alignof(struct hermes_credential));
    struct json_token name;
    struct json_token value;
    struct picked members[7];
    if (out == NULL)
        return;
    for (size_t i = 0; i < number && json_token_child(&credentials, &name, &value); i++) {
        pick(&credentials, names, 7, members);
        bool own_url = members[5].value.kind == JSON_TEXT;
        if (!goes_out(members[2].value, members[6].value))
            continue;
        out[used] = (struct hermes_credential){
            .id = carve_text(carver, members[0].value),
            .label = carve_text(carver, members[1].value),
            .secret = carve_text(carver, members[2].value),
            .fingerprint = carve_text(carver, members[3].value),
            .base_url = own_url ? carve_text(carver, members[5].value) : provider->base_url,
        };
        fill_origins(carver, &out[used++], members[4].inside);
    }
    provider->credentials = out;
    provider->credential_count = used;
}

static void fill_headers(struct carver *carver, struct hermes_provider *provider, struct json_tokens headers)
{
    size_t number = count(headers);
    struct hermes_header *out = carve(carver, number * sizeof *out, _Alignof(struct hermes_header));
    struct json_token name;
    struct json_token value;
    if (out == NULL)
        return;
    for (size_t i = 0; i < number && json_token_child(&headers, &name, &value); (void)json_token_skip(&headers, value))
        out[i++] = (struct hermes_header){.name = carve_text(carver, name), .value = carve_text(carver, value)};
    provider->headers = out;
    provider->header_count = number;
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

/* By all keys of the snapshot: one may stand where the name of another provider belongs. */
static void fill_shown(struct carver *carver, struct hermes_view *view)
{
    for (size_t i = 0; i < view->provider_count; i++)
        for (size_t k = 0; k < view->providers[i].credential_count; k++) {
            const char *secret = view->providers[i].credentials[k].secret;
            learned_keys_add(secret, strlen(secret));
        }
    for (size_t i = 0; i < view->provider_count; i++) {
        struct fingerprint print;
        struct hermes_provider *provider = &view->providers[i];
        const char *shown = plain_name_or_print(provider->id, &print);
        provider->shown = shown == provider->id ? shown : carve_bytes(carver, shown, strlen(shown));
    }
}

static void fill_providers(struct carver *carver, struct hermes_view *view, struct json_tokens providers)
{
    static const char *const names[] = {"base_url", "strategy", "auth",    "credentials",
                                        "headers",  "alias",    "ca_file", "verify"};
    struct picked members[8];
    struct json_token name;
    struct json_token value;
    view->provider_count = count(providers);
    view->providers = carve(carver, view->provider_count * sizeof *view->providers, _Alignof(struct hermes_provider));
    view->aliases = carve(carver, view->provider_count * sizeof *view->aliases, _Alignof(char *));
    if (view->providers == NULL || view->aliases == NULL)
        return;
    for (size_t i = 0; i < view->provider_count && json_token_child(&providers, &name, &value); i++) {
        struct hermes_provider *provider = &view->providers[i];
        pick(&providers, names, 8, members);
        *provider = (struct hermes_provider){
            .id = carve_text(carver, name),
            .base_url = carve_text(carver, members[0].value),
            .strategy = carve_text(carver, members[1].value),
            .auth = carve_text(carver, members[2].value),
            .ca_file = members[6].value.kind == JSON_TEXT ? carve_text(carver, members[6].value) : NULL,
            .unverified = json_token_is(members[7].value, "false", 5),
        };
        fill_credentials(carver, provider, members[3].inside);
        fill_headers(carver, provider, members[4].inside);
        view->aliases[i] = members[5].value.kind == JSON_TEXT ? carve_text(carver, members[5].value) : NULL;
    }
    fill_shown(carver, view);
    sort_providers(carver, view);
}

/* False: an item is no object. */
static bool fill_fallbacks(struct carver *carver, struct hermes_view *view, struct json_tokens fallbacks)
{
    static const char *const names[] = {"provider", "model"};
    struct picked members[2];
    struct json_token name;
    struct json_token value;
    view->fallback_count = count(fallbacks);
    view->fallbacks = carve(carver, view->fallback_count * sizeof *view->fallbacks, _Alignof(struct hermes_fallback));
    for (size_t i = 0; view->fallbacks != NULL && i < view->fallback_count; i++) {
        if (!json_token_child(&fallbacks, &name, &value) || !is_object(value))
            return false;
        pick(&fallbacks, names, 2, members);
        view->fallbacks[i] = (struct hermes_fallback){.provider = carve_text(carver, members[0].value),
                                                      .model = carve_text(carver, members[1].value)};
    }
    return true;
}

static bool fill_model_aliases(struct carver *carver, struct hermes_view *view, struct json_tokens aliases)
{
    static const char *const names[] = {"name", "provider", "model"};
    struct picked members[3];
    struct json_token name;
    struct json_token value;
    view->model_alias_count = count(aliases);
    view->model_aliases =
        carve(carver, view->model_alias_count * sizeof *view->model_aliases, _Alignof(struct hermes_model_alias));
    for (size_t i = 0; view->model_aliases != NULL && i < view->model_alias_count; i++) {
        if (!json_token_child(&aliases, &name, &value) || !is_object(value))
            return false;
        pick(&aliases, names, 3, members);
        view->model_aliases[i] = (struct hermes_model_alias){.name = carve_text(carver, members[0].value),
                                                             .provider = carve_text(carver, members[1].value),
                                                             .model = carve_text(carver, members[2].value)};
    }
    return true;
}

static int compare_variables(const void *a, const void *b)
{
    return strcmp(((const struct variable *)a)->name, ((const struct variable *)b)->name);
}

static void fill_variables(struct carver *carver, struct hermes_view *view, struct json_tokens env)
{
    struct json_token name;
    struct json_token value;
    view->variable_count = count(env);
    view->variables = carve(carver, view->variable_count * sizeof *view->variables, _Alignof(struct variable));
    if (view->variables == NULL)
        return;
    for (size_t i = 0; i < view->variable_count && json_token_child(&env, &name, &value);
         (void)json_token_skip(&env, value))
        view->variables[i++] = (struct variable){.name = carve_text(carver, name), .value = carve_text(carver, value)};
    if (view->variable_count > 1)
        qsort(view->variables, view->variable_count, sizeof *view->variables, compare_variables);
}

static struct hermes_view *new_view(size_t size, struct carver *ret_carver)
{
    size = (size + 15) & ~(size_t)15; /* sodium_malloc ends at a page: only a
                                       multiple of 16 is aligned at its start */
    struct hermes_view *view = sodium_malloc(size);
    if (view != NULL)
        *ret_carver = (struct carver){(char *)(view + 1), size - sizeof *view, false};
    return view;
}

static int fill_view(struct hermes_view **ret, const cJSON *meta, const struct digest *digest, const char *bytes,
                     size_t len)
{
    struct carver carver;
    struct picked parts[PARTS];
    struct json_tokens content = json_tokens(bytes, len);
    if (!json_token_valid(bytes, len) || !is_object(json_token_next(&content)))
        return HERMES_CORRUPT;
    pick(&content, part_names, PARTS, parts);
    size_t size = block_size(parts, len);
    if (size == 0)
        return HERMES_CORRUPT;
    struct hermes_view *view = new_view(size, &carver);
    if (view == NULL)
        return -ENOMEM;
    *view = (struct hermes_view){.references = 1, .content = bytes, .content_len = len, .digest = *digest};
    view->generation = (long long)cJSON_GetObjectItemCaseSensitive(meta, "generation")->valuedouble;
    const cJSON *compiled_at = cJSON_GetObjectItemCaseSensitive(meta, "compiled_at");
    const char *when = cJSON_IsString(compiled_at) ? compiled_at->valuestring : "";
    view->compiled_at = carve_bytes(&carver, when, strlen(when));
    fill_providers(&carver, view, parts[PROVIDERS].inside);
    fill_variables(&carver, view, parts[ENV].inside);
    view->default_provider = parts[FIRST].value.kind == JSON_TEXT ? carve_text(&carver, parts[FIRST].value) : NULL;
    if (!fill_fallbacks(&carver, view, parts[FALLBACKS].inside) ||
        !fill_model_aliases(&carver, view, parts[MODEL_ALIASES].inside) || carver.failed) {
        sodium_free(view);
        return HERMES_CORRUPT;
    }
    *ret = view;
    return 0;
}

/* Where the content's bytes start, given what meta says of their number; NULL
 * when the frame is not as written. */
static const char *find_content(const char *after_meta, const char *end, const cJSON *meta, size_t *ret_len)
{
    const cJSON *bytes = cJSON_GetObjectItemCaseSensitive(meta, "content_bytes");
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

/* Whether what META, its LEN bytes in the file, says of itself is true; snapshots of older compilers say nothing. */
static bool meta_is_whole(const cJSON *meta, const char *bytes, size_t len)
{
    static const char name[] = ",\"meta_digest\":\"";
    const cJSON *digest = cJSON_GetObjectItemCaseSensitive(meta, "meta_digest");
    const size_t tail = strlen(name) + DIGEST_SIZE - 1 + strlen("\"}");
    if (digest == NULL)
        return true;
    return cJSON_IsString(digest) && len > tail && memcmp(bytes + len - tail, name, strlen(name)) == 0 &&
           strcmp(fingerprint_digest(bytes, len - tail).text, digest->valuestring) == 0;
}

static int check_meta(const cJSON *meta)
{
    const cJSON *format = cJSON_GetObjectItemCaseSensitive(meta, "format");
    const cJSON *generation = cJSON_GetObjectItemCaseSensitive(meta, "generation");
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
        const cJSON *told = cJSON_GetObjectItemCaseSensitive(meta, "digest");
        const char *meta_bytes = bytes + opening;
        error = HERMES_CORRUPT;
        if (content != NULL && cJSON_IsString(told) &&
            meta_is_whole(meta, meta_bytes, (size_t)(after_meta - meta_bytes))) {
            const struct digest digest = fingerprint_digest(content, content_len);
            error = strcmp(digest.text, told->valuestring) == 0 ? fill_view(ret, meta, &digest, content, content_len)
                                                                : HERMES_CORRUPT;
        }
    }
    cJSON_Delete(meta);
    return error;
}

bool view_same(const struct hermes_view *a, const struct hermes_view *b)
{
    return a->generation == b->generation && strcmp(a->digest.text, b->digest.text) == 0;
}

void view_adopt(struct hermes_view *view, char *bytes)
{
    view->bytes = bytes;
    bytes[view->content - bytes + (ptrdiff_t)view->content_len] = '\0';
}

const struct hermes_view *hermes_view_ref(const struct hermes_view *view)
{
    if (view != NULL)
        atomic_fetch_add(&((struct hermes_view *)view)->references, 1);
    return view;
}

void hermes_view_unref(const struct hermes_view *view)
{
    if (view == NULL || atomic_fetch_sub(&((struct hermes_view *)view)->references, 1) != 1)
        return;
    sodium_free(view->bytes);
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

const struct hermes_fallback *hermes_fallback(const struct hermes_view *view, size_t index)
{
    return index < view->fallback_count ? &view->fallbacks[index] : NULL;
}

const struct hermes_model_alias *hermes_model_alias(const struct hermes_view *view, size_t index)
{
    return index < view->model_alias_count ? &view->model_aliases[index] : NULL;
}

static const struct hermes_provider *by_alias(const struct hermes_view *view, const char *alias)
{
    for (size_t i = 0; i < view->provider_count; i++)
        if (view->aliases[i] != NULL && strcmp(view->aliases[i], alias) == 0)
            return &view->providers[i];
    return NULL;
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

/* As Hermes resolves a name: its own ids before everything, a custom provider before an alias of the table. */
const struct hermes_provider *hermes_provider(const struct hermes_view *view, const char *name)
{
    char custom[PROVIDER_NAME_SIZE + sizeof "custom:"] = "custom:"; /* the name may bring one of its own */
    char given[sizeof custom];
    const struct hermes_provider *found = by_id(view, name);
    const struct provider_row *row = found == NULL ? provider_table_find(name) : NULL;
    if (found != NULL || (row != NULL && provider_table_normalise(name, given, sizeof given) < sizeof given &&
                          strcmp(row->id, given) == 0))
        return found != NULL ? found : by_id(view, row->id);
    size_t room = sizeof custom - strlen(custom);
    if (provider_table_normalise(name, custom + strlen(custom), room) < room) {
        const char *wanted = strncmp(custom + 7, "custom:", 7) == 0 ? custom + 7 : custom;
        found = by_id(view, wanted);
        found = found != NULL ? found : by_alias(view, wanted + strlen("custom:"));
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
