/* Paragraphs in lines that a terminal need not break. */
#ifndef HERMES_FOLD_TEXT_H
#define HERMES_FOLD_TEXT_H

#include <stddef.h>
#include <stdio.h>

/* TEXT, broken at its spaces so that no line is longer than 78 columns, and a newline. The cursor is at column INDENT;
 * further lines are indented so far. */
void fold_text(const char *text, size_t indent, FILE *stream);

#endif
