#include "fleet_machine.h"

#include "json_write.h"
#include "parse_json.h"

struct text fleet_machine_text(struct arena *arena, const struct fleet_machine *machine)
{
    struct text out = {.arena = arena};
    text_putc(&out, '{');
    json_write_member(&out, "host", machine->host);
    json_write_member(&out, "home", machine->home);
    json_write_member(&out, "version", machine->version);
    json_write_member(&out, "instance", machine->instance);
    json_write_number(&out, "revision", (unsigned long long)machine->revision);
    json_write_number(&out, "generation", (unsigned long long)machine->generation);
    json_write_member(&out, "state", machine->state);
    json_write_member(&out, "since", machine->since);
    json_write_member(&out, "error", machine->error);
    text_putc(&out, '}');
    return out;
}

static const char *text_of(struct arena *arena, const cJSON *root, const char *name)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(root, name));
    return arena_strdup(arena, text != NULL ? text : "");
}

static long long number_of(const cJSON *root, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(root, name);
    return cJSON_IsNumber(item) && item->valuedouble > 0 && item->valuedouble < 1e15 ? (long long)item->valuedouble : 0;
}

bool fleet_machine_parse(struct arena *arena, const char *text, size_t len, struct fleet_machine *ret)
{
    cJSON *root = parse_json(text, len, NULL);
    bool good = cJSON_IsObject(root);
    if (good)
        *ret = (struct fleet_machine){
            .host = text_of(arena, root, "host"),
            .home = text_of(arena, root, "home"),
            .version = text_of(arena, root, "version"),
            .instance = text_of(arena, root, "instance"),
            .revision = number_of(root, "revision"),
            .generation = number_of(root, "generation"),
            .state = text_of(arena, root, "state"),
            .since = text_of(arena, root, "since"),
            .error = text_of(arena, root, "error"),
        };
    cJSON_Delete(root);
    return good;
}
