#include "arena.h"

#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sodium.h>

/* The first block serves a usual home; later ones grow with what is already there, so that a large configuration
 * costs a logarithmic number of them. */
enum { FIRST_BLOCK = 256 * 1024, ALIGNMENT = 16 };

struct block {
    struct block *next;
    size_t size;
    size_t used;
};

struct arena {
    struct block *blocks;
    size_t total;
};

static _Noreturn void out_of_memory(void)
{
    static const char message[] = "hermes: out of memory\n";
    ssize_t ignored = write(STDERR_FILENO, message, sizeof message - 1);
    (void)ignored;
    _exit(4);
}

static size_t aligned(size_t size)
{
    return (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
}

/* sodium_malloc puts the bytes at the end of their last page, so a size that is a multiple of 16 stays aligned. */
static void *secure_alloc(size_t size)
{
    void *memory = sodium_malloc(size);
    if (memory == NULL)
        out_of_memory();
    return memory;
}

struct arena *arena_create(void)
{
    if (sodium_init() < 0)
        out_of_memory();
    struct arena *arena = secure_alloc(aligned(sizeof *arena));
    *arena = (struct arena){0};
    return arena;
}

void arena_destroy(struct arena *arena)
{
    if (arena == NULL)
        return;
    struct block *block = arena->blocks;
    while (block != NULL) {
        struct block *next = block->next;
        sodium_free(block);
        block = next;
    }
    sodium_free(arena);
}

static struct block *add_block(struct arena *arena, size_t need)
{
    size_t size = arena->total / 2 > FIRST_BLOCK ? arena->total / 2 : FIRST_BLOCK;
    size_t head = aligned(sizeof(struct block));
    if (need > SIZE_MAX / 2)
        out_of_memory();
    if (size < need + head)
        size = need + head;
    size = aligned(size);
    struct block *block = secure_alloc(size);
    *block = (struct block){.next = arena->blocks, .size = size, .used = head};
    arena->blocks = block;
    arena->total += size;
    return block;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    struct block *block = arena->blocks;
    if (size > SIZE_MAX / 2)
        out_of_memory();
    size = aligned(size == 0 ? 1 : size);
    if (block == NULL || block->size - block->used < size)
        block = add_block(arena, size);
    char *memory = (char *)block + block->used;
    block->used += size;
    memset(memory, 0, size);
    return memory;
}

char *arena_strndup(struct arena *arena, const char *bytes, size_t len)
{
    char *copy = arena_alloc(arena, len + 1);
    if (len > 0)
        memcpy(copy, bytes, len);
    return copy;
}

char *arena_strdup(struct arena *arena, const char *text)
{
    return arena_strndup(arena, text, strlen(text));
}

char *arena_vprintf(struct arena *arena, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, again);
    va_end(again);
    assert(len >= 0);
    char *text = arena_alloc(arena, (size_t)len + 1);
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

void arena_grow(struct arena *arena, void **items, size_t *capacity, size_t count, size_t size)
{
    if (count <= *capacity)
        return;
    size_t grown = *capacity < 4 ? 4 : *capacity * 2;
    if (grown < count)
        grown = count;
    void *moved = arena_alloc(arena, grown * size);
    if (*capacity > 0)
        memcpy(moved, *items, *capacity * size);
    *items = moved;
    *capacity = grown;
}

static void text_reserve(struct text *text, size_t more)
{
    void *bytes = text->bytes;
    arena_grow(text->arena, &bytes, &text->capacity, text->len + more + 1, 1);
    text->bytes = bytes;
}

void text_append(struct text *text, const char *bytes, size_t len)
{
    text_reserve(text, len);
    if (len > 0)
        memcpy(text->bytes + text->len, bytes, len);
    text->len += len;
    text->bytes[text->len] = '\0';
}

void text_puts(struct text *text, const char *string)
{
    text_append(text, string, strlen(string));
}

void text_putc(struct text *text, char c)
{
    text_append(text, &c, 1);
}

void text_printf(struct text *text, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *piece = arena_vprintf(text->arena, format, args);
    va_end(args);
    text_puts(text, piece);
}
