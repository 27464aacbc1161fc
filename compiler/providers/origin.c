#include "origin.h"

#include "json_write.h"

const char *origin_text(struct arena *arena, const struct origin *origin)
{
    const char *place = diagnostic_place_text(arena, origin->place);
    return *place == '\0' ? origin->key : arena_printf(arena, "%s %s", place, origin->key);
}

void origin_json(struct text *out, const struct origin *origin)
{
    json_write_place(out, origin->place, "auth.json");
    json_write_member(out, "key", origin->key);
}
