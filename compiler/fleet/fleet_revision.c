#include "fleet_revision.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_LINE  "hermes-fleet-revision 1\n"
#define LAST_NUMBER 1000000000000LL

struct text fleet_revision_text(struct arena *arena, const struct fleet_revision *revision)
{
    struct text out = {.arena = arena};
    text_reserve(&out, revision->env_len + 512);
    text_printf(&out, FIRST_LINE "revision %lld\nid %s\nat %s\nby %s\n", revision->number, revision->id, revision->at,
                revision->by);
    if (revision->from > 0)
        text_printf(&out, "from %lld\n", revision->from);
    text_putc(&out, '\n');
    text_append(&out, revision->env, revision->env_len);
    return out;
}

static long long number_of(const char *text)
{
    char *end;
    long long number = strtoll(text, &end, 10);
    return *end == '\0' && number > 0 && number < LAST_NUMBER ? number : 0;
}

static void take(struct fleet_revision *revision, const char *name, const char *value)
{
    if (strcmp(name, "revision") == 0)
        revision->number = number_of(value);
    else if (strcmp(name, "id") == 0)
        revision->id = value;
    else if (strcmp(name, "at") == 0)
        revision->at = value;
    else if (strcmp(name, "by") == 0)
        revision->by = value;
    else if (strcmp(name, "from") == 0)
        revision->from = number_of(value);
}

bool fleet_revision_parse(struct arena *arena, const char *text, size_t len, struct fleet_revision *ret)
{
    const char *end = text + len;
    const size_t first = strlen(FIRST_LINE);
    struct fleet_revision revision = {.id = "", .at = "", .by = ""};
    if (len < first || memcmp(text, FIRST_LINE, first) != 0)
        return false;
    for (const char *at = text + first; at < end;) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        if (newline == NULL)
            return false;
        if (newline == at) {
            revision.env = newline + 1;
            revision.env_len = (size_t)(end - revision.env);
            *ret = revision;
            return revision.number > 0;
        }
        char *line = arena_strndup(arena, at, (size_t)(newline - at));
        char *blank = strchr(line, ' ');
        if (blank == NULL)
            return false;
        *blank = '\0';
        take(&revision, line, blank + 1); /* what a later version adds is passed over */
        at = newline + 1;
    }
    return false;
}

bool fleet_revision_same(const struct fleet_revision *a, const struct fleet_revision *b)
{
    return a->env_len == b->env_len && memcmp(a->env, b->env, a->env_len) == 0;
}
