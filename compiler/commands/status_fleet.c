#include "status_fleet.h"

#include <string.h>

#include "fleet_state.h"
#include "json_write.h"

/* What hermes-fleet says that follows it. Where nobody does, nothing is heard. */
static bool state_of(const struct compilation *c, bool watched, struct fleet_state *ret)
{
    *ret = (struct fleet_state){.since = "", .refused_since = "", .trouble = ""};
    return watched && fleet_state_read(c->arena, c->home, ret) && strcmp(ret->fleet, c->sources.fleet.name) == 0;
}

void status_fleet_print(const struct compilation *c, bool watched, FILE *stream)
{
    struct fleet_state state;
    if (c->sources.fleet.name == NULL)
        return;
    (void)fprintf(stream, "fleet %s: ", c->sources.fleet.name);
    if (c->sources.fleet_revision > 0)
        (void)fprintf(stream, "revision %lld", c->sources.fleet_revision);
    else
        (void)fputs("no revision yet", stream);
    if (!state_of(c, watched, &state))
        (void)fputs("; not followed: hermes-watch is not running", stream);
    else
        (void)fprintf(stream, ", %s etcd since %s", state.heard ? "connected to" : "without", state.since);
    if (state.offered > c->sources.fleet_revision)
        (void)fprintf(stream, "; revision %lld has been refused since %s", state.offered, state.refused_since);
    if (*state.trouble != '\0')
        (void)fprintf(stream, ": %s", state.trouble);
    (void)fputc('\n', stream);
}

void status_fleet_json(struct text *out, const struct compilation *c, bool watched)
{
    struct fleet_state state;
    json_write_name(out, "fleet");
    bool known = state_of(c, watched, &state);
    text_putc(out, '{');
    json_write_member(out, "name", c->sources.fleet.name);
    json_write_number(out, "revision", (unsigned long long)c->sources.fleet_revision);
    json_write_number(out, "offered", (unsigned long long)state.offered);
    json_write_truth(out, "followed", known);
    json_write_truth(out, "heard", state.heard);
    json_write_member(out, "since", state.since);
    json_write_member(out, "refused_since", state.refused_since);
    json_write_member(out, "trouble", state.trouble);
    text_putc(out, '}');
}
