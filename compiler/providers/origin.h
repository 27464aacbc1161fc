/* Where a key stands, for people and programs. */
#ifndef HERMES_ORIGIN_H
#define HERMES_ORIGIN_H

#include "diagnostic.h"
#include "text.h"

/* Where a key stands. key: `model.api_key`, `custom_providers[0].api_key`, `XIAOMI_API_KEY`, or
 * `credential_pool.xiaomi.<entry id>` for an entry of auth.json (place.line is 0 there: its lines are Hermes's to
 * move). */
struct origin {
    struct place place;
    const char *key;
};

/* "config.yaml:4:12 model.api_key", for people. */
const char *origin_text(struct arena *arena, const struct origin *origin);
/* `"path":..., "line":..., "column":..., "key":...`, inside an object that is open. */
void origin_json(struct text *out, const struct origin *origin);

#endif
