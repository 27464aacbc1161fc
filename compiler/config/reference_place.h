/* Where a part of a text stands in its file. */
#ifndef HERMES_REFERENCE_PLACE_H
#define HERMES_REFERENCE_PLACE_H

#include "node.h"

/* LEN bytes from AT of the text of NODE, a string. */
struct place reference_place(const struct node *node, size_t at, size_t len);

#endif
