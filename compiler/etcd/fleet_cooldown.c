#include "fleet_cooldown.h"

#include "fingerprint.h"
#include "json_write.h"
#include "parse_json.h"

enum { SECONDS_MOST = 366 * 86400 };

struct text fleet_cooldown_text(struct arena *arena, const struct fleet_cooldown *cooldown)
{
    struct text out = {.arena = arena};
    text_putc(&out, '{');
    json_write_member(&out, "provider", cooldown->provider);
    json_write_member(&out, "fingerprint", cooldown->fingerprint);
    json_write_truth(&out, "dead", cooldown->dead);
    json_write_number(&out, "status", (unsigned long long)cooldown->status);
    json_write_member(&out, "rule", cooldown->rule);
    json_write_number(&out, "seconds", (unsigned long long)cooldown->seconds);
    json_write_member(&out, "host", cooldown->host);
    text_putc(&out, '}');
    return out;
}

bool fleet_cooldown_parse(struct arena *arena, const char *text, size_t len, struct fleet_cooldown *ret)
{
    cJSON *root = parse_json(text, len, NULL);
    struct fleet_cooldown cooldown = {
        .provider = parse_json_text(arena, root, "provider"),
        .fingerprint = parse_json_text(arena, root, "fingerprint"),
        .dead = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(root, "dead")),
        .status = (int)parse_json_number(root, "status", 999),
        .rule = parse_json_text(arena, root, "rule"),
        .seconds = parse_json_number(root, "seconds", SECONDS_MOST),
        .host = parse_json_text(arena, root, "host"),
    };
    cJSON_Delete(root);
    *ret = cooldown;
    return *cooldown.provider != '\0' && fingerprint_valid(cooldown.fingerprint) && cooldown.seconds > 0;
}

void fleet_cooldown_name(struct arena *arena, const struct fleet_key *key, const char *provider,
                         const char *fingerprint, char ret[FLEET_NAME_SIZE])
{
    fleet_key_name(key, arena_printf(arena, "%s %s", provider, fingerprint), ret);
}
