#include "etcd_request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>
#include <sodium.h>

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

static void add_range(cJSON *object, const char *key, const char *end)
{
    add_bytes(object, "key", key, strlen(key));
    if (end != NULL)
        add_bytes(object, "range_end", end, strlen(end));
}

/* Takes REQUEST. */
static char *text_of(cJSON *request)
{
    char *text = cJSON_PrintUnformatted(request);
    cJSON_Delete(request);
    return text;
}

char *etcd_request_range(const char *key, const char *end)
{
    cJSON *request = cJSON_CreateObject();
    add_range(request, key, end);
    return text_of(request);
}

static cJSON *operation_of(const struct etcd_change *change)
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

static void add_guard(cJSON *request, const char *guard, long long mod_revision)
{
    cJSON *compare = cJSON_CreateObject();
    add_bytes(compare, "key", guard, strlen(guard));
    (void)cJSON_AddStringToObject(compare, "target", "MOD");
    (void)cJSON_AddStringToObject(compare, "result", "EQUAL");
    add_number(compare, "mod_revision", mod_revision);
    (void)cJSON_AddItemToArray(cJSON_AddArrayToObject(request, "compare"), compare);
}

char *etcd_request_commit(const char *guard, long long mod_revision, const struct etcd_change *changes, size_t count)
{
    cJSON *request = cJSON_CreateObject();
    if (guard != NULL)
        add_guard(request, guard, mod_revision);
    cJSON *success = cJSON_AddArrayToObject(request, "success");
    for (size_t i = 0; i < count; i++)
        (void)cJSON_AddItemToArray(success, operation_of(&changes[i]));
    return text_of(request);
}

char *etcd_request_lease(long long lease, long long seconds)
{
    cJSON *request = cJSON_CreateObject();
    add_number(request, "ID", lease);
    if (seconds > 0)
        add_number(request, "TTL", seconds);
    return text_of(request);
}

char *etcd_request_login(const char *username, const char *password)
{
    cJSON *request = cJSON_CreateObject();
    (void)cJSON_AddStringToObject(request, "name", username);
    cJSON *copy = cJSON_AddStringToObject(request, "password", password);
    char *text = cJSON_PrintUnformatted(request);
    if (copy != NULL)
        sodium_memzero(copy->valuestring, strlen(copy->valuestring));
    cJSON_Delete(request);
    return text;
}

static char *watch_of(const struct etcd_range *range, long long from)
{
    cJSON *request = cJSON_CreateObject();
    cJSON *create = cJSON_AddObjectToObject(request, "create_request");
    add_range(create, range->key, range->end);
    add_number(create, "start_revision", from);
    (void)cJSON_AddTrueToObject(create, "fragment");
    return text_of(request);
}

char *etcd_request_watch(const struct etcd_range *ranges, size_t count, long long from)
{
    char *body = NULL;
    size_t len = 0;
    FILE *stream = open_memstream(&body, &len);
    for (size_t i = 0; stream != NULL && i < count; i++) {
        char *line = watch_of(&ranges[i], from);
        (void)fprintf(stream, "%s\n", line == NULL ? "" : line);
        free(line);
    }
    return stream != NULL && fclose(stream) == 0 ? body : NULL;
}
