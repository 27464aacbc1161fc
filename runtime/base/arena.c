#include "arena.h"

#include <assert.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "memory.h"

/* The first block serves a usual home; later ones grow with what is already there, so that a large configuration
 * costs a logarithmic number of them (each takes a page of its own), the last of which is mostly in use. What is large
 * gets a block of its own, which can be given back. */
enum {
    FIRST_BLOCK = 64 * 1024,
    NEXT_BLOCK = 4 * FIRST_BLOCK,
    LARGE = FIRST_BLOCK / 2,
    GROWTH = 32,
    KEPT = 1024 * 1024
};

/* Everything here is made of pointers, numbers of 64 bits, and less. sodium_malloc puts a block at the end of its last
 * page, behind it only a canary: blocks are multiples of 16, and those that may have any size fill their pages. */
enum { ALIGNMENT = 8, BLOCK_ALIGNMENT = 16, PAGE = 4096, CANARY = 16 };

struct block {
    struct block *next;
    struct block *previous;
    size_t size;
    size_t used;
};

/* What grows starts with at least so many bytes. */
enum { FIRST_SIZE = 32 };

/* What something small that grew has left behind. */
struct spare {
    struct spare *next;
};

enum { SPARE_CLASSES = 16 }; /* of at least 2^n bytes, up to LARGE */

struct arena {            /* lies in its first block */
    struct block *blocks; /* small things go into the first one */
    struct block *large;
    struct block *kept; /* wiped ones, from before it was cleared */
    size_t total;       /* of blocks */
    struct spare *spares[SPARE_CLASSES];
};

static size_t aligned(size_t size, size_t alignment)
{
    return (size + alignment - 1) & ~(alignment - 1);
}

static atomic_int unlocked;

/* sodium_malloc goes on where it cannot lock, and leaves the error. */
static void *secure_alloc(size_t size)
{
    errno = 0;
    void *memory = sodium_malloc(aligned(size, BLOCK_ALIGNMENT));
    if (memory == NULL)
        memory_failed();
    if (errno != 0)
        unlocked = errno;
    return memory;
}

int arena_unlocked(void)
{
    return unlocked;
}

static void free_blocks(struct block *block)
{
    while (block != NULL) {
        struct block *next = block->next;
        sodium_free(block);
        block = next;
    }
}

void arena_destroy(struct arena *arena)
{
    if (arena == NULL)
        return;
    free_blocks(arena->large);
    free_blocks(arena->kept);
    free_blocks(arena->blocks);
}

static void destroy(void *arena)
{
    arena_destroy(arena);
}

void arena_hold(struct memory_hold *hold, struct arena *arena)
{
    memory_hold(hold, destroy, arena);
}

static size_t head_size(void)
{
    return aligned(sizeof(struct block), ALIGNMENT);
}

/* A block that was cleared, of about SIZE. */
static struct block *take_kept(struct arena *arena, size_t size)
{
    for (struct block **at = &arena->kept; *at != NULL; at = &(*at)->next) {
        struct block *block = *at;
        if (block->size >= size && block->size / 2 <= size) {
            *at = block->next;
            return block;
        }
    }
    return NULL;
}

static struct block *new_block(size_t size)
{
    struct block *block = secure_alloc(size);
    *block = (struct block){.size = size, .used = head_size()};
    return block;
}

static struct block *add_block(struct arena *arena, struct block **list, size_t size)
{
    struct block *block = take_kept(arena, size);
    if (block == NULL)
        block = new_block(size);
    block->next = *list;
    block->previous = NULL;
    if (*list != NULL)
        (*list)->previous = block;
    *list = block;
    return block;
}

static struct block *small_block(struct arena *arena, size_t need)
{
    if (arena->blocks->size - arena->blocks->used >= need)
        return arena->blocks;
    size_t grown = arena->total / GROWTH > NEXT_BLOCK ? arena->total / GROWTH : NEXT_BLOCK;
    size_t size = aligned(grown, PAGE) - CANARY;
    arena->total += size;
    return add_block(arena, &arena->blocks, size);
}

static struct arena *arena_in(struct block *block, struct block *kept)
{
    struct arena *arena = (struct arena *)((char *)block + block->used);
    block->used += sizeof *arena;
    *arena = (struct arena){.blocks = block, .kept = kept, .total = FIRST_BLOCK};
    return arena;
}

struct arena *arena_create(void)
{
    if (sodium_init() < 0)
        memory_failed();
    return arena_in(new_block(FIRST_BLOCK - CANARY), NULL);
}

static void wipe(struct block *block)
{
    sodium_memzero((char *)block + head_size(), block->used - head_size());
    block->used = head_size();
}

/* Moves from LIST to *KEPT what there is room for, and frees the rest; but for the last one of the blocks, which the
 * arena lies in. */
static void keep_blocks(struct block *list, const struct block *last, struct block **kept, size_t *room)
{
    for (struct block *next; list != last; list = next) {
        next = list->next;
        if (list->size > *room) {
            sodium_free(list);
            continue;
        }
        wipe(list);
        *room -= list->size;
        list->next = *kept;
        *kept = list;
    }
}

void arena_clear(struct arena *arena)
{
    struct block *kept = NULL;
    size_t room = KEPT;
    struct block *first = arena->blocks;
    while (first->next != NULL)
        first = first->next;
    keep_blocks(arena->blocks, first, &kept, &room);
    keep_blocks(arena->large, NULL, &kept, &room);
    keep_blocks(arena->kept, NULL, &kept, &room);
    wipe(first);
    first->previous = NULL;
    (void)arena_in(first, kept);
}

/* Texts need no alignment; what follows one is aligned again. */
static void *allocate(struct arena *arena, size_t size, size_t alignment)
{
    if (size > SIZE_MAX / 2)
        memory_failed();
    size = size == 0 ? 1 : size;
    bool large = size >= LARGE;
    size_t need = large ? aligned(size, ALIGNMENT) : size + ALIGNMENT;
    struct block *block = large ? add_block(arena, &arena->large, need + head_size()) : small_block(arena, need);
    block->used = aligned(block->used, alignment);
    char *memory = (char *)block + block->used;
    block->used += size;
    memset(memory, 0, size);
    return memory;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    return allocate(arena, size, ALIGNMENT);
}

/* The largest n with 2^n <= SIZE. */
static unsigned power_below(size_t size)
{
    return (unsigned)(8 * sizeof(unsigned long) - 1) - (unsigned)__builtin_clzl(size);
}

static void *take_spare(struct arena *arena, size_t size)
{
    unsigned class = size > 1 ? power_below(size - 1) + 1 : 0;
    struct spare *spare = size < LARGE ? arena->spares[class] : NULL;
    if (spare == NULL)
        return NULL;
    arena->spares[class] = spare->next;
    return memset(spare, 0, size);
}

void arena_give_back(struct arena *arena, void *memory, size_t size)
{
    if (memory == NULL || size < sizeof(struct spare))
        return;
    if (size < LARGE) {
        struct spare *spare = memory;
        struct spare **list = &arena->spares[power_below(size)];
        *spare = (struct spare){.next = *list};
        *list = spare;
        return;
    }
    struct block *block = (struct block *)((char *)memory - head_size());
    if (block->next != NULL)
        block->next->previous = block->previous;
    if (block->previous != NULL)
        block->previous->next = block->next;
    else
        arena->large = block->next;
    sodium_free(block);
}

/* Makes room for more in place: MEMORY is the last thing in the block that small things go into. */
static bool extend(struct arena *arena, const void *memory, size_t old_size, size_t size)
{
    struct block *block = arena->blocks;
    if (memory == NULL || size >= LARGE || (const char *)memory + old_size != (char *)block + block->used ||
        block->size - block->used < size - old_size)
        return false;
    memset((char *)block + block->used, 0, size - old_size);
    block->used += size - old_size;
    return true;
}

char *arena_strndup(struct arena *arena, const char *bytes, size_t len)
{
    char *copy = allocate(arena, len + 1, 1);
    if (len > 0)
        memcpy(copy, bytes, len);
    return copy;
}

char *arena_strdup(struct arena *arena, const char *text)
{
    return arena_strndup(arena, text, strlen(text));
}

const char *arena_prefix(struct arena *arena, const char *text, size_t len)
{
    return text[len] == '\0' ? text : arena_strndup(arena, text, len);
}

char *arena_vprintf(struct arena *arena, const char *format, va_list args)
{
    struct block *block = arena->blocks;
    char *text = (char *)block + block->used;
    const size_t room = block->size - block->used;
    va_list again;
    va_copy(again, args);
    int len = vsnprintf(text, room, format, again);
    va_end(again);
    assert(len >= 0);
    if ((size_t)len < room) {
        block->used += (size_t)len + 1;
        return text;
    }
    sodium_memzero(text, room);
    text = allocate(arena, (size_t)len + 1, 1);
    (void)vsnprintf(text, (size_t)len + 1, format, args);
    return text;
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *text = arena_vprintf(arena, format, args);
    va_end(args);
    return text;
}

void *arena_grow(struct arena *arena, void *items, size_t *capacity, size_t count, size_t size)
{
    if (count <= *capacity)
        return items;
    bool large = *capacity * size >= LARGE;
    size_t grown = *capacity == 0 ? FIRST_SIZE / size : large ? *capacity + *capacity / 2 : *capacity * 2;
    if (grown < count)
        grown = count;
    if (!extend(arena, items, *capacity * size, grown * size)) {
        void *moved = take_spare(arena, grown * size);
        if (moved == NULL)
            moved = arena_alloc(arena, grown * size);
        if (*capacity > 0)
            memcpy(moved, items, *capacity * size);
        arena_give_back(arena, items, *capacity * size);
        items = moved;
    }
    *capacity = grown;
    return items;
}

void *arena_extend(struct arena *arena, void *items, size_t count, size_t size)
{
    if ((count & (count - 1)) != 0)
        return items;
    void *more = arena_alloc(arena, (count == 0 ? 1 : 2 * count) * size);
    if (count > 0)
        memcpy(more, items, count * size);
    arena_give_back(arena, items, count * size);
    return more;
}
