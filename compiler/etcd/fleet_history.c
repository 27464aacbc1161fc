#include "fleet_history.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exit_status.h"
#include "fleet_push.h"
#include "json_write.h"

static bool open_revision(const struct fleet *fleet, const struct etcd_value *value, struct fleet_revision *ret)
{
    struct text text;
    return fleet_seal_open(fleet->arena, fleet->key, value->key, value->value, value->len, &text) &&
           fleet_revision_parse(fleet->arena, text.bytes, text.len, ret);
}

static void put_json(struct text *out, const struct fleet_revision *revision)
{
    json_write_item(out);
    text_putc(out, '{');
    json_write_number(out, "revision", (unsigned long long)revision->number);
    json_write_member(out, "at", revision->at);
    json_write_member(out, "by", revision->by);
    if (revision->from > 0)
        json_write_number(out, "from", (unsigned long long)revision->from);
    text_putc(out, '}');
}

static void put_line(struct text *out, const struct fleet_revision *revision)
{
    text_printf(out, "%8lld  %-24s  %s", revision->number, revision->at, revision->by);
    if (revision->from > 0)
        text_printf(out, "  (rollback to %lld)", revision->from);
    text_putc(out, '\n');
}

int fleet_history(struct fleet *fleet, bool json)
{
    struct etcd_values values;
    struct fleet_revision revision;
    size_t unread = 0;
    struct text out = {.arena = fleet->arena};
    int error = fleet_range(fleet, fleet->arena, "history/", &values);
    if (error != 0)
        return fleet_say_trouble(fleet, error);
    text_puts(&out, json ? "{\"revisions\":[" : "");
    for (size_t i = values.count; i > 0; i--) {
        if (!open_revision(fleet, &values.items[i - 1], &revision))
            unread++;
        else if (json)
            put_json(&out, &revision);
        else
            put_line(&out, &revision);
    }
    text_puts(&out, json ? "]}\n" : "");
    if (!json && out.len == 0)
        text_printf(&out, "nothing has been pushed to fleet %s yet\n", fleet->settings->name);
    (void)fputs(out.bytes, stdout);
    if (unread > 0)
        (void)fprintf(stderr, "hermes-fleet: %zu revision%s cannot be opened with %s\n", unread, unread == 1 ? "" : "s",
                      fleet->settings->key_file);
    return unread > 0 ? EXIT_INVALID : EXIT_OK;
}

int fleet_history_rollback(struct fleet *fleet, const char *number, bool json)
{
    char *end;
    struct etcd_values values;
    struct fleet_revision revision;
    long long wanted = strtoll(number, &end, 10);
    if (*end != '\0' || wanted < 1) {
        (void)fputs("hermes-fleet: a revision is a number from hermes-fleet history\n", stderr);
        return EXIT_USAGE;
    }
    const char *place = fleet_place(fleet, fleet_push_history_place(fleet->arena, wanted));
    int error = etcd_range(fleet->etcd, fleet->arena, place, NULL, &values);
    if (error != 0)
        return fleet_say_trouble(fleet, error);
    if (values.count == 0) {
        (void)fprintf(stderr, "hermes-fleet: etcd has no revision %lld; hermes-fleet history lists what it has\n",
                      wanted);
        return EXIT_USAGE;
    }
    if (!open_revision(fleet, &values.items[0], &revision) || revision.number != wanted) {
        (void)fprintf(stderr, "hermes-fleet: revision %lld cannot be opened with %s\n", wanted,
                      fleet->settings->key_file);
        return EXIT_INVALID;
    }
    return fleet_push(fleet, arena_printf(fleet->arena, "revision %lld", wanted), revision.env, revision.env_len,
                      wanted, json);
}
