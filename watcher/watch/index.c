#include "watch.h"

#include <stdlib.h>
#include <string.h>

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

/* The watch of PATH; a new one is not watched yet. NULL: there is no memory. */
static struct watch *watch_at(struct watch_set *set, const char *path)
{
    struct watch **bucket = bucket_of_name(set, path);
    for (struct watch *watch = *bucket; watch != NULL; watch = watch->next_of_name)
        if (strcmp(watch->path, path) == 0)
            return watch;
    struct watch *watch = calloc(1, sizeof *watch);
    char *copy = strdup(path);
    if (watch == NULL || copy == NULL) {
        free(watch);
        free(copy);
        return NULL;
    }
    *watch = (struct watch){.path = copy, .descriptor = -1, .next_of_name = *bucket};
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

static bool remember(struct watch_client *client, struct watch *watch)
{
    for (size_t i = 0; i < client->count; i++)
        if (client->watches[i] == watch)
            return true;
    struct watch **watches = realloc(client->watches, (client->count + 1) * sizeof *watches);
    if (watches == NULL)
        return false;
    client->watches = watches;
    client->watches[client->count++] = watch;
    return true;
}

/* As the one with the number AT. */
static bool add_interest(struct watch_client *client, struct watch *watch, size_t at, const char *name)
{
    struct interest *interests = realloc(watch->interests, (watch->count + 1) * sizeof *interests);
    char *copy = strdup(name);
    if (interests != NULL)
        watch->interests = interests;
    if (interests == NULL || copy == NULL || !remember(client, watch)) {
        free(copy);
        return false;
    }
    memmove(interests + at + 1, interests + at, (watch->count - at) * sizeof *interests);
    interests[at] = (struct interest){.name = copy, .client = client};
    watch->count++;
    return true;
}

bool watch_want(struct watch_client *client, const char *directory, struct watch_wish wish)
{
    struct watch *watch = watch_at(client->set, directory);
    const char *name = wish.name;
    if (watch == NULL)
        return false;
    size_t at = watch_first_of(watch, name);
    while (at < watch->count && strcmp(watch->interests[at].name, name) == 0 && watch->interests[at].client != client)
        at++;
    if ((at == watch->count || strcmp(watch->interests[at].name, name) != 0) &&
        !add_interest(client, watch, at, name)) {
        if (watch->count == 0)
            forget(client->set, watch);
        return false;
    }
    struct interest *interest = &watch->interests[at];
    watch->file = watch->file || wish.file;
    interest->apart = wish.apart && (interest->apart || interest->round != client->round);
    interest->round = client->round;
    interest->passage = wish.passage;
    interest->unknown = wish.unknown;
    return true;
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
