#include "fleet_copy.h"

#include <string.h>

#define FIRST_LINE "hermes-fleet-copy 1\n"

const char *fleet_copy_place(struct arena *arena, const char *fleet, const char *what)
{
    return arena_printf(arena, "/hermes-watch/%s/%s", fleet, what);
}

struct text fleet_copy_text(struct arena *arena, const struct fleet_copy *copy)
{
    struct text out = {.arena = arena};
    text_printf(&out, FIRST_LINE "fleet %s\ncluster %s\n\n", copy->fleet, copy->cluster);
    text_append(&out, copy->sealed, copy->len);
    return out;
}

/* The value of the line NAME at *AT, which then stands behind it; NULL: there is another line. */
static const char *line_of(struct arena *arena, const char **at, const char *end, const char *name)
{
    size_t len = strlen(name);
    const char *newline = memchr(*at, '\n', (size_t)(end - *at));
    if (newline == NULL || (size_t)(newline - *at) <= len || memcmp(*at, name, len) != 0)
        return NULL;
    const char *value = arena_strndup(arena, *at + len, (size_t)(newline - *at) - len);
    *at = newline + 1;
    return value;
}

bool fleet_copy_parse(struct arena *arena, const char *text, size_t len, struct fleet_copy *ret)
{
    const char *at = text + strlen(FIRST_LINE);
    const char *end = text + len;
    struct fleet_copy copy;
    if (len < strlen(FIRST_LINE) || memcmp(text, FIRST_LINE, strlen(FIRST_LINE)) != 0)
        return false;
    copy.fleet = line_of(arena, &at, end, "fleet ");
    copy.cluster = copy.fleet == NULL ? NULL : line_of(arena, &at, end, "cluster ");
    if (copy.cluster == NULL || at >= end || *at != '\n')
        return false;
    copy.sealed = at + 1;
    copy.len = (size_t)(end - copy.sealed);
    *ret = copy;
    return true;
}

const char *fleet_copy_open(struct arena *arena, const struct fleet_copy *copy, const struct fleet_key *key,
                            const char *fleet, struct fleet_revision *ret)
{
    struct text text;
    if (strcmp(copy->fleet, fleet) != 0)
        return "is of another fleet";
    if (!fleet_seal_open(arena, key, fleet_copy_place(arena, fleet, "sources/env"), copy->sealed, copy->len, &text))
        return "cannot be opened with this fleet's key file: it was altered, or sealed with another one";
    return fleet_revision_parse(arena, text.bytes, text.len, ret) ? NULL : "is not a revision that this version knows";
}
