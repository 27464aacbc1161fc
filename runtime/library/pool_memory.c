#include "pool_memory.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "bookings.h"
#include "json_token.h"
#include "reset_time.h"

enum { ERROR_CODE = 2, NAME_MAX_LEN = 1024 }; /* its place among the raw members; of a provider or a fingerprint */

struct pool_cooldown {
    struct bookings_id id;
    double until;
    int status;
};

static void forget(struct pool_memory *memory)
{
    free(memory->items);
    memory->items = NULL;
    memory->count = 0;
}

void pool_memory_finish(struct pool_memory *memory)
{
    forget(memory);
}

static int compare(const void *a, const void *b)
{
    const struct bookings_id *left = &((const struct pool_cooldown *)a)->id;
    const struct bookings_id *right = &((const struct pool_cooldown *)b)->id;
    if (left->key != right->key)
        return left->key < right->key ? -1 : 1;
    return left->provider < right->provider ? -1 : left->provider > right->provider;
}

static bool token_is(struct json_token token, const char *text)
{
    return json_token_is(token, text, strlen(text));
}

/* The token's text in OUT; "" when it is longer than that. */
static void copy_text(struct json_token token, char *out, size_t size)
{
    size_t len = token.len < size ? json_token_unescape(token, out) : 0;
    out[len] = '\0';
}

static int status_in(struct json_tokens raw)
{
    struct json_token name;
    struct json_token value;
    char text[16] = "";
    for (int i = 0; i <= ERROR_CODE && json_token_child(&raw, &name, &value); i++) {
        if (i == ERROR_CODE && value.kind == JSON_TEXT)
            copy_text(value, text, sizeof text);
        if (!json_token_skip(&raw, value))
            break;
    }
    long status = strtol(text, NULL, 10);
    return status >= 100 && status <= 999 ? (int)status : 0;
}

/* What the object says whose opening has been read. */
static void read_one(struct json_tokens object, struct pool_cooldown *cooldown)
{
    struct json_token name;
    struct json_token value;
    char number[64];
    bool dead = false;
    while (json_token_child(&object, &name, &value)) {
        if (token_is(name, "until") && value.kind == JSON_SCALAR) {
            copy_text(value, number, sizeof number);
            const double until = reset_time_moment(number);
            cooldown->until = until > 0 ? until : 0; /* NAN is no moment */
        }
        dead |= token_is(name, "status") && value.kind == JSON_TEXT && token_is(value, "dead");
        if (token_is(name, "raw") && value.kind == JSON_OPEN)
            cooldown->status = status_in(object);
        if (!json_token_skip(&object, value))
            break;
    }
    if (dead)
        cooldown->until = INFINITY;
}

static bool add(struct pool_memory *memory, const char *provider, const char *fingerprint, struct json_tokens object)
{
    struct pool_cooldown *grown = memory->items;
    if ((memory->count & (memory->count - 1)) == 0) /* full: it doubles */
        grown = reallocarray(memory->items, memory->count == 0 ? 1 : 2 * memory->count, sizeof *memory->items);
    if (grown == NULL)
        return false;
    memory->items = grown;
    memory->items[memory->count] = (struct pool_cooldown){.id = bookings_id(provider, fingerprint)};
    read_one(object, &memory->items[memory->count++]);
    return true;
}

/* The keys of one provider. False: no memory. */
static bool read_keys(struct pool_memory *memory, const char *provider, struct json_tokens *keys)
{
    struct json_token name;
    struct json_token value;
    char fingerprint[NAME_MAX_LEN];
    while (json_token_child(keys, &name, &value)) {
        copy_text(name, fingerprint, sizeof fingerprint);
        if (value.kind == JSON_OPEN && !add(memory, provider, fingerprint, *keys))
            return false;
        if (!json_token_skip(keys, value))
            break;
    }
    return true;
}

static bool read_providers(struct pool_memory *memory, struct json_tokens providers)
{
    struct json_token name;
    struct json_token value;
    char provider[NAME_MAX_LEN];
    while (json_token_child(&providers, &name, &value)) {
        struct json_tokens keys = providers;
        copy_text(name, provider, sizeof provider);
        if (value.kind == JSON_OPEN && !read_keys(memory, provider, &keys))
            return false;
        if (!json_token_skip(&providers, value))
            break;
    }
    return true;
}

/* Into MEMORY, which is empty. False: no memory. Text that is none is an empty file. */
static bool parse(struct pool_memory *memory, const char *bytes, size_t len)
{
    struct json_token name;
    struct json_token value;
    struct json_tokens tokens = json_tokens(bytes, len);
    bool good = true;
    if (!json_token_valid(bytes, len) || json_token_next(&tokens).kind != JSON_OPEN)
        return true;
    while (good && json_token_child(&tokens, &name, &value)) {
        if (token_is(name, "cooldowns") && value.kind == JSON_OPEN)
            good = read_providers(memory, tokens);
        if (!json_token_skip(&tokens, value))
            break;
    }
    if (memory->count > 1)
        qsort(memory->items, memory->count, sizeof *memory->items, compare);
    return good;
}

bool pool_memory_look(struct pool_memory *memory)
{
    struct stat st;
    char *bytes = NULL;
    struct moment moment;
    struct pool_memory fresh = {.path = memory->path};
    if (stat(memory->path, &st) < 0) {
        forget(memory);
        memory->moment = (struct moment){0};
        return true;
    }
    moment = guarded_file_moment(&st);
    if (guarded_file_same(&moment, &memory->moment))
        return true;
    int error = guarded_file_read(memory->path, &moment, &bytes);
    if (error == 0 && !parse(&fresh, bytes, (size_t)moment.size))
        error = -ENOMEM;
    sodium_free(bytes);
    if (error == -ENOMEM || error == -EIO || error == -EMFILE || error == -ENFILE) {
        forget(&fresh);
        return false; /* what is known stays */
    }
    fresh.moment = moment;
    forget(memory);
    *memory = fresh;
    return true;
}

double pool_memory_until(const struct pool_memory *memory, const char *provider, const char *fingerprint,
                         int *ret_status)
{
    struct pool_cooldown wanted = {.id = bookings_id(provider, fingerprint)};
    const struct pool_cooldown *found =
        memory->count == 0 ? NULL : bsearch(&wanted, memory->items, memory->count, sizeof wanted, compare);
    *ret_status = found == NULL ? 0 : found->status;
    return found == NULL ? 0 : found->until;
}
