#include "fleet_status.h"

#include <stdio.h>
#include <string.h>

#include "exit_status.h"
#include "fleet_machines.h"
#include "json_write.h"

static bool is_behind(const struct fleet_machine *machine, long long newest)
{
    return machine->revision < newest || strcmp(machine->state, "ok") != 0;
}

static void put_json(struct text *out, const struct fleet_machine *machine, long long newest)
{
    json_write_item(out);
    text_putc(out, '{');
    json_write_member(out, "host", machine->host);
    json_write_member(out, "home", machine->home);
    json_write_member(out, "version", machine->version);
    json_write_number(out, "revision", (unsigned long long)machine->revision);
    json_write_number(out, "generation", (unsigned long long)machine->generation);
    json_write_member(out, "state", machine->state);
    json_write_member(out, "since", machine->since);
    json_write_member(out, "error", machine->error);
    json_write_truth(out, "behind", is_behind(machine, newest));
    text_putc(out, '}');
}

static void put_line(struct text *out, const struct fleet_machine *machine, long long newest)
{
    text_printf(out, "%-20s  %8lld  %10lld  %-8s  %-24s  %s", machine->host, machine->revision, machine->generation,
                machine->state, machine->since, machine->home);
    if (machine->revision < newest)
        text_printf(out, "  %lld behind", newest - machine->revision);
    if (*machine->error != '\0')
        text_printf(out, "\n    %s", machine->error);
    text_putc(out, '\n');
}

static void put_text(struct text *out, const struct fleet *fleet, const struct fleet_machines *machines,
                     long long newest)
{
    text_printf(out, "fleet %s, revision %lld, %zu machine%s\n", fleet->settings->name, newest, machines->count,
                machines->count == 1 ? "" : "s");
    if (machines->count > 0)
        text_printf(out, "%-20s  %8s  %10s  %-8s  %-24s  %s\n", "MACHINE", "REVISION", "GENERATION", "STATE", "SINCE",
                    "HOME");
    for (size_t i = 0; i < machines->count; i++)
        put_line(out, &machines->items[i], newest);
}

static void put_object(struct text *out, const struct fleet *fleet, const struct fleet_machines *machines,
                       long long newest)
{
    text_putc(out, '{');
    json_write_member(out, "fleet", fleet->settings->name);
    json_write_number(out, "revision", (unsigned long long)newest);
    json_write_name(out, "machines");
    text_putc(out, '[');
    for (size_t i = 0; i < machines->count; i++)
        put_json(out, &machines->items[i], newest);
    text_puts(out, "]}\n");
}

int fleet_status(struct fleet *fleet, bool json)
{
    struct fleet_offer offer;
    struct fleet_machines machines;
    struct text out = {.arena = fleet->arena};
    int error = fleet_offered(fleet, &offer);
    if (error == 0)
        error = fleet_machines_read(fleet, &machines);
    if (error != 0)
        return fleet_say_trouble(fleet, error);
    const long long newest = offer.revision.number;
    bool behind = false;
    for (size_t i = 0; i < machines.count; i++)
        behind = behind || is_behind(&machines.items[i], newest);
    if (json)
        put_object(&out, fleet, &machines, newest);
    else
        put_text(&out, fleet, &machines, newest);
    (void)fputs(out.bytes, stdout);
    if (offer.trouble != NULL)
        (void)fprintf(stderr, "hermes-fleet: the env file in etcd %s\n", offer.trouble);
    if (machines.unread > 0)
        (void)fprintf(stderr, "hermes-fleet: %zu machine%s another key file than %s\n", machines.unread,
                      machines.unread == 1 ? " uses" : "s use", fleet->settings->key_file);
    if (offer.trouble != NULL)
        return EXIT_INVALID;
    return behind || machines.unread > 0 ? EXIT_DIFFERS : EXIT_OK;
}
