#include "fleet_state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "parse_json.h"
#include "replace.h"
#include "safe_read.h"
#include "snapshot_format.h"

int fleet_state_write(struct arena *arena, const char *home, const struct fleet_state *state)
{
    cJSON *root = cJSON_CreateObject();
    (void)cJSON_AddNumberToObject(root, "format", 1);
    (void)cJSON_AddStringToObject(root, "fleet", state->fleet);
    (void)cJSON_AddNumberToObject(root, "revision", (double)state->revision);
    (void)cJSON_AddNumberToObject(root, "offered", (double)state->offered);
    (void)cJSON_AddBoolToObject(root, "heard", state->heard);
    (void)cJSON_AddStringToObject(root, "since", state->since);
    (void)cJSON_AddStringToObject(root, "refused_since", state->refused_since);
    (void)cJSON_AddStringToObject(root, "trouble", state->trouble);
    char *text = cJSON_PrintUnformatted(root);
    cJSON_Delete(root);
    int error =
        text == NULL ? -ENOMEM : replace_passing(arena_printf(arena, "%s/" FLEET_STATE_FILE, home), text, strlen(text));
    free(text);
    return error;
}

bool fleet_state_read(struct arena *arena, const char *home, struct fleet_state *ret)
{
    struct safe_read read = safe_read(arena, arena_printf(arena, "%s/" FLEET_STATE_FILE, home), 0);
    cJSON *root = read.status == SAFE_READ_OK ? parse_json(read.bytes, read.len, NULL) : NULL;
    bool good = cJSON_IsObject(root);
    if (good)
        *ret = (struct fleet_state){
            .fleet = parse_json_text(arena, root, "fleet"),
            .revision = parse_json_number(root, "revision", PARSE_JSON_COUNT_MOST),
            .offered = parse_json_number(root, "offered", PARSE_JSON_COUNT_MOST),
            .heard = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(root, "heard")),
            .since = parse_json_text(arena, root, "since"),
            .refused_since = parse_json_text(arena, root, "refused_since"),
            .trouble = parse_json_text(arena, root, "trouble"),
        };
    cJSON_Delete(root);
    return good;
}
