/* Whether the provider that `model` names has a key at all: without one every request fails, and no file is wrong. */
#ifndef HERMES_DEFAULT_KEY_H
#define HERMES_DEFAULT_KEY_H

#include "resolve.h"

/* Warns when the default provider takes a key and neither the sources nor auth.json hold one: a provider of the table,
 * a custom endpoint out in the internet, or `auto` that finds nobody. Pure. */
void default_key_check(const struct resolve_input *input, const struct providers *providers,
                       struct diagnostics *diagnostics);

#endif
