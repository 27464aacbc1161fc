/* An immutable, verified snapshot in guarded memory: what hermes_view is inside the library. */
#ifndef HERMES_VIEW_H
#define HERMES_VIEW_H

#include <stdbool.h>
#include <stddef.h>

#include "hermes_runtime.h"
#include "must_check.h"

/* Verifies and unpacks the LEN bytes of a snapshot file. 0, HERMES_CORRUPT, HERMES_NEWER or -ENOMEM; *ret is untouched
 * on error. BYTES must live as long as the view, whose content lies in them. The new view has one reference. */
int view_unpack(const char *bytes, size_t len, struct hermes_view **ret) MUST_CHECK;
/* The same generation of the same content: numbers begin anew when the compiled/ directory was deleted. */
bool view_same(const struct hermes_view *a, const struct hermes_view *b);
/* BYTES, of sodium_malloc, which VIEW was unpacked from, are freed with it; a NUL is put behind the content. */
void view_adopt(struct hermes_view *view, char *bytes);

#endif
