/* How a character is written in a JSON string: the one place that knows. */
#ifndef HERMES_JSON_ESCAPE_H
#define HERMES_JSON_ESCAPE_H

#include <stddef.h>

/* The escape of C, `\n` or `\u001f`, goes to OUT, its length is returned; 0: C stands for itself. */
enum { JSON_ESCAPE_SIZE = 6 };
size_t json_escape(unsigned char c, char out[JSON_ESCAPE_SIZE]);

#endif
