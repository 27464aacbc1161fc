#include "key_heap.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

/* Sizes go up by halves: 32, 48, 64, 96, ... A request over plain HTTP has about 60 blocks at a time, 12 KiB in all.
 * libcurl 8 also writes the head of a request into a buffer of 16 KiB. KEPT: of each size that came from malloc, by one
 * thread; an eighth of that of LARGE blocks, which leave half of the region to the others. */
enum { SMALLEST = 32, SIZES = 21, LARGE = 8 * 1024, LARGEST = SMALLEST << (SIZES / 2), KEPT = 128, NO_SIZE = SIZES };
#ifdef __SANITIZE_ADDRESS__
enum { REGION = 0 }; /* it sees what malloc gives only */
#else
enum { REGION = 4 * 1024 * 1024 };
#endif

/* Before each block. */
struct head {
    _Alignas(16) uint32_t len; /* as it was asked for, at most */
    uint8_t number;            /* of its size; NO_SIZE: it is larger, or of a thread that has not joined */
    bool of_region;
};

/* In a block that was given back. */
struct kept {
    struct kept *next;
};

struct lists {
    struct kept *first[SIZES];
    size_t counts[SIZES]; /* of those from malloc */
};

static char *region;
static size_t region_size;
static atomic_size_t region_used;
static _Thread_local struct lists lists;
static _Thread_local bool joined;

static size_t size_of(unsigned number)
{
    size_t whole = (size_t)SMALLEST << (number / 2);
    return number % 2 == 0 ? whole : whole + whole / 2;
}

/* The smallest that LEN bytes, at most LARGEST, have room in. */
static unsigned number_for(size_t len)
{
    if (len <= SMALLEST)
        return 0;
    unsigned doublings = (unsigned)(63 - __builtin_clzll((len - 1) / SMALLEST));
    unsigned number = doublings * 2 + 1;
    return len <= size_of(number) ? number : number + 1;
}

void key_heap_start(void)
{
    struct rlimit limit = {0, 0};
    if (REGION == 0)
        return;
    void *memory = mmap(NULL, REGION, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED)
        return;
    (void)madvise(memory, REGION, MADV_DONTDUMP);
    (void)getrlimit(RLIMIT_MEMLOCK, &limit);
    size_t half =
        limit.rlim_cur / 2 > REGION ? REGION : (size_t)(limit.rlim_cur / 2); /* the snapshot wants some, too */
    region_size = REGION;
    if (mlock2(memory, half, MLOCK_ONFAULT) == 0 && half > 0)
        region_size = half;
    region = memory;
}

void key_heap_join(void)
{
    joined = true;
}

void key_heap_leave(void)
{
    joined = false;
    for (unsigned i = 0; i < SIZES; i++)
        for (struct kept *kept; (kept = lists.first[i]) != NULL;) {
            struct head *head = (struct head *)(void *)kept - 1;
            lists.first[i] = kept->next;
            if (!head->of_region)
                free(head);
        }
    memset(&lists, 0, sizeof lists);
}

static struct head *from_region(size_t size)
{
    size_t whole = sizeof(struct head) + size;
    size_t limit = size > LARGE ? region_size / 2 : region_size;
    if (atomic_load_explicit(&region_used, memory_order_relaxed) + whole > limit)
        return NULL;
    size_t at = atomic_fetch_add(&region_used, whole);
    return at + whole > region_size ? NULL : (struct head *)(void *)(region + at);
}

static struct head *take_kept(unsigned number)
{
    struct kept *kept = lists.first[number];
    if (kept == NULL)
        return NULL;
    struct head *head = (struct head *)(void *)kept - 1;
    lists.first[number] = kept->next;
    lists.counts[number] -= !head->of_region;
    return head;
}

void *key_heap_take(size_t size)
{
    unsigned number = joined && size <= LARGEST ? number_for(size) : NO_SIZE;
    struct head *head = number == NO_SIZE ? NULL : take_kept(number);
    if (size > UINT32_MAX / 2)
        return NULL;
    if (head == NULL && number != NO_SIZE && (head = from_region(size_of(number))) != NULL)
        *head = (struct head){.number = (uint8_t)number, .of_region = true};
    if (head == NULL) {
        head = malloc(sizeof *head + (number == NO_SIZE ? size : size_of(number)));
        if (head == NULL)
            return NULL;
        *head = (struct head){.number = (uint8_t)number};
    }
    head->len = (uint32_t)size;
    return head + 1;
}

static size_t kept_most(unsigned number)
{
    return size_of(number) > LARGE ? KEPT / 8 : KEPT;
}

void key_heap_give(void *pointer)
{
    if (pointer == NULL)
        return;
    struct head *head = (struct head *)pointer - 1;
    unsigned number = head->number;
    explicit_bzero(pointer, head->len);
    if (number == NO_SIZE || (!head->of_region && (!joined || lists.counts[number] >= kept_most(number)))) {
        free(head);
    } else if (joined) {
        struct kept *kept = pointer;
        kept->next = lists.first[number];
        lists.first[number] = kept;
        lists.counts[number] += !head->of_region;
    } /* else the region has it less: of a thread that looks up a name that is not wanted any more */
}

void *key_heap_take_zeros(size_t count, size_t size)
{
    size_t all;
    void *pointer = __builtin_mul_overflow(count, size, &all) ? NULL : key_heap_take(all);
    return pointer == NULL ? NULL : memset(pointer, 0, all);
}

void *key_heap_resize(void *pointer, size_t size)
{
    struct head *head = pointer == NULL ? NULL : (struct head *)pointer - 1;
    if (head != NULL && head->number != NO_SIZE && size <= size_of(head->number)) {
        if (size < head->len)
            explicit_bzero((char *)pointer + size, head->len - size);
        head->len = (uint32_t)size;
        return pointer;
    }
    void *moved = key_heap_take(size);
    if (moved == NULL || head == NULL)
        return moved;
    memcpy(moved, pointer, head->len < size ? head->len : size);
    key_heap_give(pointer);
    return moved;
}

char *key_heap_copy(const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = key_heap_take(size);
    return copy == NULL ? NULL : memcpy(copy, text, size);
}
