#include "fleet_cooldowns.h"

#include <stdio.h>
#include <string.h>

#include "exit_status.h"
#include "fleet_cooldown.h"
#include "json_write.h"
#include "shown.h"

static void put_json(struct text *out, const struct fleet_cooldown *cooldown, long long left)
{
    json_write_item(out);
    text_putc(out, '{');
    json_write_member(out, "provider", shown_name(out->arena, cooldown->provider));
    json_write_member(out, "fingerprint", cooldown->fingerprint);
    json_write_member(out, "state", cooldown->dead ? "dead" : "exhausted");
    json_write_number(out, "status", (unsigned long long)cooldown->status);
    json_write_number(out, "seconds_left", (unsigned long long)left);
    json_write_member(out, "host", cooldown->host);
    text_putc(out, '}');
}

static void put_line(struct text *out, const struct fleet_cooldown *cooldown, long long left)
{
    text_printf(out, "%-16s  %s  ", shown_name(out->arena, cooldown->provider), cooldown->fingerprint);
    if (cooldown->dead)
        text_puts(out, "dead");
    else
        text_printf(out, "%lld s left", left);
    if (cooldown->status > 0)
        text_printf(out, ", after HTTP %d", cooldown->status);
    text_printf(out, ", reported by %s\n", cooldown->host);
}

int fleet_cooldowns(struct fleet *fleet, bool json)
{
    struct etcd_values values;
    struct text out = {.arena = fleet->arena};
    int error = fleet_range(fleet, fleet->arena, "cooldowns/", &values);
    text_puts(&out, json ? "{\"cooldowns\":[" : "");
    for (size_t i = 0; error == 0 && i < values.count; i++) {
        struct text text;
        struct fleet_cooldown cooldown;
        const struct etcd_value *value = &values.items[i];
        long long left = 0;
        if (!fleet_seal_open(fleet->arena, fleet->key, value->key, value->value, value->len, &text) ||
            !fleet_cooldown_parse(fleet->arena, text.bytes, text.len, &cooldown))
            continue;
        error = etcd_lease_left(fleet->etcd, value->lease, &left);
        if (error != 0 || left <= 0)
            continue; /* it is over at this moment */
        if (json)
            put_json(&out, &cooldown, left);
        else
            put_line(&out, &cooldown, left);
    }
    if (error != 0)
        return fleet_say_trouble(fleet, error);
    text_puts(&out, json ? "]}\n" : out.len == 0 ? "no key is cooling\n" : "");
    (void)fputs(out.bytes, stdout);
    return EXIT_OK;
}
