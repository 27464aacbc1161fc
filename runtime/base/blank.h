/* White space as Python has it (str.isspace, str.strip, \s): Unicode's too, in UTF-8. */
#ifndef HERMES_BLANK_H
#define HERMES_BLANK_H

#include <stddef.h>

/* The length in bytes of the blank that TEXT starts with; 0 when it starts with none. Line ends are blanks. */
size_t blank_at(const char *text, size_t len);

/* TEXT without the blanks around it; points into TEXT. */
const char *blank_strip(const char *text, size_t len, size_t *ret_len);

#endif
