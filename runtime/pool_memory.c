#include "pool_memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

enum { ERROR_CODE = 2 }; /* its place among the raw members */

static void forget(struct pool_memory *memory)
{
    cJSON_Delete(memory->tree);
    memory->tree = NULL;
}

void pool_memory_finish(struct pool_memory *memory)
{
    forget(memory);
}

void pool_memory_look(struct pool_memory *memory)
{
    struct stat st;
    char *bytes;
    struct moment moment;
    if (stat(memory->path, &st) < 0) {
        forget(memory);
        memory->moment = (struct moment){0};
        return;
    }
    moment = moment_of(&st);
    if (moment_same(&moment, &memory->moment))
        return;
    memory->moment = moment;
    forget(memory);
    if (guarded_read(memory->path, &moment, &bytes) != 0)
        return;
    memory->tree = cJSON_ParseWithLength(bytes, (size_t)moment.size);
    memory->moment = moment;
    sodium_free(bytes);
}

static int status_of(const cJSON *cooldown)
{
    const cJSON *code = cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(cooldown, "raw"), ERROR_CODE);
    long status = cJSON_IsString(code) ? strtol(code->valuestring, NULL, 10) : 0;
    return status >= 100 && status <= 999 ? (int)status : 0;
}

double pool_memory_until(const struct pool_memory *memory, const char *provider, const char *fingerprint,
                         int *ret_status)
{
    const cJSON *all = cJSON_GetObjectItemCaseSensitive(memory->tree, "cooldowns");
    const cJSON *keys = cJSON_GetObjectItemCaseSensitive(all, provider);
    const cJSON *cooldown = cJSON_GetObjectItemCaseSensitive(keys, fingerprint);
    const cJSON *status = cJSON_GetObjectItemCaseSensitive(cooldown, "status");
    const cJSON *until = cJSON_GetObjectItemCaseSensitive(cooldown, "until");
    *ret_status = status_of(cooldown);
    if (cJSON_IsString(status) && strcmp(status->valuestring, "dead") == 0)
        return INFINITY;
    return cJSON_IsNumber(until) ? until->valuedouble : 0;
}
