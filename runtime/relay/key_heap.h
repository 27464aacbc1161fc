/* Memory for whatever a key passes through on its way to a provider: its header lines, and all that libcurl allocates.
 *
 *     key_heap_start();                     once, before any thread
 *     key_heap_join();                      in each thread that asks providers
 *     p = key_heap_take(n); p = key_heap_resize(p, more); key_heap_give(p);      as malloc, realloc and free
 *     key_heap_leave();                     before such a thread ends
 *
 * What is given back is wiped. Blocks lie in one region that is locked and kept out of core dumps, as far as the limit
 * of locked memory allows; when that is full, and for large blocks, they come from malloc. A thread that has joined
 * keeps the small ones it gave back for its next ones, without a lock: most of what one request takes, the one before
 * has given back. Any thread may give back what another one took. */
#ifndef HERMES_KEY_HEAP_H
#define HERMES_KEY_HEAP_H

#include <stddef.h>

#include "must_check.h"

void key_heap_start(void);
void key_heap_join(void);
void key_heap_leave(void);

/* NULL: no memory. */
void *key_heap_take(size_t size) MUST_CHECK;
/* The same of COUNT times SIZE zeros. */
void *key_heap_take_zeros(size_t count, size_t size) MUST_CHECK;
/* POINTER is given back unless the answer is NULL; NULL is a new one. */
void *key_heap_resize(void *pointer, size_t size) MUST_CHECK;
char *key_heap_copy(const char *text) MUST_CHECK;
/* NULL is fine. */
void key_heap_give(void *pointer);

#endif
