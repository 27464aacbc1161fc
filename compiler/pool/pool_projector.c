#include "pool_projector.h"

#include <string.h>

#include "shown.h"

void pool_projector_note_change(struct projector *p, const char *what, const char *fingerprint, const char *label)
{
    text_printf(&p->changes, "auth.json: %s: %s %s (%s)\n", shown_name(p->arena, p->name), what, fingerprint,
                shown_name(p->arena, label));
}

bool pool_projector_listed(const struct projector *p, const char *source)
{
    return cooldowns_listed(p->cooldowns, COOLDOWNS_MADE, arena_printf(p->arena, "%s %s", p->name, source));
}

/* Of a variable Hermes would keep the entry: it is its own from its next load on. */
bool pool_projector_made(const struct projector *p, const struct entry *entry)
{
    return entry->made || (strncmp(entry->source, "env:", 4) != 0 && pool_projector_listed(p, entry->source));
}

bool pool_projector_sets_order(const struct projector *p)
{
    return p->provider == NULL || p->provider->strategy == STRATEGY_FILL_FIRST;
}
