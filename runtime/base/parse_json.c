#include "parse_json.h"

#include <errno.h>
#include <stdbool.h>

cJSON *parse_json(const char *text, size_t len, const char **ret_end)
{
    errno = 0; /* malloc sets it, and cJSON does nothing after a failed one */
    cJSON *value = cJSON_ParseWithLengthOpts(text, len, ret_end, 0);
    if (value == NULL && errno != ENOMEM)
        errno = EINVAL;
    return value;
}

const char *parse_json_text(struct arena *arena, const cJSON *object, const char *name)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));
    return arena_strdup(arena, text != NULL ? text : "");
}

long long parse_json_number(const cJSON *object, const char *name, long long most)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);
    bool fits = cJSON_IsNumber(item) && item->valuedouble >= 0 && item->valuedouble <= (double)most;
    return fits ? (long long)item->valuedouble : 0;
}

static void delete_value(void *data)
{
    cJSON_Delete(data);
}

void parse_json_hold(struct memory_hold *hold, cJSON *value)
{
    memory_hold(hold, delete_value, value);
}
