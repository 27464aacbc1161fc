/* What is wrong with the option that getopt_long has just refused, for programs that have long options alone. */
#ifndef HERMES_WRONG_OPTION_H
#define HERMES_WRONG_OPTION_H

/* "unknown option --chekc", "--home wants a value"; valid until the next call. A word that could be a key, or a part of
 * one, is not repeated. */
const char *wrong_option(char **argv);

#endif
