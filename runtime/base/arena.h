/* One arena holds everything that one compile makes: file bytes, trees, keys, messages.
 *
 *     struct arena *arena = arena_create();
 *     char *text = arena_printf(arena, "%s/%s", home, name);
 *     arena_destroy(arena);
 *
 * Its blocks come from sodium_malloc: guarded at both ends, locked, left out of core dumps, and wiped when the
 * arena is destroyed. Little in it is freed on its own. What is asked for is there: where memory cannot be
 * had, the call does not return (memory.h). The runtime library, which lives in other people's processes, therefore
 * does not use it. */
#ifndef HERMES_ARENA_H
#define HERMES_ARENA_H

#include <stdarg.h>
#include <stddef.h>

#include "memory.h"
#include "must_check.h"

struct arena;

struct arena *arena_create(void) MUST_CHECK;
/* Wipes everything, and keeps what a usual home needs: whoever compiles again and again does not wait for the kernel's
 * pages. */
void arena_clear(struct arena *arena);
/* Wipes and frees. NULL is fine. */
void arena_destroy(struct arena *arena);

/* Why some block of any arena could not be locked, so that it may be written to swap: a positive errno; 0: all were. */
int arena_unlocked(void) MUST_CHECK;

/* That ARENA is destroyed where memory runs out; memory_give_back destroys it. */
void arena_hold(struct memory_hold *hold, struct arena *arena);

/* SIZE zeroed bytes, aligned for any object. Never NULL. */
void *arena_alloc(struct arena *arena, size_t size) MUST_CHECK;
/* A NUL-terminated copy of LEN bytes (which may hold NULs of their own). Never NULL. */
char *arena_strndup(struct arena *arena, const char *bytes, size_t len) MUST_CHECK;
char *arena_strdup(struct arena *arena, const char *text) MUST_CHECK;
/* The first LEN bytes of TEXT, which lies in the arena, as a text of their own: TEXT itself where it ends there. */
const char *arena_prefix(struct arena *arena, const char *text, size_t len);
char *arena_printf(struct arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3))) MUST_CHECK;
char *arena_vprintf(struct arena *arena, const char *format, va_list args)
    __attribute__((format(printf, 2, 0), nonnull(1, 2))) MUST_CHECK;

/* MEMORY of SIZE bytes, as it was allocated, is needed no more: worth saying of what is large. NULL is fine. */
void arena_give_back(struct arena *arena, void *memory, size_t size);

/* Grows ITEMS, CAPACITY of which are allocated, until they can hold COUNT; may move them, and then the old ones are
 * gone. */
#define ARENA_GROW(arena, items, capacity, count)                                                                      \
    ((items) = arena_grow((arena), (items), &(capacity), (count), sizeof *(items)))
void *arena_grow(struct arena *arena, void *items, size_t *capacity, size_t count, size_t size) MUST_CHECK;
/* ITEMS, COUNT elements of SIZE bytes that were gathered by this alone, with room for one more: there is always as much
 * as the next power of two, so a short list needs nobody to remember how much it is. */
void *arena_extend(struct arena *arena, void *items, size_t count, size_t size) MUST_CHECK;

#endif
