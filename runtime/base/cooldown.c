#include "cooldown.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "json_escape.h"
#include "memory.h"
#include "parse_json.h"
#include "text.h"

const char *const cooldown_members[COOLDOWN_MEMBERS] = {"last_status",        "last_status_at",
                                                        "last_error_code",    "last_error_reason",
                                                        "last_error_message", "last_error_reset_at"};

/* For want of memory, no memory is lost: what is remembered here is written back. */
static cJSON *parse_or_end(const char *text, size_t len, const char **ret_end)
{
    cJSON *value = parse_json(text, len, ret_end);
    if (value == NULL && errno == ENOMEM)
        memory_failed();
    return value;
}

static const char *const list_names[COOLDOWNS_LISTS] = {
    [COOLDOWNS_EMPTY] = "empty",     [COOLDOWNS_MADE] = "made",     [COOLDOWNS_REMOVED] = "removed",
    [COOLDOWNS_LEARNED] = "learned", [COOLDOWNS_PLACED] = "placed", [COOLDOWNS_BESIDE] = "beside",
    [COOLDOWNS_ROTATED] = "rotated"};

/* One JSON scalar and nothing else: it goes into somebody else's file as it stands. */
static bool scalar(const char *text)
{
    const char *end = NULL;
    cJSON *item = parse_or_end(text, strlen(text), &end);
    bool good = item != NULL && *end == '\0';
    good = good && (cJSON_IsNumber(item) || cJSON_IsString(item) || cJSON_IsNull(item));
    cJSON_Delete(item);
    return good;
}

/* What is read of a memory, and whether all of it was as it is written here. */
struct reading {
    struct cooldowns *cooldowns;
    double now;
    bool whole;
};

/* The members of an object; of another shape, which others may have made of it, nothing is taken. */
static const cJSON *members(struct reading *reading, const cJSON *value)
{
    reading->whole = reading->whole && (value == NULL || cJSON_IsObject(value));
    return cJSON_IsObject(value) ? value : NULL;
}

static void parse_one(struct reading *reading, const char *provider, const cJSON *item)
{
    struct arena *arena = reading->cooldowns->arena;
    const cJSON *status = cJSON_GetObjectItemCaseSensitive(item, "status");
    const cJSON *until = cJSON_GetObjectItemCaseSensitive(item, "until");
    const cJSON *raw = cJSON_GetObjectItemCaseSensitive(item, "raw");
    struct cooldown cooldown = {.provider = arena_strdup(arena, provider)};
    cooldown.pooled = !cJSON_IsFalse(cJSON_GetObjectItemCaseSensitive(item, "pooled"));
    cooldown.dead = cJSON_IsString(status) && strcmp(status->valuestring, "dead") == 0;
    cooldown.until = cooldown.dead ? INFINITY : cJSON_IsNumber(until) ? until->valuedouble : 0;
    bool good = cJSON_IsObject(item) && cJSON_IsString(status) && (cooldown.dead || cJSON_IsNumber(until)) &&
                cJSON_IsArray(raw) && fingerprint_valid(item->string);
    reading->whole = reading->whole && good;
    if (!fingerprint_valid(item->string) || cooldown.until <= reading->now ||
        (!cooldown.dead && !isfinite(cooldown.until)))
        return;
    strcpy(cooldown.fingerprint.text, item->string);
    for (int i = 0; i < COOLDOWN_MEMBERS; i++) {
        const cJSON *text = cJSON_IsArray(raw) ? cJSON_GetArrayItem(raw, i) : NULL;
        bool taken = cJSON_IsString(text) && scalar(text->valuestring);
        cooldown.raw[i] = taken ? arena_strdup(arena, text->valuestring) : "null";
    }
    cooldowns_put(reading->cooldowns, &cooldown);
}

static void parse_list(struct reading *reading, enum cooldowns_list list, const cJSON *names)
{
    const cJSON *item;
    reading->whole = reading->whole && (names == NULL || cJSON_IsArray(names));
    cJSON_ArrayForEach(item, names)
    {
        if (cJSON_IsString(item))
            cooldowns_list(reading->cooldowns, list, arena_strdup(reading->cooldowns->arena, item->valuestring), true);
        else
            reading->whole = false;
    }
}

static bool nothing_follows(const char *end, const char *text_end)
{
    while (end < text_end && (unsigned char)*end <= ' ')
        end++;
    return end == text_end;
}

bool cooldowns_parse(struct cooldowns *cooldowns, const char *text, size_t len, double now)
{
    const cJSON *provider;
    const cJSON *item;
    const char *end = text;
    cJSON *root = text == NULL ? NULL : parse_or_end(text, len, &end);
    struct reading reading = {cooldowns, now,
                              text == NULL || (cJSON_IsObject(root) && nothing_follows(end, text + len))};
    struct memory_hold hold;
    parse_json_hold(&hold, root);
    cJSON_ArrayForEach(provider, members(&reading, cJSON_GetObjectItemCaseSensitive(root, "cooldowns")))
    {
        cJSON_ArrayForEach(item, members(&reading, provider)) parse_one(&reading, provider->string, item);
    }
    for (size_t i = 0; i < COOLDOWNS_LISTS; i++)
        parse_list(&reading, (enum cooldowns_list)i, cJSON_GetObjectItemCaseSensitive(root, list_names[i]));
    memory_give_back(&hold);
    return reading.whole;
}

static int compare(const void *a, const void *b)
{
    const struct cooldown *left = *(const struct cooldown *const *)a;
    const struct cooldown *right = *(const struct cooldown *const *)b;
    int order = strcmp(left->provider, right->provider);
    return order != 0 ? order : strcmp(left->fingerprint.text, right->fingerprint.text);
}

static void put_string(struct text *out, const char *text)
{
    char escape[JSON_ESCAPE_SIZE];
    text_putc(out, '"');
    while (*text != '\0') {
        size_t plain = 0;
        while ((unsigned char)text[plain] >= ' ' && text[plain] != '"' && text[plain] != '\\')
            plain++;
        text_append(out, text, plain);
        text += plain;
        if (*text != '\0')
            text_append(out, escape, json_escape((unsigned char)*text++, escape));
    }
    text_putc(out, '"');
}

static void put_one(struct text *out, const struct cooldown *cooldown)
{
    text_printf(out, "\n      \"%s\": {\"status\": \"%s\", \"until\": ", cooldown->fingerprint.text,
                cooldown->dead ? "dead" : "exhausted");
    if (cooldown->dead)
        text_puts(out, "null");
    else
        text_printf(out, cooldown->until < 1e15 ? "%.6f" : "%.17g", cooldown->until); /* old cJSON reads 63 digits */
    text_printf(out, ", \"pooled\": %s, \"raw\": [", cooldown->pooled ? "true" : "false");
    for (int i = 0; i < COOLDOWN_MEMBERS; i++) {
        if (i > 0)
            text_puts(out, ", ");
        put_string(out, cooldown->raw[i]);
    }
    text_puts(out, "]}");
}

/* Sorted, so that what is the same has the same text, in whatever order it was noted. */
static void put_list(struct text *out, const char *name, const struct name_set *names)
{
    const char **sorted = names->count == 0 ? NULL : name_set_sorted(out->arena, names);
    for (size_t i = 0; i < names->count; i++) {
        if (i == 0)
            text_printf(out, ",\n  \"%s\": [", name);
        else
            text_puts(out, ", ");
        put_string(out, sorted[i]);
    }
    text_puts(out, names->count > 0 ? "]" : "");
}

static void put_items(struct text *out, const struct cooldowns *cooldowns)
{
    const struct cooldown **sorted = arena_alloc(cooldowns->arena, cooldowns->count * sizeof *sorted);
    for (size_t i = 0; i < cooldowns->count; i++)
        sorted[i] = &cooldowns->items[i];
    if (cooldowns->count > 1)
        qsort(sorted, cooldowns->count, sizeof *sorted, compare);
    for (size_t i = 0; i < cooldowns->count; i++) {
        const char *provider = sorted[i]->provider;
        bool opens = i == 0 || strcmp(sorted[i - 1]->provider, provider) != 0;
        bool closes = i + 1 == cooldowns->count || strcmp(sorted[i + 1]->provider, provider) != 0;
        if (opens) {
            text_puts(out, i == 0 ? "\n    " : ",\n    ");
            put_string(out, provider);
            text_puts(out, ": {");
        } else {
            text_putc(out, ',');
        }
        put_one(out, sorted[i]);
        if (closes)
            text_puts(out, "\n    }");
    }
}

static void put_lists(struct text *out, const struct cooldowns *cooldowns, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++)
        put_list(out, list_names[i], &cooldowns->lists[i]);
}

static struct text lasting_text(const struct cooldowns *cooldowns)
{
    struct text out = {.arena = cooldowns->arena};
    text_puts(&out, "{\n  \"format\": 1,\n  \"cooldowns\": {");
    put_items(&out, cooldowns);
    text_puts(&out, cooldowns->count > 0 ? "\n  }" : "}");
    put_lists(&out, cooldowns, 0, COOLDOWNS_PLACED);
    return out;
}

const char *cooldowns_lasting(const struct cooldowns *cooldowns, size_t *ret_len)
{
    const struct text out = lasting_text(cooldowns);
    *ret_len = out.len;
    return out.bytes;
}

const char *cooldowns_text(const struct cooldowns *cooldowns, size_t *ret_len)
{
    struct text out = lasting_text(cooldowns);
    put_lists(&out, cooldowns, COOLDOWNS_PLACED, COOLDOWNS_LISTS);
    text_puts(&out, "\n}\n");
    *ret_len = out.len;
    return out.bytes;
}

enum { GONE = UINT32_MAX }; /* what the index has of one that was forgotten */

static const char *pair_of(const struct cooldowns *cooldowns, const char *provider, const char *fingerprint)
{
    struct text *pair = cooldowns->pair;
    pair->len = 0;
    text_puts(pair, fingerprint);
    text_putc(pair, ' ');
    text_puts(pair, provider);
    return pair->bytes;
}

static struct cooldown *find(const struct cooldowns *cooldowns, const char *provider, const char *fingerprint)
{
    const uint32_t *index =
        cooldowns->count == 0 ? NULL : name_table_get(&cooldowns->index, pair_of(cooldowns, provider, fingerprint));
    return index == NULL || *index == GONE ? NULL : &cooldowns->items[*index];
}

const struct cooldown *cooldowns_get(const struct cooldowns *cooldowns, const char *provider, const char *fingerprint)
{
    return find(cooldowns, provider, fingerprint);
}

void cooldowns_put(struct cooldowns *cooldowns, const struct cooldown *cooldown)
{
    struct cooldown *known = find(cooldowns, cooldown->provider, cooldown->fingerprint.text);
    if (known != NULL) {
        const char *pair = known->pair;
        *known = *cooldown;
        known->pair = pair;
        return;
    }
    if (cooldowns->pair == NULL) {
        cooldowns->pair = arena_alloc(cooldowns->arena, sizeof *cooldowns->pair);
        cooldowns->pair->arena = cooldowns->arena;
    }
    ARENA_GROW(cooldowns->arena, cooldowns->items, cooldowns->capacity, cooldowns->count + 1);
    struct cooldown *added = &cooldowns->items[cooldowns->count];
    *added = *cooldown;
    added->pair = arena_strdup(cooldowns->arena, pair_of(cooldowns, cooldown->provider, cooldown->fingerprint.text));
    name_table_put(cooldowns->arena, &cooldowns->index, added->pair, cooldowns->count++);
}

/* The last one takes its place. */
void cooldowns_forget(struct cooldowns *cooldowns, const char *provider, const char *fingerprint)
{
    struct cooldown *known = find(cooldowns, provider, fingerprint);
    if (known == NULL)
        return;
    name_table_put(cooldowns->arena, &cooldowns->index, known->pair, GONE);
    *known = cooldowns->items[--cooldowns->count];
    if (known != &cooldowns->items[cooldowns->count])
        name_table_put(cooldowns->arena, &cooldowns->index, known->pair, (size_t)(known - cooldowns->items));
}

bool cooldowns_know_nothing(const struct cooldowns *cooldowns)
{
    size_t names = 0;
    for (size_t i = 0; i < COOLDOWNS_LISTS; i++)
        names += cooldowns->lists[i].count;
    return cooldowns->count + names == 0;
}

bool cooldowns_listed(const struct cooldowns *cooldowns, enum cooldowns_list list, const char *name)
{
    return name_set_has(&cooldowns->lists[list], name);
}

void cooldowns_list(struct cooldowns *cooldowns, enum cooldowns_list list, const char *name, bool listed)
{
    if (listed)
        name_set_add(cooldowns->arena, &cooldowns->lists[list], name);
    else
        name_set_remove(&cooldowns->lists[list], name);
}
