#include "lives.h"

#include <string.h>

#include "exchange.h"
#include "headers.h"
#include "json_token.h"
#include "relay.h"

enum { ID_LENGTH = 200, DEPTH = 6 };

static bool begins(const char *path, size_t len, const char *name)
{
    size_t size = strlen(name);
    return len >= size && memcmp(path, name, size) == 0 && (len == size || path[size] == '/');
}

/* Where ids are made, and asked for. */
static bool keeps_state(const char *path, size_t len)
{
    static const char *const places[] = {"/files",       "/batches",      "/responses",        "/conversations",
                                         "/uploads",     "/assistants",   "/threads",          "/vector_stores",
                                         "/fine_tuning", "/containers",   "/messages/batches", "/evals",
                                         "/videos",      "/batch",        "/agents",           "/libraries",
                                         "/async",       "/async-result", "/cachedContents"};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        if (begins(path, len, places[i]))
            return true;
    return false;
}

/* Of a name of Google's, `files/abc`, or of a URL, what comes last. */
static const char *last_segment(const char *id, size_t *len)
{
    const char *slash = memrchr(id, '/', *len);
    *len -= slash == NULL ? 0 : (size_t)(slash + 1 - id);
    return slash == NULL ? id : slash + 1;
}

static bool look_up(struct exchange *x, const char *id, size_t len)
{
    id = last_segment(id, &len);
    return len > 0 && len < ID_LENGTH && x->owner[0] == '\0' &&
           owners_find(x->relay->owners, x->first_provider, id, len, x->owner);
}

static void look_in_path(struct exchange *x, const char *path, size_t len)
{
    for (const char *at = path; at < path + len;) {
        size_t segment = strcspn(at + 1, "/?");
        segment = at + 1 + segment > path + len ? (size_t)(path + len - at) - 1 : segment;
        (void)look_up(x, at + 1, segment);
        at += 1 + segment;
    }
}

static bool ends_in_id(struct json_token name)
{
    static const char *const names[] = {"id",       "conversation", "training_file", "validation_file", "file",
                                        "file_uri", "fileUri",      "cachedContent", "cached_content",  NULL};
    if (name.kind == JSON_NAME && name.len > 3 && memcmp(name.bytes + name.len - 3, "_id", 3) == 0)
        return true;
    for (size_t i = 0; name.kind == JSON_NAME && names[i] != NULL; i++)
        if (json_token_is(name, names[i], strlen(names[i])))
            return true;
    return false;
}

/* A name that ends in "_id", or an element of a list that does in "_ids", anywhere in the body. */
static void look_in_body(struct exchange *x)
{
    struct json_tokens tokens = json_tokens(bytes_at(&x->body), bytes_len(&x->body));
    struct json_token name = {JSON_NONE, bytes_at(&x->body), 0};
    bool of_list = false;
    if (bytes_len(&x->body) == 0)
        return;
    for (struct json_token t = json_token_next(&tokens); t.kind != JSON_NONE && x->owner[0] == '\0';
         t = json_token_next(&tokens)) {
        if (t.kind == JSON_TEXT && (of_list || ends_in_id(name)))
            (void)look_up(x, t.bytes, t.len);
        if (t.kind == JSON_NAME)
            of_list = t.len > 4 && memcmp(t.bytes + t.len - 4, "_ids", 4) == 0;
        if (t.kind == JSON_NAME || t.kind != JSON_TEXT)
            name = t;
    }
}

/* Whether a body may name an id at all. */
static bool may_name(const char *body, size_t len)
{
    static const char *const marks[] = {"_id\"", "ileUri\"", "ile_uri\"", "achedContent\"", "ached_content\""};
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
        if (memmem(body, len, marks[i], strlen(marks[i])) != NULL)
            return true;
    return false;
}

/* The id of an upload of Google's that has begun, in a query. */
static const char *upload_id(const char *query, size_t len, size_t *ret_len)
{
    static const char name[] = "upload_id=";
    const char *at = query == NULL ? NULL : memmem(query, len, name, sizeof name - 1);
    if (at == NULL)
        return NULL;
    at += sizeof name - 1;
    const char *and = memchr(at, '&', (size_t)(query + len - at));
    *ret_len = (size_t)((and == NULL ? query + len : and) - at);
    return at;
}

void lives_look(struct exchange *x)
{
    size_t len;
    size_t id_len;
    const char *path = route_path(&x->route, &len);
    const char *body = bytes_at(&x->body);
    bool kept = keeps_state(path, len);
    x->owner[0] = '\0';
    if (!owners_any(x->relay->owners))
        return;
    const char *query = x->route.query;
    const char *upload = upload_id(query, query == NULL ? 0 : strlen(query), &id_len);
    if (upload != NULL)
        (void)look_up(x, upload, id_len);
    if (kept)
        look_in_path(x, path, len);
    if (x->owner[0] == '\0' && body != NULL && (kept || may_name(body, bytes_len(&x->body))))
        look_in_body(x);
}

/* `files/abc`, `cachedContents/abc`, `batches/abc` */
static bool is_googles(struct json_token name)
{
    static const char *const kinds[] = {"files/", "cachedContents/", "batches/"};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (name.len > strlen(kinds[i]) && memcmp(name.bytes, kinds[i], strlen(kinds[i])) == 0)
            return true;
    return false;
}

/* The ids that an object gives: its own, those whose names end so, and those of the objects in it. */
static void note_object(struct exchange *x, const struct attempt *attempt, struct json_tokens object, int depth)
{
    struct json_token name;
    struct json_token value;
    const struct hermes_attempt *key = &attempt->key;
    while (json_token_child(&object, &name, &value)) {
        bool nested = value.kind == JSON_OPEN && *value.bytes == '{' && depth < DEPTH &&
                      (json_token_is(name, "response", 8) || json_token_is(name, "conversation", 12) ||
                       json_token_is(name, "file", 4));
        bool named = json_token_is(name, "name", 4) && value.kind == JSON_TEXT && is_googles(value);
        if (value.kind == JSON_TEXT && value.len < ID_LENGTH && (named || ends_in_id(name))) {
            size_t len = value.len;
            const char *id = last_segment(value.bytes, &len);
            owners_note(x->relay->owners, key->provider->id, id, len, key->credential->fingerprint);
        }
        if (nested)
            note_object(x, attempt, object, depth + 1);
        if (!json_token_skip(&object, value))
            return;
    }
}

/* What has begun with a key goes on with it. */
static void note_upload(struct exchange *x, const struct attempt *attempt)
{
    char url[4096];
    size_t len;
    const struct hermes_attempt *key = &attempt->key;
    const char *value = headers_value(&attempt->headers, HEADERS_UPLOAD_URL, url, sizeof url);
    const char *id = upload_id(value, value == NULL ? 0 : strlen(value), &len);
    if (id != NULL && len > 0 && len < ID_LENGTH)
        owners_note(x->relay->owners, key->provider->id, id, len, key->credential->fingerprint);
}

void lives_note(struct exchange *x, const struct attempt *attempt)
{
    size_t len;
    if (x->route.upload && attempt->status / 100 == 2)
        note_upload(x, attempt);
    const char *path = route_path(&x->route, &len);
    const char *body = bytes_at(&attempt->body);
    size_t body_len = bytes_len(&attempt->body);
    if (attempt->status / 100 != 2 || body_len == 0 || !keeps_state(path, len))
        return;
    const char *data = attempt->hold == HOLD_EVENT ? memmem(body, body_len, "data:", 5) : body;
    if (data == NULL)
        return;
    data += attempt->hold == HOLD_EVENT ? 5 : 0;
    struct json_tokens tokens = json_tokens(data, (size_t)(body + body_len - data));
    struct json_token first = json_token_next(&tokens);
    if (first.kind == JSON_OPEN && *first.bytes == '{')
        note_object(x, attempt, tokens, 0);
}
