/* Base URLs that are well-formed and still wrong. */
#ifndef HERMES_URL_CHECK_H
#define HERMES_URL_CHECK_H

#include "diagnostic.h"
#include "provider_table.h"

/* URL, trimmed, stands at PLACE. ROW: the provider of the table whose key goes there, or NULL. */
void url_check(struct diagnostics *diagnostics, struct place place, const char *url, const struct provider_row *row);

#endif
