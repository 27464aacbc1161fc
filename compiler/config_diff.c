#include "config_diff.h"

#include <string.h>

#include "config_schema.h"
#include "json_span.h"
#include "secret_names.h"
#include "shown_value.h"

enum { LONGEST_PLAIN = 64 };

#define PLAIN_LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.:/"

struct side {
    const char *text;
    const struct json *json; /* NULL: it is not there */
};

/* The name of a model or provider, or one of a few words, and nothing in it that may be a key. */
static bool plain_leaf(const char *path, const char *name, const char *text, size_t len)
{
    const struct config_rule *rule = config_rule_find(path);
    bool model = strcmp(name, "model") == 0 || strcmp(path, "model.default") == 0;
    return rule != NULL && (model || (rule->flags & CONFIG_PROVIDER) != 0 || rule->choices != NULL) && len > 0 &&
           len <= LONGEST_PLAIN && strspn(text, PLAIN_LETTERS) == len && name_showable(text, len);
}

static const char *shown_side(struct arena *arena, const char *path, const char *name, struct side side)
{
    if (side.json == NULL)
        return NULL;
    if (side.json->kind == JSON_OBJECT || side.json->kind == JSON_ARRAY)
        return side.json->kind == JSON_OBJECT ? "a map" : "a list";
    const char *text = json_string(arena, side.text, side.json);
    if (text != NULL && plain_leaf(path, name, text, strlen(text)))
        return text;
    if (text != NULL)
        return shown_value(arena, name, text, strlen(text));
    text = json_raw(arena, side.text, side.json);
    return name_is_secret(name) ? shown_value(arena, name, text, strlen(text)) : text;
}

static bool same(struct side a, struct side b)
{
    if (a.json == NULL || b.json == NULL)
        return a.json == b.json;
    size_t len = a.json->end - a.json->start;
    return len == b.json->end - b.json->start && memcmp(a.text + a.json->start, b.text + b.json->start, len) == 0;
}

static bool is_map(struct side side)
{
    return side.json != NULL && side.json->kind == JSON_OBJECT && side.json->count > 0;
}

static void compare(struct plan *plan, const char *path, const char *name, struct side old, struct side now);

static void compare_members(struct plan *plan, const char *path, struct side old, struct side now)
{
    const struct json *maps[] = {is_map(now) ? now.json : NULL, is_map(old) ? old.json : NULL};
    for (size_t k = 0; k < 2; k++)
        for (size_t i = 0; maps[k] != NULL && i < maps[k]->count; i++) {
            const char *name = maps[k]->children[i].name;
            struct side before = {old.text, is_map(old) ? json_member(old.json, name) : NULL};
            struct side after = {now.text, is_map(now) ? json_member(now.json, name) : NULL};
            if (k == 1 && after.json != NULL)
                continue; /* seen from the other side */
            const char *shown = shown_name(plan->lines.arena, name);
            const char *below = *path == '\0' ? shown : arena_printf(plan->lines.arena, "%s.%s", path, shown);
            compare(plan, below, name, before, after);
        }
}

static void compare(struct plan *plan, const char *path, const char *name, struct side old, struct side now)
{
    if (same(old, now))
        return;
    if ((is_map(old) || old.json == NULL) && (is_map(now) || now.json == NULL)) {
        compare_members(plan, path, old, now);
        return;
    }
    struct arena *arena = plan->lines.arena;
    plan_add(plan, (struct change){.what = "config",
                                   .path = path,
                                   .from = shown_side(arena, path, name, old),
                                   .to = shown_side(arena, path, name, now)});
}

void config_diff(struct plan *plan, const char *old, size_t old_len, const char *now, size_t now_len)
{
    size_t at;
    struct side before = {old,
                          old_len == 0 ? NULL : json_member(json_scan(plan->lines.arena, old, old_len, &at), "config")};
    struct side after = {now, json_member(json_scan(plan->lines.arena, now, now_len, &at), "config")};
    compare_members(plan, "", before, after);
}
