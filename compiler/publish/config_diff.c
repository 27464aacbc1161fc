#include "config_diff.h"

#include <string.h>

#include "json_span.h"
#include "name_table.h"
#include "setting_name.h"
#include "shown.h"

struct side {
    const char *text;
    const struct json *json; /* NULL: it is not there */
};

static const char *shown_side(struct arena *arena, const char *path, const char *name, struct side side)
{
    if (side.json == NULL)
        return NULL;
    if (side.json->kind == JSON_OBJECT || side.json->kind == JSON_ARRAY)
        return side.json->kind == JSON_OBJECT ? "a mapping" : "a list";
    const char *text = json_span_string(arena, side.text, side.json);
    if (text != NULL)
        return shown_leaf(arena, path, name, text, strlen(text));
    text = json_span_raw(arena, side.text, side.json);
    return setting_name_is_secret(name) ? shown_value(arena, name, text, strlen(text)) : text;
}

static bool same(struct side a, struct side b)
{
    if (a.json == NULL || b.json == NULL)
        return a.json == b.json;
    size_t len = a.json->end - a.json->start;
    return len == b.json->end - b.json->start && memcmp(a.text + a.json->start, b.text + b.json->start, len) == 0;
}

/* An empty map or list is a leaf. */
static bool is_full(struct side side, enum json_kind kind)
{
    return side.json != NULL && side.json->kind == kind && side.json->count > 0;
}

static struct name_table names_of(struct arena *arena, struct side side)
{
    struct name_table names = {0};
    for (size_t i = 0; is_full(side, JSON_OBJECT) && i < side.json->count; i++)
        name_table_put(arena, &names, side.json->children[i].name, i);
    return names;
}

static struct side member(struct side map, const struct name_table *names, const char *name)
{
    const uint32_t *index = name_table_get(names, name);
    return (struct side){map.text, index == NULL ? NULL : &map.json->children[*index]};
}

static void compare(struct plan *plan, const char *path, const char *name, struct side old, struct side now);

static void compare_setting(struct plan *plan, const char *path, const char *name, struct side old, struct side now)
{
    const char *shown = shown_name(plan->lines.arena, name);
    compare(plan, *path == '\0' ? shown : arena_printf(plan->lines.arena, "%s.%s", path, shown), name, old, now);
}

static void compare_variable(struct plan *plan, const char *path, const char *name, struct side old, struct side now)
{
    struct arena *arena = plan->lines.arena;
    if (!same(old, now))
        plan_add(plan, (struct change){.what = "variable",
                                       .path = shown_name(arena, name),
                                       .from = shown_side(arena, path, name, old),
                                       .to = shown_side(arena, path, name, now)});
}

static void compare_members(struct plan *plan, const char *path, struct side old, struct side now,
                            void (*compare_each)(struct plan *, const char *path, const char *name, struct side,
                                                 struct side))
{
    struct name_table before = names_of(plan->lines.arena, old);
    struct name_table after = names_of(plan->lines.arena, now);
    for (size_t i = 0; is_full(now, JSON_OBJECT) && i < now.json->count; i++) {
        const struct json *child = &now.json->children[i];
        compare_each(plan, path, child->name, member(old, &before, child->name), (struct side){now.text, child});
    }
    for (size_t i = 0; is_full(old, JSON_OBJECT) && i < old.json->count; i++) {
        const struct json *child = &old.json->children[i];
        if (name_table_get(&after, child->name) == NULL)
            compare_each(plan, path, child->name, (struct side){old.text, child}, (struct side){now.text, NULL});
    }
}

/* Items have the name of their list. */
static void compare_items(struct plan *plan, const char *path, const char *name, struct side old, struct side now)
{
    size_t before = old.json == NULL ? 0 : old.json->count;
    size_t after = now.json == NULL ? 0 : now.json->count;
    for (size_t i = 0; i < before || i < after; i++)
        compare(plan, arena_printf(plan->lines.arena, "%s[%zu]", path, i), name,
                (struct side){old.text, i < before ? &old.json->children[i] : NULL},
                (struct side){now.text, i < after ? &now.json->children[i] : NULL});
}

static void compare(struct plan *plan, const char *path, const char *name, struct side old, struct side now)
{
    if (same(old, now))
        return;
    if ((is_full(old, JSON_OBJECT) || old.json == NULL) && (is_full(now, JSON_OBJECT) || now.json == NULL)) {
        compare_members(plan, path, old, now, compare_setting);
        return;
    }
    if ((is_full(old, JSON_ARRAY) || old.json == NULL) && (is_full(now, JSON_ARRAY) || now.json == NULL)) {
        compare_items(plan, path, name, old, now);
        return;
    }
    struct arena *arena = plan->lines.arena;
    plan_add(plan, (struct change){.what = "config",
                                   .path = path,
                                   .from = shown_side(arena, path, name, old),
                                   .to = shown_side(arena, path, name, now)});
}

static void compare_both(struct plan *plan, const char *name, struct side old, struct side now,
                         void (*compare_each)(struct plan *, const char *path, const char *name, struct side,
                                              struct side))
{
    old.json = old.json == NULL ? NULL : json_span_member(old.json, name);
    now.json = json_span_member(now.json, name);
    compare_members(plan, "", old, now, compare_each);
}

void config_diff(struct plan *plan, const char *old, size_t old_len, const char *now, size_t now_len)
{
    size_t at;
    struct arena *arena = plan->lines.arena;
    struct side before = {old, old_len == 0 ? NULL : json_span_scan(arena, old, old_len, &at)};
    struct side after = {now, json_span_scan(arena, now, now_len, &at)};
    compare_both(plan, "config", before, after, compare_setting);
    compare_both(plan, "env", before, after, compare_variable);
}
