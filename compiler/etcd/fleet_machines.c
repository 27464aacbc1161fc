#include "fleet_machines.h"

#include <stdlib.h>
#include <string.h>

static int compare(const void *a, const void *b)
{
    const struct fleet_machine *left = a;
    const struct fleet_machine *right = b;
    int order = strcmp(left->host, right->host);
    return order != 0 ? order : strcmp(left->home, right->home);
}

int fleet_machines_read(struct fleet *fleet, struct fleet_machines *ret)
{
    struct etcd_values values;
    struct fleet_machines machines = {0};
    int error = fleet_range(fleet, fleet->arena, "machines/", &values);
    if (error != 0)
        return error;
    machines.items = arena_alloc(fleet->arena, values.count * sizeof *machines.items + 1);
    for (size_t i = 0; i < values.count; i++) {
        struct text text;
        const struct etcd_value *value = &values.items[i];
        if (fleet_seal_open(fleet->arena, fleet->key, value->key, value->value, value->len, &text) &&
            fleet_machine_parse(fleet->arena, text.bytes, text.len, &machines.items[machines.count]))
            machines.count++;
        else
            machines.unread++;
    }
    if (machines.count > 1)
        qsort(machines.items, machines.count, sizeof *machines.items, compare);
    *ret = machines;
    return 0;
}

long long fleet_machines_newest(const struct fleet_machines *machines)
{
    long long newest = 0;
    for (size_t i = 0; i < machines->count; i++)
        newest = machines->items[i].revision > newest ? machines->items[i].revision : newest;
    return newest;
}
