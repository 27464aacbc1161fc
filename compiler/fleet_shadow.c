#include "fleet_shadow.h"

#include <string.h>

#include "shown.h"
#include "source.h"

static bool is_said(const struct providers *providers, const struct place *place)
{
    for (size_t i = 0; i < providers->count; i++)
        for (size_t k = 0; k < providers->items[i]->shadowed_count; k++)
            if (diagnostic_same_place(&providers->items[i]->shadowed[k].origin.place, place))
                return true;
    return false;
}

static void check(const struct binding *winner, const struct providers *providers, struct diagnostics *diagnostics)
{
    for (const struct binding *hidden = winner->hidden; hidden != NULL; hidden = hidden->hidden) {
        bool same = hidden->len == winner->len && memcmp(hidden->value, winner->value, winner->len) == 0;
        if (same || hidden->place.source == winner->place.source || is_said(providers, &hidden->place))
            continue;
        struct diagnostic *d = diagnostic_add(
            diagnostics, CODE_FLEET_SHADOWED, hidden->place, "%s has a different value here than in %s, which wins",
            shown_name(diagnostics->arena, winner->name), winner->place.source->label);
        diagnostic_help(diagnostics, d, "remove the line");
    }
}

void fleet_shadow_check(const struct environment *environment, const struct providers *providers,
                        struct diagnostics *diagnostics)
{
    for (size_t i = 0; i < environment->count; i++) {
        const struct source *source = environment->items[i].place.source;
        if (source != NULL && source->kind == SOURCE_FLEET_ENV)
            check(&environment->items[i], providers, diagnostics);
    }
}
