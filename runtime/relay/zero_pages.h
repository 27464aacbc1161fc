/* Memory that was cleared and lies idle. */
#ifndef HERMES_ZERO_PAGES_H
#define HERMES_ZERO_PAGES_H

#include <stddef.h>

/* Gives the pages in LEN bytes at START that hold nothing but zeros back to the kernel: they take no memory, and are
 * zeros again when they are read. The memory is anonymous, and nobody else uses it meanwhile. Does nothing when START
 * is not at a page. */
void zero_pages_give_back(char *start, size_t len);

#endif
