#include "etcd.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>
#include <curl/curl.h>
#include <sodium.h>

#include "arena.h"
#include "http_only.h"

enum { CONNECT_MS = 2000, CALL_MS = 5000, KEEP_ALIVE_S = 30 };

/* What gRPC answers with, as far as it matters here. */
enum grpc_code {
    GRPC_INVALID = 3,
    GRPC_DENIED = 7,
    GRPC_EXHAUSTED = 8,
    GRPC_PRECONDITION = 9,
    GRPC_OUT_OF_RANGE = 11,
    GRPC_UNAVAILABLE = 14,
    GRPC_UNAUTHENTICATED = 16
};

struct bytes {
    char *at;
    size_t len;
    size_t capacity;
    size_t most;
};

struct etcd {
    struct etcd_access access;
    size_t at; /* the endpoint that is asked first */
    CURL *curl;
    char *token; /* of the user; NULL: none yet */
    struct bytes answer;
    char cluster[32];
    char trouble[512];
    char curl_error[CURL_ERROR_SIZE];
};

struct etcd_watch {
    struct etcd *etcd;
    size_t at; /* its endpoint */
    CURLM *multi;
    CURL *curl;
    struct curl_slist *headers;
    char *request;
    struct bytes lines;
    bool too_long;
    char curl_error[CURL_ERROR_SIZE];
};

/* --- bytes --- */

static bool keep(struct bytes *bytes, const char *more, size_t len)
{
    if (len > bytes->most - bytes->len)
        return false;
    if (bytes->len + len + 1 > bytes->capacity) {
        size_t capacity = 2 * (bytes->len + len + 1);
        char *grown = realloc(bytes->at, capacity);
        if (grown == NULL)
            return false;
        bytes->at = grown;
        bytes->capacity = capacity;
    }
    memcpy(bytes->at + bytes->len, more, len);
    bytes->len += len;
    bytes->at[bytes->len] = '\0';
    return true;
}

static void give_back(struct bytes *bytes)
{
    free(bytes->at);
    bytes->at = NULL;
    bytes->len = bytes->capacity = 0;
}

/* --- from its beginning to its end --- */

struct etcd *etcd_create(const struct etcd_access *access)
{
    struct etcd *etcd = calloc(1, sizeof *etcd);
    if (etcd == NULL)
        return NULL;
    etcd->access = *access;
    etcd->answer.most = ETCD_ANSWER_MOST;
    etcd->at = access->endpoint_count > 1 ? randombytes_uniform((uint32_t)access->endpoint_count) : 0;
    return etcd;
}

static void forget_token(struct etcd *etcd)
{
    if (etcd->token == NULL)
        return;
    sodium_memzero(etcd->token, strlen(etcd->token));
    free(etcd->token);
    etcd->token = NULL;
}

void etcd_destroy(struct etcd *etcd)
{
    if (etcd == NULL)
        return;
    if (etcd->curl != NULL)
        curl_easy_cleanup(etcd->curl);
    forget_token(etcd);
    give_back(&etcd->answer);
    free(etcd);
}

const char *etcd_trouble(const struct etcd *etcd)
{
    return etcd->trouble;
}

const char *etcd_cluster(const struct etcd *etcd)
{
    return etcd->cluster;
}

static const char *endpoint(const struct etcd *etcd)
{
    return etcd->access.endpoints[etcd->at];
}

/* What a stranger said is shown without control characters, and not all of it. */
static void note(struct etcd *etcd, const char *text)
{
    (void)snprintf(etcd->trouble, sizeof etcd->trouble, "%s: %.300s", endpoint(etcd), text);
    for (char *c = etcd->trouble; *c != '\0'; c++)
        if ((unsigned char)*c < ' ' || *c == 127)
            *c = ' ';
}

/* --- a request --- */

static size_t take_answer(char *data, size_t size, size_t count, void *etcd)
{
    return keep(&((struct etcd *)etcd)->answer, data, size * count) ? size * count : 0;
}

static bool set_common(const struct etcd *etcd, CURL *curl, struct curl_slist *headers, char *error)
{
    const struct etcd_access *access = &etcd->access;
    bool set = http_only(curl) == CURLE_OK && curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
               curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L) == CURLE_OK &&
               curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 2L) == CURLE_OK &&
               curl_easy_setopt(curl, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED) == CURLE_OK &&
               curl_easy_setopt(curl, CURLOPT_PROXY, "") == CURLE_OK &&
               curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) == CURLE_OK &&
               curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS) == CURLE_OK &&
               curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
               curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers) == CURLE_OK &&
               curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, error) == CURLE_OK &&
               curl_easy_setopt(curl, CURLOPT_TCP_KEEPALIVE, 1L) == CURLE_OK &&
               curl_easy_setopt(curl, CURLOPT_TCP_KEEPIDLE, (long)KEEP_ALIVE_S) == CURLE_OK;
    if (access->ca_file != NULL)
        set = set && curl_easy_setopt(curl, CURLOPT_CAINFO, access->ca_file) == CURLE_OK;
    if (access->cert_file != NULL)
        set = set && curl_easy_setopt(curl, CURLOPT_SSLCERT, access->cert_file) == CURLE_OK &&
              curl_easy_setopt(curl, CURLOPT_SSLKEY, access->cert_key_file) == CURLE_OK;
    return set;
}

static struct curl_slist *headers_of(const struct etcd *etcd, bool with_token)
{
    char *line = NULL;
    struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
    headers = curl_slist_append(headers, "Expect:"); /* no pause before a long body */
    if (!with_token || etcd->token == NULL || asprintf(&line, "Authorization: %s", etcd->token) < 0)
        return headers;
    headers = curl_slist_append(headers, line);
    sodium_memzero(line, strlen(line));
    free(line);
    return headers;
}

static CURLcode perform(struct etcd *etcd, const char *path, const char *body, bool with_token)
{
    char url[1024];
    struct curl_slist *headers = headers_of(etcd, with_token);
    if (etcd->curl == NULL)
        etcd->curl = curl_easy_init();
    etcd->answer.len = 0;
    *etcd->curl_error = '\0';
    (void)snprintf(url, sizeof url, "%s%s", endpoint(etcd), path);
    CURL *curl = etcd->curl;
    bool set = curl != NULL && set_common(etcd, curl, headers, etcd->curl_error) &&
               curl_easy_setopt(curl, CURLOPT_URL, url) == CURLE_OK &&
               curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body) == CURLE_OK &&
               curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)CALL_MS) == CURLE_OK &&
               curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_answer) == CURLE_OK &&
               curl_easy_setopt(curl, CURLOPT_WRITEDATA, etcd) == CURLE_OK;
    CURLcode code = set ? curl_easy_perform(curl) : CURLE_FAILED_INIT;
    if (curl != NULL)
        (void)curl_easy_setopt(curl, CURLOPT_HTTPHEADER, NULL);
    curl_slist_free_all(headers);
    return code;
}

/* --- what was answered --- */

static const char *text_of(const cJSON *object, const char *name)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));
    return text != NULL ? text : "";
}

/* etcd writes numbers of 64 bits as strings. */
static long long number_of(const cJSON *object, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);
    return cJSON_IsString(item)   ? strtoll(item->valuestring, NULL, 10)
           : cJSON_IsNumber(item) ? (long long)item->valuedouble
                                  : 0;
}

static bool is_certificate(CURLcode code)
{
    return code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CERTPROBLEM || code == CURLE_SSL_CACERT_BADFILE;
}

static int error_of_code(long long code)
{
    switch (code) {
    case GRPC_OUT_OF_RANGE:
        return ETCD_COMPACTED;
    case GRPC_INVALID:
    case GRPC_DENIED:
    case GRPC_EXHAUSTED:
    case GRPC_PRECONDITION:
    case GRPC_UNAUTHENTICATED:
        return ETCD_REFUSED;
    default:
        return ETCD_AWAY;
    }
}

/* etcd up to 3.5.15 says {error, code, message}, and in a stream {error: {grpc_code, message}}; later ones say
 * {code, message}, and {error: {code, message}}. */
static bool is_refusal(const cJSON *object)
{
    return cJSON_GetObjectItemCaseSensitive(object, "error") != NULL ||
           (cJSON_IsNumber(cJSON_GetObjectItemCaseSensitive(object, "code")) && *text_of(object, "message") != '\0');
}

/* OBJECT says that something failed. */
static int refusal_of(struct etcd *etcd, const cJSON *object, long long *ret_code)
{
    const cJSON *inner = cJSON_GetObjectItemCaseSensitive(object, "error");
    const cJSON *error = cJSON_IsObject(inner) ? inner : object;
    const char *message = text_of(error, "message");
    *ret_code = number_of(error, cJSON_HasObjectItem(error, "grpc_code") ? "grpc_code" : "code");
    note(etcd, *message != '\0' ? message : text_of(object, "error"));
    return error_of_code(*ret_code);
}

static int nonsense(struct etcd *etcd, long status)
{
    char text[64];
    if (status >= 300 && status < 400)
        (void)snprintf(text, sizeof text, "redirects elsewhere (HTTP %ld); redirects are not followed", status);
    else
        (void)snprintf(text, sizeof text, "the server there is not etcd (HTTP %ld)", status);
    note(etcd, text);
    return status / 100 == 5 ? ETCD_AWAY : ETCD_NONSENSE;
}

static int failed(struct etcd *etcd, CURLcode code, const char *words)
{
    if (code == CURLE_WRITE_ERROR)
        note(etcd, "the answer is larger than 32 MiB");
    else
        note(etcd, *words != '\0' ? words : curl_easy_strerror(code));
    return code == CURLE_WRITE_ERROR ? ETCD_NONSENSE : is_certificate(code) ? ETCD_REFUSED : ETCD_AWAY;
}

static void learn_cluster(struct etcd *etcd, const cJSON *answer)
{
    const char *cluster = text_of(cJSON_GetObjectItemCaseSensitive(answer, "header"), "cluster_id");
    if (*cluster != '\0')
        (void)snprintf(etcd->cluster, sizeof etcd->cluster, "%s", cluster);
}

/* Of the answer that has come. *RET_CODE: gRPC's. */
static int judge(struct etcd *etcd, cJSON **ret, long long *ret_code)
{
    long status = 0;
    (void)curl_easy_getinfo(etcd->curl, CURLINFO_RESPONSE_CODE, &status);
    cJSON *answer = etcd->answer.len == 0 ? NULL : cJSON_ParseWithLength(etcd->answer.at, etcd->answer.len);
    int error = 0;
    *ret_code = 0;
    if (!cJSON_IsObject(answer) || (status / 100 == 3))
        error = nonsense(etcd, status);
    else if (status != 200)
        error = is_refusal(answer) ? refusal_of(etcd, answer, ret_code) : nonsense(etcd, status);
    const cJSON *result = cJSON_GetObjectItemCaseSensitive(answer, "result"); /* of a stream */
    const cJSON *header = cJSON_GetObjectItemCaseSensitive(result != NULL ? result : answer, "header");
    if (error == 0 && !cJSON_IsObject(header))
        error = nonsense(etcd, status);
    if (error == 0) {
        learn_cluster(etcd, result != NULL ? result : answer);
        *ret = answer;
        return 0;
    }
    cJSON_Delete(answer);
    return error;
}

static int call_once(struct etcd *etcd, const char *path, const char *body, bool with_token, cJSON **ret,
                     long long *ret_code)
{
    *ret_code = 0;
    CURLcode code = perform(etcd, path, body, with_token);
    return code != CURLE_OK ? failed(etcd, code, etcd->curl_error) : judge(etcd, ret, ret_code);
}

static int authenticate(struct etcd *etcd)
{
    cJSON *answer = NULL;
    long long code;
    cJSON *request = cJSON_CreateObject();
    (void)cJSON_AddStringToObject(request, "name", etcd->access.username);
    (void)cJSON_AddStringToObject(request, "password", etcd->access.password != NULL ? etcd->access.password : "");
    char *body = cJSON_PrintUnformatted(request);
    cJSON *password = cJSON_GetObjectItemCaseSensitive(request, "password");
    if (cJSON_IsString(password))
        sodium_memzero(password->valuestring, strlen(password->valuestring));
    cJSON_Delete(request);
    if (body == NULL)
        return ETCD_AWAY;
    int error = call_once(etcd, "/v3/auth/authenticate", body, false, &answer, &code);
    sodium_memzero(body, strlen(body));
    free(body);
    if (error == 0)
        etcd->token = strdup(text_of(answer, "token"));
    if (etcd->answer.at != NULL)
        sodium_memzero(etcd->answer.at, etcd->answer.len);
    cJSON_Delete(answer);
    return error;
}

/* At one endpoint. A token that has grown old is replaced. */
static int call_here(struct etcd *etcd, const char *path, const char *body, cJSON **ret)
{
    long long code = 0;
    for (int i = 0;; i++) {
        int error = etcd->access.username != NULL && etcd->token == NULL ? authenticate(etcd) : 0;
        if (error == 0)
            error = call_once(etcd, path, body, true, ret, &code);
        if (error == 0 || code != GRPC_UNAUTHENTICATED || etcd->access.username == NULL || i > 0)
            return error;
        forget_token(etcd);
    }
}

/* Takes REQUEST. */
static int call(struct etcd *etcd, const char *path, cJSON *request, cJSON **ret)
{
    char *body = cJSON_PrintUnformatted(request);
    int error = ETCD_AWAY;
    cJSON_Delete(request);
    for (size_t i = 0; body != NULL && i < etcd->access.endpoint_count; i++) {
        error = call_here(etcd, path, body, ret);
        if (error == 0 || error == ETCD_COMPACTED)
            break;
        if (error != ETCD_REFUSED || i + 1 < etcd->access.endpoint_count)
            etcd->at = (etcd->at + 1) % etcd->access.endpoint_count;
    }
    free(body);
    return error;
}

/* --- values --- */

static void add_bytes(cJSON *object, const char *name, const char *bytes, size_t len)
{
    size_t room = sodium_base64_encoded_len(len, sodium_base64_VARIANT_ORIGINAL);
    char *text = malloc(room);
    if (text == NULL)
        return;
    (void)sodium_bin2base64(text, room, (const unsigned char *)bytes, len, sodium_base64_VARIANT_ORIGINAL);
    (void)cJSON_AddStringToObject(object, name, text);
    free(text);
}

static void add_number(cJSON *object, const char *name, long long number)
{
    char text[32];
    (void)snprintf(text, sizeof text, "%lld", number);
    (void)cJSON_AddStringToObject(object, name, text);
}

static const char *bytes_of(struct arena *arena, const cJSON *object, const char *name, size_t *ret_len)
{
    const char *text = text_of(object, name);
    size_t room = strlen(text) / 4 * 3 + 3;
    char *bytes = arena_alloc(arena, room + 1);
    if (sodium_base642bin((unsigned char *)bytes, room, text, strlen(text), NULL, ret_len, NULL,
                          sodium_base64_VARIANT_ORIGINAL) != 0)
        *ret_len = 0;
    bytes[*ret_len] = '\0';
    return bytes;
}

static struct etcd_value value_of(struct arena *arena, const cJSON *kv)
{
    size_t len;
    struct etcd_value value = {.key = bytes_of(arena, kv, "key", &len),
                               .mod_revision = number_of(kv, "mod_revision"),
                               .lease = number_of(kv, "lease")};
    value.value = bytes_of(arena, kv, "value", &value.len);
    return value;
}

int etcd_range(struct etcd *etcd, struct arena *arena, const char *key, const char *end, struct etcd_values *ret)
{
    cJSON *answer = NULL;
    const cJSON *kv;
    cJSON *request = cJSON_CreateObject();
    add_bytes(request, "key", key, strlen(key));
    if (end != NULL)
        add_bytes(request, "range_end", end, strlen(end));
    int error = call(etcd, "/v3/kv/range", request, &answer);
    if (error != 0)
        return error;
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(answer, "kvs");
    struct etcd_values values = {.revision = number_of(cJSON_GetObjectItemCaseSensitive(answer, "header"), "revision")};
    values.items = arena_alloc(arena, (size_t)cJSON_GetArraySize(list) * sizeof *values.items + 1);
    cJSON_ArrayForEach(kv, list) values.items[values.count++] = value_of(arena, kv);
    cJSON_Delete(answer);
    *ret = values;
    return 0;
}

static cJSON *operation(const struct etcd_change *change)
{
    cJSON *operation = cJSON_CreateObject();
    cJSON *request = cJSON_AddObjectToObject(operation, change->value == NULL ? "request_delete_range" : "request_put");
    add_bytes(request, "key", change->key, strlen(change->key));
    if (change->value != NULL)
        add_bytes(request, "value", change->value, change->len);
    if (change->lease != 0)
        add_number(request, "lease", change->lease);
    return operation;
}

int etcd_commit(struct etcd *etcd, const char *guard, long long mod_revision, const struct etcd_change *changes,
                size_t count, bool *ret_done)
{
    cJSON *answer = NULL;
    cJSON *request = cJSON_CreateObject();
    if (guard != NULL) {
        cJSON *compare = cJSON_CreateObject();
        add_bytes(compare, "key", guard, strlen(guard));
        (void)cJSON_AddStringToObject(compare, "target", "MOD");
        (void)cJSON_AddStringToObject(compare, "result", "EQUAL");
        add_number(compare, "mod_revision", mod_revision);
        (void)cJSON_AddItemToArray(cJSON_AddArrayToObject(request, "compare"), compare);
    }
    cJSON *success = cJSON_AddArrayToObject(request, "success");
    for (size_t i = 0; i < count; i++)
        (void)cJSON_AddItemToArray(success, operation(&changes[i]));
    int error = call(etcd, "/v3/kv/txn", request, &answer);
    if (error == 0)
        *ret_done = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(answer, "succeeded"));
    cJSON_Delete(answer);
    return error;
}

/* --- leases --- */

static int call_lease(struct etcd *etcd, const char *path, long long lease, long long ttl, const char *wanted,
                      long long *ret)
{
    cJSON *answer = NULL;
    cJSON *request = cJSON_CreateObject();
    add_number(request, "ID", lease);
    if (ttl > 0)
        add_number(request, "TTL", ttl);
    int error = call(etcd, path, request, &answer);
    if (error != 0)
        return error;
    const cJSON *result = cJSON_GetObjectItemCaseSensitive(answer, "result");
    *ret = number_of(result != NULL ? result : answer, wanted);
    cJSON_Delete(answer);
    return 0;
}

int etcd_lease_grant(struct etcd *etcd, long long seconds, long long *ret)
{
    return call_lease(etcd, "/v3/lease/grant", 0, seconds, "ID", ret);
}

int etcd_lease_keep(struct etcd *etcd, long long lease, long long *ret_left)
{
    return call_lease(etcd, "/v3/lease/keepalive", lease, 0, "TTL", ret_left);
}

int etcd_lease_left(struct etcd *etcd, long long lease, long long *ret_left)
{
    return call_lease(etcd, "/v3/lease/timetolive", lease, 0, "TTL", ret_left);
}

/* --- a watch --- */

static size_t take_lines(char *data, size_t size, size_t count, void *watch)
{
    struct etcd_watch *w = watch;
    if (keep(&w->lines, data, size * count))
        return size * count;
    w->too_long = true;
    return 0;
}

/* One after the other: the gateway reads them all from one body. */
static char *watch_request(const struct etcd_range *ranges, size_t count, long long from)
{
    struct bytes body = {.most = ETCD_LINE_MOST};
    for (size_t i = 0; i < count; i++) {
        cJSON *request = cJSON_CreateObject();
        cJSON *create = cJSON_AddObjectToObject(request, "create_request");
        add_bytes(create, "key", ranges[i].key, strlen(ranges[i].key));
        if (ranges[i].end != NULL)
            add_bytes(create, "range_end", ranges[i].end, strlen(ranges[i].end));
        add_number(create, "start_revision", from);
        (void)cJSON_AddTrueToObject(create, "fragment");
        char *text = cJSON_PrintUnformatted(request);
        bool kept = text != NULL && keep(&body, text, strlen(text)) && keep(&body, "\n", 1);
        free(text);
        cJSON_Delete(request);
        if (!kept) {
            give_back(&body);
            return NULL;
        }
    }
    return body.at;
}

static bool begin_watch(struct etcd_watch *watch)
{
    char url[1024];
    struct etcd *etcd = watch->etcd;
    CURL *curl = watch->curl = curl_easy_init();
    watch->multi = curl_multi_init();
    watch->headers = headers_of(etcd, true);
    /* A member that has lost its leader is to say so, and not to stay silent. */
    watch->headers = curl_slist_append(watch->headers, "Grpc-Metadata-hasleader: true");
    (void)snprintf(url, sizeof url, "%s/v3/watch", endpoint(etcd));
    return curl != NULL && watch->multi != NULL && watch->request != NULL &&
           set_common(etcd, curl, watch->headers, watch->curl_error) &&
           curl_easy_setopt(curl, CURLOPT_URL, url) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_POSTFIELDS, watch->request) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_lines) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_WRITEDATA, watch) == CURLE_OK &&
           curl_multi_add_handle(watch->multi, curl) == CURLM_OK;
}

int etcd_watch_open(struct etcd *etcd, const struct etcd_range *ranges, size_t count, long long from,
                    struct etcd_watch **ret)
{
    struct etcd_watch *watch = calloc(1, sizeof *watch);
    if (watch == NULL)
        return ETCD_AWAY;
    watch->etcd = etcd;
    watch->at = etcd->at;
    watch->lines.most = ETCD_LINE_MOST;
    watch->request = watch_request(ranges, count, from);
    if (!begin_watch(watch)) {
        etcd_watch_close(watch);
        note(etcd, "cannot be asked: out of memory");
        return ETCD_AWAY;
    }
    *ret = watch;
    return 0;
}

void etcd_watch_wait(struct etcd_watch *watch, struct curl_waitfd *fds, unsigned count, int timeout_ms)
{
    int running;
    (void)curl_multi_perform(watch->multi, &running);
    if (running > 0 && memchr(watch->lines.at == NULL ? "" : watch->lines.at, '\n', watch->lines.len) == NULL)
        (void)curl_multi_poll(watch->multi, fds, count, timeout_ms, NULL);
    (void)curl_multi_perform(watch->multi, &running);
}

static int watch_ended(struct etcd_watch *watch)
{
    int left;
    struct etcd *etcd = watch->etcd;
    long status = 0;
    const CURLMsg *message = curl_multi_info_read(watch->multi, &left);
    if (message == NULL || message->msg != CURLMSG_DONE)
        return 0;
    (void)curl_easy_getinfo(watch->curl, CURLINFO_RESPONSE_CODE, &status);
    etcd->at = (etcd->at + 1) % etcd->access.endpoint_count;
    if (watch->too_long)
        note(etcd, "a line of the watch is longer than 8 MiB");
    else if (message->data.result == CURLE_OK && status != 200)
        return nonsense(etcd, status);
    else if (message->data.result == CURLE_OK)
        note(etcd, watch->lines.len > 0 ? "the watch ended in the middle of a line" : "the watch ended");
    else
        return failed(etcd, message->data.result, watch->curl_error);
    return watch->too_long ? ETCD_NONSENSE : ETCD_AWAY;
}

static int canceled(struct etcd *etcd, const cJSON *result)
{
    const char *reason = text_of(result, "cancel_reason");
    note(etcd, *reason != '\0' ? reason : "it ended the watch");
    if (number_of(result, "compact_revision") > 0)
        return ETCD_COMPACTED;
    return strstr(reason, "permission") != NULL ? ETCD_REFUSED : ETCD_AWAY;
}

static void add_events(struct arena *arena, const cJSON *list, struct etcd_values *values)
{
    const cJSON *event;
    values->items = arena_alloc(arena, (size_t)cJSON_GetArraySize(list) * sizeof *values->items + 1);
    cJSON_ArrayForEach(event, list)
    {
        struct etcd_value value = value_of(arena, cJSON_GetObjectItemCaseSensitive(event, "kv"));
        if (strcmp(text_of(event, "type"), "DELETE") == 0)
            value.value = NULL;
        values->items[values->count++] = value;
    }
}

static int read_line(struct etcd_watch *watch, struct arena *arena, const char *line, size_t len,
                     struct etcd_values *ret)
{
    struct etcd *etcd = watch->etcd;
    long long code;
    cJSON *root = cJSON_ParseWithLength(line, len);
    const cJSON *result = cJSON_GetObjectItemCaseSensitive(root, "result");
    int error = 0;
    if (cJSON_GetObjectItemCaseSensitive(root, "error") != NULL) {
        error = refusal_of(etcd, root, &code);
        if (code == GRPC_UNAUTHENTICATED)
            forget_token(etcd);
    } else if (!cJSON_IsObject(result)) {
        note(etcd, "a line of the watch is not from etcd");
        error = ETCD_NONSENSE;
    } else if (cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(result, "canceled"))) {
        error = canceled(etcd, result);
    } else {
        learn_cluster(etcd, result);
        ret->revision = number_of(cJSON_GetObjectItemCaseSensitive(result, "header"), "revision");
        add_events(arena, cJSON_GetObjectItemCaseSensitive(result, "events"), ret);
    }
    cJSON_Delete(root);
    return error;
}

int etcd_watch_read(struct etcd_watch *watch, struct arena *arena, struct etcd_values *ret)
{
    struct bytes *lines = &watch->lines;
    *ret = (struct etcd_values){0};
    for (const char *newline; lines->len > 0 && (newline = memchr(lines->at, '\n', lines->len)) != NULL;) {
        size_t len = (size_t)(newline - lines->at);
        int error = len == 0 ? 0 : read_line(watch, arena, lines->at, len, ret);
        lines->len -= len + 1;
        memmove(lines->at, newline + 1, lines->len);
        if (error != 0 || ret->count > 0)
            return error;
    }
    if (lines->len == 0)
        give_back(lines); /* what is idle holds nothing */
    return watch_ended(watch);
}

bool etcd_watch_is_elsewhere(const struct etcd_watch *watch)
{
    return watch->at != watch->etcd->at;
}

void etcd_watch_close(struct etcd_watch *watch)
{
    if (watch == NULL)
        return;
    if (watch->multi != NULL && watch->curl != NULL)
        (void)curl_multi_remove_handle(watch->multi, watch->curl);
    if (watch->curl != NULL)
        curl_easy_cleanup(watch->curl);
    if (watch->multi != NULL)
        (void)curl_multi_cleanup(watch->multi);
    curl_slist_free_all(watch->headers);
    free(watch->request);
    give_back(&watch->lines);
    free(watch);
}
