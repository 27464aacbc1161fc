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

bool fleet_machine_parse(struct arena *arena, const char *text, size_t len, struct fleet_machine *ret)
{
    cJSON *root = parse_json(text, len, NULL);
    bool good = cJSON_IsObject(root);
    if (good)
        *ret = (struct fleet_machine){
            .host = parse_json_text(arena, root, "host"),
            .home = parse_json_text(arena, root, "home"),
            .version = parse_json_text(arena, root, "version"),
            .instance = parse_json_text(arena, root, "instance"),
            .revision = parse_json_number(root, "revision", PARSE_JSON_COUNT_MOST),
            .generation = parse_json_number(root, "generation", PARSE_JSON_COUNT_MOST),
            .state = parse_json_text(arena, root, "state"),
            .since = parse_json_text(arena, root, "since"),
            .error = parse_json_text(arena, root, "error"),
        };
    cJSON_Delete(root);
    return good;
}
