/* The ${NAME}s that stand in the files, for --explain: the gateway's view has their values in their place. */
#ifndef HERMES_REFERENCE_H
#define HERMES_REFERENCE_H

#include <stdio.h>

#include "compile.h"

/* The variables that the text at PLACE was filled from. */
void reference_print_variables(const struct compilation *compilation, struct place place, FILE *stream);
void reference_put_variables(struct text *out, const struct compilation *compilation, struct place place);
/* The texts that the variable NAME is put into. */
void reference_print_texts(const struct compilation *compilation, const char *name, FILE *stream);
void reference_put_texts(struct text *out, const struct compilation *compilation, const char *name);

#endif
