#include "pool_memory.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "parse_json.h"

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

bool pool_memory_look(struct pool_memory *memory)
{
    struct stat st;
    char *bytes;
    struct moment moment;
    if (stat(memory->path, &st) < 0) {
        forget(memory);
        memory->moment = (struct moment){0};
        return true;
    }
    moment = guarded_file_moment(&st);
    if (guarded_file_same(&moment, &memory->moment))
        return true;
    int error = guarded_file_read(memory->path, &moment, &bytes);
    cJSON *tree = NULL;
    if (error == 0) {
        tree = parse_json(bytes, (size_t)moment.size, NULL);
        error = tree == NULL ? -errno : 0;
        sodium_free(bytes);
    }
    if (error == -ENOMEM || error == -EIO || error == -EMFILE || error == -ENFILE)
        return false; /* what is known stays */
    forget(memory);
    memory->tree = tree;
    memory->moment = moment;
    return true;
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
