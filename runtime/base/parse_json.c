#include "parse_json.h"

#include <errno.h>

cJSON *parse_json(const char *text, size_t len, const char **ret_end)
{
    errno = 0; /* malloc sets it, and cJSON does nothing after a failed one */
    cJSON *value = cJSON_ParseWithLengthOpts(text, len, ret_end, 0);
    if (value == NULL && errno != ENOMEM)
        errno = EINVAL;
    return value;
}

static void delete_value(void *data)
{
    cJSON_Delete(data);
}

void parse_json_hold(struct memory_hold *hold, cJSON *value)
{
    memory_hold(hold, delete_value, value);
}
