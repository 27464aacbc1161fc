#include "watch.h"

#include <stdlib.h>
#include <string.h>

#include "memory.h"

void *watch_must(void *memory)
{
    if (memory == NULL)
        memory_failed();
    return memory;
}

/* --- the buckets --- */

static struct watch **bucket_of_name(struct watch_set *set, const char *path)
{
    unsigned hash = 5381;
    for (; *path != '\0'; path++)
        hash = hash * 33 + (unsigned char)*path;
    return &set->by_name[hash % BUCKETS];
}

static void forget(struct watch_set *set, struct watch *watch)
{
    struct watch **at = bucket_of_name(set, watch->path);
    watch_stop(set, watch);
    while (*at != watch)
        at = &(*at)->next_of_name;
    *at = watch->next_of_name;
    free(watch->interests);
    free(watch->path);
    free(watch);
}

struct watch *watch_at(struct watch_set *set, const char *path)
{
    struct watch **bucket = bucket_of_name(set, path);
    for (struct watch *watch = *bucket; watch != NULL; watch = watch->next_of_name)
        if (strcmp(watch->path, path) == 0)
            return watch;
    struct watch *watch = watch_must(calloc(1, sizeof *watch));
    *watch = (struct watch){.path = watch_must(strdup(path)), .descriptor = -1, .next_of_name = *bucket};
    *bucket = watch;
    return watch;
}

size_t watch_first_of(const struct watch *watch, const char *name)
{
    size_t low = 0;
    for (size_t high = watch->count; low < high;) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(watch->interests[middle].name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void remember(struct watch_client *client, struct watch *watch)
{
    for (size_t i = 0; i < client->count; i++)
        if (client->watches[i] == watch)
            return;
    client->watches = watch_must(realloc(client->watches, (client->count + 1) * sizeof *client->watches));
    client->watches[client->count++] = watch;
}

void watch_want(struct watch_client *client, struct watch *watch, struct watch_wish wish)
{
    const char *name = wish.name;
    size_t at = watch_first_of(watch, name);
    while (at < watch->count && strcmp(watch->interests[at].name, name) == 0 && watch->interests[at].client != client)
        at++;
    if (at == watch->count || strcmp(watch->interests[at].name, name) != 0) {
        watch->interests = watch_must(realloc(watch->interests, (watch->count + 1) * sizeof *watch->interests));
        memmove(watch->interests + at + 1, watch->interests + at, (watch->count - at) * sizeof *watch->interests);
        watch->interests[at] = (struct interest){.name = watch_must(strdup(name)), .client = client};
        watch->count++;
        remember(client, watch);
    }
    struct interest *interest = &watch->interests[at];
    interest->apart = wish.apart && (interest->apart || interest->round != client->round);
    interest->round = client->round;
    interest->passage = wish.passage;
    interest->unknown = wish.unknown;
}

void watch_sweep(struct watch_client *client)
{
    size_t left = 0;
    for (size_t i = 0; i < client->count; i++) {
        struct watch *watch = client->watches[i];
        size_t kept = 0;
        bool mine = false;
        for (size_t k = 0; k < watch->count; k++) {
            struct interest interest = watch->interests[k];
            if (interest.client == client && interest.round != client->round) {
                free(interest.name);
                continue;
            }
            mine = mine || interest.client == client;
            watch->interests[kept++] = interest;
        }
        watch->count = kept;
        if (kept == 0)
            forget(client->set, watch);
        else if (mine)
            client->watches[left++] = watch;
    }
    client->count = left;
}
