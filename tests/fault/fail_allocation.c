/* Preloaded, it fails one allocation: the one with the number in FAIL_ALLOCATION, counted from 1. A process that ends
 * normally writes how many there were into the file that COUNT_ALLOCATIONS names. */
#include <dlfcn.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *memory, size_t size);
void *sodium_malloc(size_t size);

static unsigned long seen;
static unsigned long wanted;

__attribute__((constructor)) static void read_wish(void)
{
    const char *text = getenv("FAIL_ALLOCATION");
    wanted = text == NULL ? 0 : strtoul(text, NULL, 10);
    seen = 0;
}

__attribute__((destructor)) static void write_count(void)
{
    const char *path = getenv("COUNT_ALLOCATIONS");
    unsigned long count = seen;
    FILE *file = path == NULL ? NULL : fopen(path, "we");
    if (file != NULL) {
        (void)fprintf(file, "%lu\n", count);
        (void)fclose(file);
    }
}

static bool fails(void)
{
    bool now = ++seen == wanted;
    if (now)
        errno = ENOMEM;
    return now;
}

void *malloc(size_t size)
{
    return fails() ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    return fails() ? NULL : __libc_calloc(count, size);
}

void *realloc(void *memory, size_t size)
{
    return fails() ? NULL : __libc_realloc(memory, size);
}

void *sodium_malloc(size_t size)
{
    static void *(*next)(size_t);
    if (fails())
        return NULL;
    if (next == NULL)
        *(void **)&next = dlsym(RTLD_NEXT, "sodium_malloc");
    return next(size);
}
