/* What --help prints. */
#ifndef HERMES_OPTION_HELP_H
#define HERMES_OPTION_HELP_H

#include <stdio.h>

#include "option_table.h"

void option_help(const struct option_table *table, FILE *stream);

#endif
