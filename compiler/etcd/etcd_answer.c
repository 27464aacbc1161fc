#include "etcd_answer.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>
#include <sodium.h>

#include "arena.h"

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

/* So that one more is still a number. A lease's is anything below. */
#define NUMBER_MOST (LLONG_MAX - 1)

/* --- members --- */

static const cJSON *member(const cJSON *object, const char *name)
{
    return cJSON_GetObjectItemCaseSensitive(object, name);
}

static const char *text_of(const cJSON *object, const char *name)
{
    const char *text = cJSON_GetStringValue(member(object, name));
    return text != NULL ? text : "";
}

static long long number_of(const cJSON *object, const char *name)
{
    const cJSON *item = member(object, name);
    long long number = cJSON_IsString(item)   ? strtoll(item->valuestring, NULL, 10)
                       : cJSON_IsNumber(item) ? item->valueint
                                              : 0;
    return number > NUMBER_MOST ? NUMBER_MOST : number < -1 ? -1 : number;
}

const char *etcd_answer_text(const struct etcd_answer *answer, const char *name)
{
    return text_of(answer->result, name);
}

long long etcd_answer_number(const struct etcd_answer *answer, const char *name)
{
    return number_of(answer->result, name);
}

bool etcd_answer_truth(const struct etcd_answer *answer, const char *name)
{
    return cJSON_IsTrue(member(answer->result, name));
}

const char *etcd_answer_cluster(const struct etcd_answer *answer)
{
    return text_of(member(answer->result, "header"), "cluster_id");
}

/* --- values --- */

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

struct etcd_values etcd_answer_values(const struct etcd_answer *answer, struct arena *arena)
{
    const cJSON *events = member(answer->result, "events");
    const cJSON *list = events != NULL ? events : member(answer->result, "kvs");
    struct etcd_values values = {.revision = number_of(member(answer->result, "header"), "revision")};
    const cJSON *item;
    values.items = arena_alloc(arena, (size_t)cJSON_GetArraySize(list) * sizeof *values.items + 1);
    cJSON_ArrayForEach(item, list)
    {
        struct etcd_value value = value_of(arena, events != NULL ? member(item, "kv") : item);
        if (events != NULL && strcmp(text_of(item, "type"), "DELETE") == 0)
            value.value = NULL;
        values.items[values.count++] = value;
    }
    return values;
}

/* --- what went wrong --- */

void etcd_answer_explain(char ret[ETCD_WHY_SIZE], const char *text)
{
    (void)snprintf(ret, ETCD_WHY_SIZE, "%.300s", text);
    for (char *c = ret; *c != '\0'; c++)
        if ((unsigned char)*c < ' ' || *c == 127)
            *c = ' ';
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
static bool is_refusal(const cJSON *root)
{
    return member(root, "error") != NULL || (cJSON_IsNumber(member(root, "code")) && *text_of(root, "message") != '\0');
}

/* It says itself that something failed. */
static void refuse(struct etcd_answer *answer)
{
    const cJSON *inner = member(answer->root, "error");
    const cJSON *error = cJSON_IsObject(inner) ? inner : answer->root;
    const char *message = text_of(error, "message");
    const long long code = number_of(error, member(error, "grpc_code") != NULL ? "grpc_code" : "code");
    answer->unauthenticated = code == GRPC_UNAUTHENTICATED;
    answer->leader_changed = code == GRPC_UNAVAILABLE && strstr(message, "leader changed") != NULL;
    answer->error = error_of_code(code);
    etcd_answer_explain(answer->why, *message != '\0' ? message : text_of(answer->root, "error"));
}

static void distrust(struct etcd_answer *answer, long status)
{
    if (status / 100 == 3)
        (void)snprintf(answer->why, sizeof answer->why, "redirects elsewhere (HTTP %ld); redirects are not followed",
                       status);
    else
        (void)snprintf(answer->why, sizeof answer->why, "the server there is not etcd (HTTP %ld)", status);
    answer->error = status / 100 == 5 ? ETCD_AWAY : ETCD_NONSENSE;
}

/* What etcd's gateway says, as plain text, of certificates that could name a user, once there are users. */
static bool is_about_a_common_name(const char *bytes, size_t len, long status)
{
    static const char words[] = "CommonName of client sending a request against gateway";
    return status == 400 && len > 0 && memmem(bytes, len, words, sizeof words - 1) != NULL;
}

static void refuse_common_name(struct etcd_answer *answer)
{
    answer->error = ETCD_REFUSED;
    (void)snprintf(answer->why, sizeof answer->why,
                   "etcd has users now, and then refuses a client certificate that has a common name (CN): use one "
                   "without it");
}

static void note_end(struct etcd_answer *answer)
{
    const char *reason = etcd_answer_text(answer, "cancel_reason");
    etcd_answer_explain(answer->why, *reason != '\0' ? reason : "etcd ended the watch");
    answer->error = etcd_answer_number(answer, "compact_revision") > 0 ? ETCD_COMPACTED
                    : strstr(reason, "permission") != NULL             ? ETCD_REFUSED
                                                                       : ETCD_AWAY;
}

/* --- all of it --- */

static struct etcd_answer parse(const char *bytes, size_t len)
{
    struct etcd_answer answer = {.root = len == 0 ? NULL : cJSON_ParseWithLength(bytes, len)};
    const cJSON *result = member(answer.root, "result");
    answer.result = result != NULL ? result : answer.root;
    return answer;
}

struct etcd_answer etcd_answer_read(const char *bytes, size_t len, long status)
{
    struct etcd_answer answer = parse(bytes, len);
    bool object = cJSON_IsObject(answer.root) && status / 100 != 3;
    if (object && status != 200 && is_refusal(answer.root))
        refuse(&answer);
    else if (is_about_a_common_name(bytes, len, status))
        refuse_common_name(&answer);
    else if (!object || status != 200 || !cJSON_IsObject(member(answer.result, "header")))
        distrust(&answer, status);
    return answer;
}

struct etcd_answer etcd_answer_read_line(const char *line, size_t len)
{
    struct etcd_answer answer = parse(line, len);
    if (member(answer.root, "error") != NULL) {
        refuse(&answer);
    } else if (!cJSON_IsObject(member(answer.root, "result"))) {
        answer.error = ETCD_NONSENSE;
        (void)snprintf(answer.why, sizeof answer.why, "a line of the watch is not from etcd");
    } else if (etcd_answer_truth(&answer, "canceled")) {
        note_end(&answer);
    }
    return answer;
}

void etcd_answer_finish(struct etcd_answer *answer)
{
    cJSON_Delete(answer->root);
    *answer = (struct etcd_answer){0};
}
