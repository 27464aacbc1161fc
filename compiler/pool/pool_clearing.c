#include "pool_clearing.h"

#include <string.h>

#include "json_python.h"

/* What versions keep besides the six members that every one has: Hermes 0.18.2, 0.20.2, and 0.22. */
static const struct entry_edit further[] = {
    {"last_failure_kind", "null"}, {"last_failure_evidence", "null"}, {"failure_confirmations", "0"},
    {"failure_reason", "null"},    {"model_cooldowns", "{}"},
};

enum { FURTHER = sizeof further / sizeof *further };

size_t pool_clearing(struct arena *arena, const char *text, const struct entry *entry, double now,
                     struct entry_edit ret[POOL_CLEARING_EDITS])
{
    size_t count = 0;
    const struct json *opened = json_span_opened(arena, text, entry->json);
    for (size_t i = 0; i < COOLDOWN_MEMBERS + FURTHER; i++) {
        const struct entry_edit clean =
            i < COOLDOWN_MEMBERS ? (struct entry_edit){cooldown_members[i], "null"} : further[i - COOLDOWN_MEMBERS];
        const struct json *member = json_span_member(opened, clean.name);
        if (member != NULL && strcmp(json_span_raw(arena, text, member), clean.raw) != 0)
            ret[count++] = clean;
    }
    ret[count++] = (struct entry_edit){"status_cleared_at", json_python_number(arena, now)};
    return count;
}
