/* What --help prints. */
#ifndef HERMES_OPTION_HELP_H
#define HERMES_OPTION_HELP_H

#include <stdio.h>

#include "option_table.h"

void option_help(const struct option_table *table, FILE *stream);

/* What stands before the name of ROW: "--", or nothing before a command. */
const char *option_help_dashes(const struct option_table *table, const struct option_row *row);

#endif
