#include "zero_pages.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static bool is_zero(const char *page, size_t size)
{
    return *page == '\0' && memcmp(page, page + 1, size - 1) == 0;
}

void zero_pages_give_back(char *start, size_t len)
{
    const size_t size = (size_t)sysconf(_SC_PAGESIZE);
    if ((uintptr_t)start % size != 0)
        return;
    for (size_t at = 0; len - at >= size; at += size)
        if (is_zero(start + at, size))
            (void)madvise(start + at, size, MADV_DONTNEED);
}
