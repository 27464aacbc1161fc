/* Variables of an env file that say which home a Hermes works for, or which bot it is: they hardly mean what they say
 * in a profile that was made as a copy. */
#ifndef HERMES_HOME_VARIABLES_H
#define HERMES_HOME_VARIABLES_H

#include "environment.h"

/* HOME is the one that is compiled. Where a profile has a bot's token, the env files of its root and of the root's
 * other profiles are read. */
void home_variables_check(const char *home, const struct environment *environment, struct diagnostics *diagnostics);

#endif
