#include "owners.h"

#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>

#include "clock.h"
#include "guarded_file.h"
#include "snapshot_format.h"

enum { SETS = 1024, WAYS = 8 };

struct owner {
    uint64_t id; /* digest of the provider and the id; 0: free */
    uint64_t key;
    uint64_t used; /* seconds since the epoch */
};

struct owners {
    pthread_mutex_t lock;
    atomic_bool any;
    int fd; /* -1: only in memory */
    struct owner table[SETS][WAYS];
};

struct owners *owners_open(const char *home)
{
    char path[PATH_MAX];
    struct stat st;
    struct owners *owners = calloc(1, sizeof *owners);
    if (owners == NULL || snprintf(path, sizeof path, "%s/" RELAY_OWNERS_FILE, home) >= (int)sizeof path)
        return owners;
    (void)pthread_mutex_init(&owners->lock, NULL);
    owners->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0600);
    if (owners->fd >= 0 && (fstat(owners->fd, &st) < 0 || guarded_file_unsafe(&st))) {
        (void)close(owners->fd);
        owners->fd = -1;
    }
    if (owners->fd >= 0 && pread(owners->fd, owners->table, sizeof owners->table, 0) != (ssize_t)sizeof owners->table)
        memset(owners->table, 0, sizeof owners->table); /* new, or cut off */
    for (size_t i = 0; i < (size_t)SETS * WAYS; i++)
        owners->any = owners->any || owners->table[i / WAYS][i % WAYS].id != 0;
    return owners;
}

void owners_close(struct owners *owners)
{
    if (owners == NULL)
        return;
    if (owners->fd >= 0)
        (void)close(owners->fd);
    (void)pthread_mutex_destroy(&owners->lock);
    free(owners);
}

bool owners_any(const struct owners *owners)
{
    return atomic_load(&owners->any);
}

static uint64_t digest_of(const char *provider, const char *id, size_t len)
{
    static const unsigned char key[crypto_shorthash_KEYBYTES] = "of the owners";
    uint64_t digests[2];
    (void)crypto_shorthash((unsigned char *)&digests[0], (const unsigned char *)provider, strlen(provider), key);
    (void)crypto_shorthash((unsigned char *)&digests[1], (const unsigned char *)id, len, key);
    (void)crypto_shorthash((unsigned char *)&digests[0], (const unsigned char *)digests, sizeof digests, key);
    return digests[0] == 0 ? 1 : digests[0];
}

/* The place of DIGEST; else the free one, or the one that was used longest ago, of its set. */
static struct owner *place_of(struct owners *owners, uint64_t digest)
{
    struct owner *set = owners->table[digest % SETS];
    struct owner *oldest = set;
    for (size_t i = 0; i < WAYS; i++) {
        if (set[i].id == digest)
            return &set[i];
        if (set[i].used < oldest->used)
            oldest = &set[i];
    }
    return oldest;
}

static void write_place(const struct owners *owners, const struct owner *owner)
{
    ssize_t ignored =
        owners->fd < 0 ? 0 : pwrite(owners->fd, owner, sizeof *owner, (char *)owner - (char *)owners->table);
    (void)ignored;
}

void owners_note(struct owners *owners, const char *provider, const char *id, size_t len, const char *fingerprint)
{
    unsigned long long key;
    if (len == 0 || sscanf(fingerprint, "sha256:%16llx", &key) != 1)
        return;
    uint64_t digest = digest_of(provider, id, len);
    (void)pthread_mutex_lock(&owners->lock);
    struct owner *owner = place_of(owners, digest);
    atomic_store(&owners->any, true);
    *owner = (struct owner){digest, key, (uint64_t)clock_wall()};
    write_place(owners, owner);
    (void)pthread_mutex_unlock(&owners->lock);
}

bool owners_find(struct owners *owners, const char *provider, const char *id, size_t len, char ret[OWNER_SIZE])
{
    uint64_t digest = digest_of(provider, id, len);
    (void)pthread_mutex_lock(&owners->lock);
    struct owner *owner = place_of(owners, digest);
    bool found = len > 0 && owner->id == digest;
    if (found) {
        owner->used = (uint64_t)clock_wall();
        (void)snprintf(ret, OWNER_SIZE, "sha256:%016llx", (unsigned long long)owner->key);
    }
    (void)pthread_mutex_unlock(&owners->lock);
    return found;
}
