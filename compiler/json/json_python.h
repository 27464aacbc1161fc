/* Writes JSON as Python's json.dumps does. */
#ifndef HERMES_JSON_PYTHON_H
#define HERMES_JSON_PYTHON_H

#include "text.h"

/* TEXT as a string: ASCII only. */
void json_python_put(struct text *out, const char *text);
const char *json_python_quote(struct arena *arena, const char *text);
/* The shortest text that is read as VALUE again. */
const char *json_python_number(struct arena *arena, double value);

#endif
