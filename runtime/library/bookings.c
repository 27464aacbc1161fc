#include "bookings.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <unistd.h>

#include "replace.h"

static const char magic[8] = {'h', 'e', 'r', 'm', 'e', 's', 'b', 'k'};

_Static_assert(sizeof(struct booking_slot) == 64, "the file's format");
_Static_assert(sizeof(struct booking_table) == 64 * (BOOKING_SLOTS + 1), "the file's format");
_Static_assert(ATOMIC_LLONG_LOCK_FREE == 2, "other processes do not share our locks");

/* --- One word: until in milliseconds, rule, status, verdict, so that none can be read without the others --- */

enum { VERDICT_BITS = 2, STATUS_BITS = 10, RULE_BITS = 8, UNTIL_BITS = 44 };

static uint64_t pack(const struct booking *booking)
{
    const uint64_t last = ((uint64_t)1 << UNTIL_BITS) - 1;
    uint64_t until = 0;
    if (booking->until > 0)
        until = booking->until * 1000 < (double)last ? (uint64_t)(booking->until * 1000) : last;
    uint64_t status = booking->status > 0 && booking->status < 1 << STATUS_BITS ? (uint64_t)booking->status : 0;
    uint64_t rule = booking->rule < 1U << RULE_BITS ? booking->rule : 0;
    uint64_t verdict = (uint64_t)booking->verdict & ((1U << VERDICT_BITS) - 1);
    return ((until << RULE_BITS | rule) << STATUS_BITS | status) << VERDICT_BITS | verdict;
}

static void unpack(uint64_t word, struct booking *ret)
{
    ret->verdict = (enum hermes_verdict)(word & ((1U << VERDICT_BITS) - 1));
    ret->status = (int)(word >> VERDICT_BITS & ((1U << STATUS_BITS) - 1));
    ret->rule = (unsigned)(word >> (VERDICT_BITS + STATUS_BITS) & ((1U << RULE_BITS) - 1));
    ret->until = (double)(word >> (VERDICT_BITS + STATUS_BITS + RULE_BITS)) / 1000;
    if (ret->verdict == HERMES_KEY_DEAD)
        ret->until = INFINITY;
}

/* --- Slots --- */

/* FNV-1a: the Python reader has to find the same slots. */
static uint64_t hash(const char *text)
{
    uint64_t h = 0xcbf29ce484222325;
    for (; *text != '\0'; text++)
        h = (h ^ (unsigned char)*text) * 0x100000001b3;
    return h;
}

/* The 64 bits of a fingerprint; of anything else, a hash. */
static uint64_t fingerprint_bits(const char *fingerprint)
{
    uint64_t bits = 0;
    const char *at = strncmp(fingerprint, "sha256:", 7) == 0 ? fingerprint + 7 : "";
    for (; *at != '\0'; at++) {
        char c = *at;
        int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
        if (digit < 0)
            return hash(fingerprint);
        bits = bits << 4 | (uint64_t)digit;
    }
    return bits;
}

struct bookings_id bookings_id(const char *provider, const char *fingerprint)
{
    struct bookings_id id = {.provider = hash(provider)};
    id.key = id.provider ^ (fingerprint == NULL ? 0 : fingerprint_bits(fingerprint));
    id.key = id.key == 0 ? 1 : id.key;
    return id;
}

struct bookings_id bookings_id_of(const struct bookings_id *id, enum hermes_scope scope, const char *part)
{
    uint64_t mixed = (hash(part) + scope) * 0x9e3779b97f4a7c15;
    struct bookings_id of = {.provider = id->provider, .key = id->key ^ mixed, .whole = id->key};
    of.key = of.key == 0 ? 1 : of.key;
    return of;
}

/* The slot of ID, or the first free one on the way to it; NULL when it has none and the table is full. */
static struct booking_slot *find(struct booking_table *table, uint64_t key)
{
    for (size_t i = 0; i < BOOKING_SLOTS; i++) {
        struct booking_slot *slot = &table->slots[(key + i) % BOOKING_SLOTS];
        uint64_t there = atomic_load_explicit(&slot->key, memory_order_acquire);
        if (there == key || there == 0)
            return slot;
    }
    return NULL;
}

static struct booking_slot *find_taken(struct booking_table *table, uint64_t key)
{
    struct booking_slot *slot = table == NULL ? NULL : find(table, key);
    return slot == NULL || atomic_load_explicit(&slot->key, memory_order_acquire) == 0 ? NULL : slot;
}

/* As find, but the slot is ID's afterwards. */
static struct booking_slot *take(struct booking_table *table, const struct bookings_id *id)
{
    for (;;) {
        struct booking_slot *slot = find(table, id->key);
        uint64_t there = 0;
        if (slot == NULL)
            return NULL;
        if (atomic_compare_exchange_strong(&slot->key, &there, id->key)) {
            atomic_store(&slot->provider, id->provider);
            atomic_store(&slot->whole, id->whole);
            atomic_fetch_add(&table->taken, 1);
            return slot;
        }
        if (there == id->key)
            return slot;
    }
}

/* --- The file --- */

/* The shared tables of this process, where bookings_fault finds them. */
static _Atomic(struct booking_table *) shared_tables[16];

static void exchange_listed(struct booking_table *from, struct booking_table *to)
{
    for (size_t i = 0; i < sizeof shared_tables / sizeof *shared_tables; i++) {
        struct booking_table *there = from;
        if (atomic_compare_exchange_strong(&shared_tables[i], &there, to))
            return;
    }
}

bool bookings_fault(const void *address)
{
    for (size_t i = 0; i < sizeof shared_tables / sizeof *shared_tables; i++) {
        struct booking_table *table = atomic_load(&shared_tables[i]);
        if (table != NULL && (uintptr_t)address - (uintptr_t)table < sizeof *table)
            return mmap(table, sizeof *table, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) ==
                   table;
    }
    return false;
}

static void unmap(struct booking_table **table)
{
    if (*table == NULL)
        return;
    exchange_listed(*table, NULL);
    (void)munmap(*table, sizeof **table);
    *table = NULL;
}

void bookings_finish(struct bookings *bookings)
{
    unmap(&bookings->shared);
    unmap(&bookings->own);
}

static int check_file(const struct stat *st, const struct booking_table *table)
{
    if (guarded_file_unsafe(st))
        return HERMES_UNSAFE;
    if (table == NULL)
        return st->st_size == sizeof *table ? 0 : HERMES_CORRUPT;
    if (memcmp(table->magic, magic, sizeof magic) != 0)
        return HERMES_CORRUPT;
    if (table->format != BOOKINGS_FORMAT)
        return table->format > BOOKINGS_FORMAT && table->format < 1000 ? HERMES_NEWER : HERMES_CORRUPT;
    return table->slot_count == BOOKING_SLOTS ? 0 : HERMES_CORRUPT;
}

/* Maps what stands at the path. HERMES_ABSENT, _UNSAFE, _CORRUPT, _NEWER or a negative errno: nothing usable does. */
static int map_file(struct bookings *bookings, bool writable)
{
    int flags = O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;
    struct stat st;
    int fd = open(bookings->path, (writable ? O_RDWR : O_RDONLY) | flags);
    if (fd < 0)
        return errno == ENOENT ? HERMES_ABSENT : errno == ELOOP ? HERMES_UNSAFE : -errno;
    int error = fstat(fd, &st) < 0 ? -errno : check_file(&st, NULL);
    void *at = MAP_FAILED;
    if (error == 0) {
        at = mmap(NULL, sizeof(struct booking_table), PROT_READ | (writable ? PROT_WRITE : 0), MAP_SHARED, fd, 0);
        error = at == MAP_FAILED ? -errno : 0;
    }
    if (error == 0) {
        exchange_listed(NULL, at);
        error = check_file(&st, at);
    }
    (void)close(fd);
    if (error == 0) {
        bookings->shared = at;
        bookings->writable = writable;
        bookings->moment = guarded_file_moment(&st);
    } else if (at != MAP_FAILED) {
        struct booking_table *table = at;
        unmap(&table);
    }
    return error;
}

static int map_either(struct bookings *bookings)
{
    int error = map_file(bookings, true);
    bool refused = error == -EACCES || error == -EROFS || error == -EPERM;
    return refused && map_file(bookings, false) == 0 ? 0 : error;
}

static bool still_bad(const struct booking_slot *slot, double now)
{
    struct booking booking;
    unpack(atomic_load(&slot->word), &booking);
    return booking.verdict != HERMES_KEY_GOOD && booking.until > now;
}

static bool used_lately(const struct booking_slot *slot, double now)
{
    return (double)atomic_load(&slot->last_used) / 1000 > now - 30 * 86400.0;
}

/* Copies what still counts, what must not be asked before what was only counted; at last less than three quarters of
 * the slots are taken. */
static void copy_table(struct booking_table *to, struct booking_table *from, double now)
{
    size_t taken = 0;
    for (size_t i = 0; from != NULL && i < 2 * BOOKING_SLOTS && taken < BOOKING_SLOTS / 4 * 3; i++) {
        struct booking_slot *old = &from->slots[i % BOOKING_SLOTS];
        struct bookings_id id = {atomic_load(&old->provider), atomic_load(&old->key), atomic_load(&old->whole)};
        bool bad = still_bad(old, now);
        bool wanted = i < BOOKING_SLOTS ? bad : !bad && used_lately(old, now);
        struct booking_slot *slot = id.key != 0 && wanted ? take(to, &id) : NULL;
        if (slot == NULL)
            continue;
        taken++;
        atomic_store(&slot->word, atomic_load(&old->word));
        atomic_store(&slot->requests, atomic_load(&old->requests));
        atomic_store(&slot->last_used, atomic_load(&old->last_used));
        atomic_store(&slot->turn, atomic_load(&old->turn));
    }
}

/* A new table with what still counts of OLD (may be NULL) takes the place of whatever stands at the path. */
static int write_table(const struct bookings *bookings, struct booking_table *old, double now)
{
    struct booking_table *table = calloc(1, sizeof *table);
    if (table == NULL)
        return -ENOMEM;
    memcpy(table->magic, magic, sizeof magic);
    table->format = BOOKINGS_FORMAT;
    table->slot_count = BOOKING_SLOTS;
    copy_table(table, old, now);
    struct replacement r;
    int error =
        replace_prepare(&r, bookings->path, false, &(struct piece){(const char *)table, sizeof *table}, 1, 0600);
    if (error == 0)
        error = replace_commit(&r);
    if (error == 0)
        error = replace_sync(&r);
    replace_abandon(&r);
    free(table);
    return error;
}

/* The directory, locked against others who make the table; only in a directory of our own is anything made. */
static int lock_directory(const struct bookings *bookings)
{
    char directory[PATH_MAX];
    struct stat st;
    int len = snprintf(directory, sizeof directory, "%s", bookings->path);
    char *slash = strrchr(directory, '/');
    if (len >= (int)sizeof directory || slash == NULL)
        return -ENAMETOOLONG;
    *slash = '\0';
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    if (fstat(fd, &st) == 0 && st.st_uid == geteuid() && flock(fd, LOCK_EX) == 0)
        return fd;
    (void)close(fd);
    return -EACCES;
}

static bool mapped(const struct bookings *bookings)
{
    struct stat st;
    return bookings->shared != NULL && lstat(bookings->path, &st) == 0 && st.st_dev == bookings->moment.device &&
           st.st_ino == bookings->moment.inode && st.st_size == sizeof *bookings->shared && !guarded_file_unsafe(&st) &&
           memcmp(bookings->shared->magic, magic, sizeof magic) == 0;
}

static bool nearly_full(const struct booking_table *table)
{
    return atomic_load_explicit(&table->taken, memory_order_relaxed) > BOOKING_SLOTS / 8 * 7;
}

/* Makes the table, or makes it anew, unless another process was faster; and maps it. */
static int make_table(struct bookings *bookings, double now)
{
    int lock = lock_directory(bookings);
    if (lock < 0)
        return lock;
    struct booking_table *old = mapped(bookings) ? bookings->shared : NULL;
    int error = old == NULL ? map_either(bookings) : HERMES_ABSENT;
    if (error == HERMES_ABSENT || error == HERMES_CORRUPT || error == HERMES_UNSAFE || error == -EACCES) {
        error = write_table(bookings, old, now);
        unmap(&bookings->shared);
        error = error != 0 ? error : map_either(bookings);
    }
    (void)close(lock);
    return error;
}

void bookings_look(struct bookings *bookings, bool create, double now)
{
    if (!mapped(bookings)) {
        unmap(&bookings->shared);
        bookings->error = map_either(bookings);
    }
    bool wanted = bookings->shared == NULL || (bookings->writable && nearly_full(bookings->shared));
    if (create && wanted && bookings->error != HERMES_NEWER)
        bookings->error = make_table(bookings, now);
}

/* --- Reading and writing bookings --- */

/* The table that is written. One of our own when none can be shared. */
static struct booking_table *written(struct bookings *bookings)
{
    if (bookings->shared != NULL && bookings->writable)
        return bookings->shared;
    if (bookings->own == NULL) {
        void *at = mmap(NULL, sizeof *bookings->own, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        bookings->own = at == MAP_FAILED ? NULL : at;
    }
    return bookings->own;
}

static struct booking_slot *slot_for(struct bookings *bookings, const struct bookings_id *id)
{
    struct booking_table *table = written(bookings);
    return table == NULL ? NULL : take(table, id);
}

static void add(struct booking_table *table, const struct bookings_id *id, struct booking *booking)
{
    struct booking known;
    struct booking_slot *slot = find_taken(table, id->key);
    if (slot == NULL)
        return;
    unpack(atomic_load(&slot->word), &known);
    if (known.until > booking->until) {
        booking->verdict = known.verdict;
        booking->status = known.status;
        booking->rule = known.rule;
        booking->until = known.until;
    }
    booking->requests += atomic_load_explicit(&slot->requests, memory_order_relaxed);
    uint64_t last_used = atomic_load_explicit(&slot->last_used, memory_order_relaxed);
    uint64_t turn = atomic_load_explicit(&slot->turn, memory_order_relaxed);
    booking->last_used = last_used > booking->last_used ? last_used : booking->last_used;
    booking->turn = turn > booking->turn ? turn : booking->turn;
}

struct booking bookings_get(const struct bookings *bookings, const struct bookings_id *id)
{
    struct booking booking = {.verdict = HERMES_KEY_GOOD};
    add(bookings->shared, id, &booking);
    add(bookings->own, id, &booking);
    return booking;
}

int bookings_put(struct bookings *bookings, const struct bookings_id *id, const struct booking *booking)
{
    struct booking known;
    struct booking_slot *slot = slot_for(bookings, id);
    if (slot == NULL)
        return -ENOSPC;
    uint64_t word = atomic_load(&slot->word);
    do {
        unpack(word, &known);
        if (known.verdict == HERMES_KEY_DEAD)
            break;
    } while (!atomic_compare_exchange_weak(&slot->word, &word, pack(booking)));
    return bookings->writable ? 0 : bookings->error != 0 ? bookings->error : -EACCES;
}

void bookings_count(struct bookings *bookings, const struct bookings_id *id, double now)
{
    const struct bookings_id provider = {.provider = id->provider, .key = id->provider == 0 ? 1 : id->provider};
    struct booking_slot *whole = slot_for(bookings, &provider);
    struct booking_slot *slot = whole == NULL ? NULL : slot_for(bookings, id);
    if (slot == NULL)
        return;
    uint64_t turn = atomic_fetch_add_explicit(&whole->requests, 1, memory_order_relaxed) + 1;
    atomic_store_explicit(&slot->turn, turn, memory_order_relaxed);
    atomic_fetch_add_explicit(&slot->requests, 1, memory_order_relaxed);
    atomic_store_explicit(&slot->last_used, (uint64_t)(now * 1000), memory_order_relaxed);
    atomic_store_explicit(&whole->last_used, (uint64_t)(now * 1000), memory_order_relaxed);
}

void bookings_clear(struct bookings *bookings, const char *provider, const char *fingerprint, double now,
                    void (*cleared)(void *data, const struct bookings_id *id), void *data)
{
    struct bookings_id wanted = bookings_id(provider == NULL ? "" : provider, NULL);
    struct booking_table *table = bookings->writable ? bookings->shared : bookings->own;
    for (size_t i = 0; table != NULL && i < BOOKING_SLOTS; i++) {
        struct booking booking;
        struct booking_slot *slot = &table->slots[i];
        uint64_t whole = atomic_load(&slot->whole);
        struct bookings_id id = {.provider = atomic_load(&slot->provider), .key = whole};
        id.key = whole != 0 ? whole : atomic_load(&slot->key);
        bool meant = id.key != 0 && (provider == NULL || id.provider == wanted.provider) &&
                     (fingerprint == NULL || id.key == (id.provider ^ fingerprint_bits(fingerprint)));
        if (!meant)
            continue;
        unpack(atomic_exchange(&slot->word, 0), &booking);
        if (booking.verdict != HERMES_KEY_GOOD && booking.until > now && cleared != NULL)
            cleared(data, &id);
    }
}
