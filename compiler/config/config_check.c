#include "config_check.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "text.h"
#include "config_schema.h"
#include "near_name.h"
#include "provider_table.h"
#include "setting_name.h"
#include "shown.h"

/* A setting that the check is in. A rule's path has `*` and `[]` where this has what is written. */
struct step {
    const struct step *above;
    const char *name; /* NULL: an item of a list */
    size_t index;
};

struct checker {
    struct diagnostics *diagnostics;
    const struct node *root;
    struct text path;        /* that is asked for */
    const struct step *step; /* NULL: at the top of the file */
};

static void check_map(struct checker *c, const char *path, const struct node *map);
static void check_list(struct checker *c, const struct config_rule *rule, const struct node *list);

static const struct config_rule *rule_in(struct checker *c, const char *path, const char *name)
{
    if (*path == '\0')
        return config_schema_find(name);
    c->path.len = 0;
    text_puts(&c->path, path);
    text_putc(&c->path, '.');
    text_puts(&c->path, name);
    return config_schema_find(c->path.bytes);
}

static void put_step(struct text *out, const struct step *step)
{
    if (step == NULL)
        return;
    put_step(out, step->above);
    if (step->name == NULL)
        text_printf(out, "[%zu]", step->index);
    else
        text_printf(out, "%s%s", out->len > 0 ? "." : "", shown_name(out->arena, step->name));
}

/* The setting that the check is in, as it may be shown. */
static const char *here(const struct checker *c)
{
    struct text shown = {.arena = c->diagnostics->arena};
    text_puts(&shown, "");
    put_step(&shown, c->step);
    return shown.bytes;
}

static bool refers(const struct node *node)
{
    return strstr(node->text, "${") != NULL;
}

static bool reads_as_number(const struct node *node)
{
    char *end;
    (void)strtod(node->text, &end);
    return node->len > 0 && *end == '\0';
}

static bool reads_as_truth(const struct node *node)
{
    static const char *const words[] = {"true", "false", "yes", "no", "on", "off", "1", "0"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcasecmp(node->text, words[i]) == 0)
            return true;
    return false;
}

static bool type_fits(unsigned types, const struct node *node)
{
    switch (node->kind) {
    case NODE_NULL:
        return true;
    case NODE_MAP:
    case NODE_SET:
        return (types & CONFIG_MAP) != 0;
    case NODE_SEQUENCE:
        return (types & CONFIG_LIST) != 0;
    case NODE_BOOL:
        return (types & (CONFIG_BOOL | CONFIG_TEXT)) != 0;
    case NODE_INTEGER:
    case NODE_FLOAT:
        return (types & (CONFIG_NUMBER | CONFIG_TEXT)) != 0;
    default:
        return (types & CONFIG_TEXT) != 0 || ((types & CONFIG_NUMBER) != 0 && reads_as_number(node)) ||
               ((types & CONFIG_BOOL) != 0 && reads_as_truth(node)) ||
               ((types & (CONFIG_NUMBER | CONFIG_BOOL)) != 0 && refers(node));
    }
}

static const char *wanted(unsigned types)
{
    if ((types & CONFIG_MAP) != 0)
        return "a mapping";
    if ((types & CONFIG_LIST) != 0)
        return "a list";
    return (types & CONFIG_TEXT) != 0 ? "a string" : (types & CONFIG_NUMBER) != 0 ? "a number" : "true or false";
}

/* Hermes's loader stops with a ValueError or TypeError at this one; the others it reads as if they were not there. */
static bool stops_hermes(const struct config_rule *rule, const struct node *node)
{
    return strcmp(rule->path, "agent") == 0 && node_truthy(node);
}

static bool check_type(struct checker *c, const struct config_rule *rule, const struct node *node)
{
    unsigned types = rule->flags & CONFIG_TYPES;
    if (types == 0 || type_fits(types, node))
        return true;
    if (strcmp(rule->path, "custom_providers") == 0)
        return false; /* who reads it says what that means */
    struct diagnostic *d =
        diagnostic_add_as(c->diagnostics, stops_hermes(rule, node) ? SEVERITY_ERROR : SEVERITY_WARNING, CODE_WRONG_TYPE,
                          node->place, "%s: expected %s, found %s", here(c), wanted(types), node_kind_name(node->kind));
    if ((types & CONFIG_MAP) != 0 && node->kind == NODE_SEQUENCE)
        diagnostic_help(c->diagnostics, d, "write `name: value` without a dash before it");
    else if ((types & CONFIG_MAP) != 0)
        diagnostic_help(c->diagnostics, d, "write its settings below it, indented, each as `name: value`");
    else if ((types & CONFIG_LIST) != 0)
        diagnostic_help(c->diagnostics, d, "start each item with `- `");
    else if (node->kind == NODE_SEQUENCE)
        diagnostic_help(c->diagnostics, d, "write a single value, without brackets or a dash");
    return false;
}

/* `provider: no` is false to YAML. */
static void check_meant_as_text(struct checker *c, const struct config_rule *rule, const struct node *node)
{
    bool named = (rule->flags & (CONFIG_PROVIDER | CONFIG_URL | CONFIG_VARIABLE)) != 0 || rule->choices != NULL ||
                 strcmp(rule->path, "model.default") == 0;
    if (!named || !node->plain || node->kind == NODE_STRING || node->kind == NODE_NULL)
        return;
    struct diagnostic *d = diagnostic_add(c->diagnostics, CODE_NOT_TEXT, node->place,
                                          "YAML reads this as %s; %s is a string", node_kind_name(node->kind), here(c));
    diagnostic_help(c->diagnostics, d, "put it in quotes");
}

static void check_choice(struct checker *c, const struct config_rule *rule, const struct node *node)
{
    const char *text = node_string(node);
    if (rule->choices == NULL || text == NULL || refers(node))
        return;
    char *choices = arena_strdup(c->diagnostics->arena, rule->choices);
    struct near_name near = {.written = text};
    char *rest = NULL;
    for (char *choice = strtok_r(choices, " ", &rest); choice != NULL; choice = strtok_r(NULL, " ", &rest)) {
        if (strcasecmp(choice, text) == 0)
            return;
        near_name_consider(&near, choice);
    }
    struct diagnostic *d = diagnostic_add(c->diagnostics, CODE_UNKNOWN_VALUE, node->place,
                                          "unknown value for %s: Hermes uses its default", here(c));
    if (near.best != NULL)
        diagnostic_help(c->diagnostics, d, "did you mean \"%s\"?", near.best);
    else
        diagnostic_help(c->diagnostics, d, "use one of: %s", rule->choices);
}

/* YAML 1.1 has these for truth values, PyYAML has not, and the reader of later versions has again. */
static bool check_letter(struct checker *c, const struct node *node)
{
    if (node->kind != NODE_STRING || !node->plain || node->len != 1 || strchr("yYnN", node->text[0]) == NULL)
        return true;
    struct diagnostic *d = diagnostic_add(c->diagnostics, CODE_WORD_LEFT_TEXT, node->place,
                                          "this is a string to Hermes up to 0.20, and %s to later versions",
                                          (node->text[0] | 0x20) == 'y' ? "true" : "false");
    diagnostic_help(c->diagnostics, d, "write `true` or `false`, or quote it if a string is intended");
    return false;
}

static void report_moved(struct checker *c, const struct config_rule *rule, const struct node *key)
{
    char *doc = arena_strdup(c->diagnostics->arena, rule->doc);
    bool names_hermes = strncmp(doc, "Hermes", 6) == 0;
    doc[0] = names_hermes ? doc[0] : (char)tolower((unsigned char)doc[0]);
    struct diagnostic *d = diagnostic_add(c->diagnostics, CODE_DEPRECATED_KEY, key->place, "`%s`: %s", here(c), doc);
    bool not_indented = strncmp(rule->instead, "model.", 6) == 0 && node_is(node_get(c->root, "model"), NODE_NULL);
    diagnostic_help(c->diagnostics, d, not_indented ? "indent it below `model:`" : "write %s", rule->instead);
    if (d != NULL && not_indented)
        d->severity = SEVERITY_WARNING;
    c->diagnostics->warnings += d != NULL && not_indented;
}

/* Lines of `name:value`, without a space behind the colon, are one string to YAML. */
static bool check_lines(struct checker *c, const struct config_rule *rule, const struct pair *pair)
{
    const struct node *node = pair->value;
    if ((rule->flags & CONFIG_MAP) == 0 || node->kind != NODE_STRING || !node->plain ||
        node->place.line <= pair->key->place.line || strpbrk(node->text, ":=") == NULL)
        return true;
    struct diagnostic *d = diagnostic_add(c->diagnostics, CODE_WRONG_TYPE, node->place,
                                          "%s: this is one string to YAML, not settings", here(c));
    diagnostic_help(c->diagnostics, d, "write each setting as `name: value`, with a space after the colon");
    return false;
}

static void check_value(struct checker *c, const struct config_rule *rule, const struct pair *pair)
{
    const struct node *node = pair->value;
    if (rule->instead != NULL)
        report_moved(c, rule, pair->key);
    if (!check_lines(c, rule, pair) || !check_letter(c, node) || !check_type(c, rule, node))
        return;
    check_meant_as_text(c, rule, node);
    check_choice(c, rule, node);
    if (node->kind == NODE_MAP)
        check_map(c, rule->path, node);
    else if (node->kind == NODE_SEQUENCE)
        check_list(c, rule_in(c, rule->path, "[]"), node);
}

/* The keys that a map may have. */
struct known_names {
    struct name_letters *items;
    size_t count;
};

static struct known_names known_names(struct checker *c, const char *path)
{
    size_t count;
    const struct config_rule *rules = config_schema_below(path, &count);
    struct known_names names = {.items = arena_alloc(c->diagnostics->arena, count * sizeof *names.items)};
    for (size_t i = 0; i < count; i++)
        if (config_schema_child_name(&rules[i], path) != NULL)
            names.items[names.count++] = near_name_letters(config_schema_child_name(&rules[i], path));
    return names;
}

/* In this program's own section, all of whose names are known. */
static bool is_own(const char *path)
{
    return strcmp(path, "hermes_watch") == 0 || strncmp(path, "hermes_watch.", 13) == 0;
}

/* A slip only where what was probably meant is not there as well. */
static enum severity severity_of_unknown(const char *path, const struct node *map, const char *near)
{
    if (is_own(path))
        return SEVERITY_ERROR;
    return near != NULL && node_get(map, near) == NULL ? SEVERITY_WARNING : SEVERITY_HINT;
}

/* The one of NAMES that WRITTEN is meant for, or NULL. Of two spellings of a name, the one with `_` is the usual. */
static const char *meant(const struct known_names *names, const char *written)
{
    const char *synonym = setting_name_meant(written);
    struct near_name near = {.written = written, .letters = near_name_letters(written)};
    for (size_t i = 0; i < names->count; i++)
        if ((synonym != NULL && strcmp(names->items[i].name, synonym) == 0) ||
            (near_name_same_letters(&names->items[i], &near.letters) && strchr(names->items[i].name, '_') != NULL))
            return names->items[i].name;
    for (size_t i = 0; i < names->count; i++)
        near_name_consider_letters(&near, &names->items[i]);
    return near.best;
}

/* A provider's section at the top of the file, or its key in a section that is not a provider's. */
static bool report_misplaced(struct checker *c, const char *path, const struct node *key, const struct node *value)
{
    static const char *const ours[] = {"api_key", "apiKey", "api-key", "apikey", "key_env", "base_url"};
    bool section = *path == '\0' && node_is(value, NODE_MAP) &&
                   (node_get(value, "api_key") != NULL || node_get(value, "base_url") != NULL) &&
                   provider_table_find(key->text) != NULL;
    bool known = config_schema_find(path) != NULL && strchr(path, '.') == NULL;
    bool credential = false;
    for (size_t i = 0; known && i < sizeof ours / sizeof *ours; i++)
        credential = credential || strcmp(ours[i], key->text) == 0;
    if (!section && !credential)
        return false;
    const char *name = shown_name(c->diagnostics->arena, key->text);
    struct diagnostic *d =
        diagnostic_add(c->diagnostics, CODE_UNKNOWN_KEY, key->place, "unknown setting `%s%s%s` (Hermes ignores it)",
                       here(c), *path == '\0' ? "" : ".", name);
    if (section)
        diagnostic_help(c->diagnostics, d, "did you mean `providers.%s`?", name);
    else if (provider_table_find(path) != NULL)
        diagnostic_help(c->diagnostics, d, "did you mean `providers.%s.%s`?", path, name);
    else
        diagnostic_help(c->diagnostics, d, "a provider's %s belongs in `model`, or in `providers.NAME`", name);
    return true;
}

/* A name that may be a key that slipped to the wrong side of the colon is not shown. */
static void report_unknown(struct checker *c, const char *path, const struct known_names *names, const struct node *map,
                           const struct pair *pair)
{
    const struct node *key = pair->key;
    const struct config_rule *parent = *path == '\0' ? NULL : config_schema_find(path);
    bool closed = parent != NULL && (parent->flags & CONFIG_CLOSED) != 0;
    const char *near = meant(names, key->text);
    if (near == NULL && report_misplaced(c, path, key, pair->value))
        return;
    if (near == NULL && !closed)
        return;
    bool own = is_own(path);
    const struct config_rule *section = strcmp(path, "model") == 0 ? config_schema_find(key->text) : NULL;
    bool misplaced = section != NULL && (section->flags & (CONFIG_MAP | CONFIG_LIST)) != 0;
    enum severity severity = misplaced ? SEVERITY_WARNING : severity_of_unknown(path, map, near);
    struct diagnostic *d = diagnostic_add_as(
        c->diagnostics, severity, CODE_UNKNOWN_KEY, key->place, "unknown setting `%s%s%s`%s", here(c),
        *path == '\0' ? "" : ".", shown_name(c->diagnostics->arena, key->text), own ? "" : " (Hermes ignores it)");
    if (misplaced)
        diagnostic_help(c->diagnostics, d, "it belongs at the top level of the file, beside `%s`", here(c));
    else if (near != NULL)
        diagnostic_help(c->diagnostics, d, "did you mean `%s`?", near);
    else if (own)
        diagnostic_help(c->diagnostics, d, "remove it; `man 5 hermes-watch` lists the settings");
    if (d != NULL && near != NULL && strcmp(path, "model") == 0 && strcmp(near, "api_key") == 0)
        d->variable = "model.api_key";
}

static void check_map(struct checker *c, const char *path, const struct node *map)
{
    size_t count;
    struct known_names names = {0}; /* made for the first unknown key */
    (void)config_schema_below(path, &count);
    if (count == 0)
        return; /* what stands there is another program's */
    const struct config_rule *any = rule_in(c, path, "*");
    for (size_t i = 0; i < map->pair_count; i++) {
        const char *name = node_string(map->pairs[i].key);
        if (name == NULL || memchr(name, '.', strlen(name)) != NULL)
            continue;
        const struct config_rule *rule = rule_in(c, path, name);
        if (rule == NULL)
            rule = any;
        if (rule != NULL) {
            struct step step = {.above = c->step, .name = name};
            c->step = &step;
            check_value(c, rule, &map->pairs[i]);
            c->step = step.above;
            continue;
        }
        if (names.items == NULL)
            names = known_names(c, path);
        report_unknown(c, path, &names, map, &map->pairs[i]);
    }
}

static void check_list(struct checker *c, const struct config_rule *rule, const struct node *list)
{
    struct step step = {.above = c->step};
    c->step = &step;
    for (; rule != NULL && step.index < list->count; step.index++) {
        const struct node *item = list->items[step.index];
        if (check_type(c, rule, item) && item->kind == NODE_MAP)
            check_map(c, rule->path, item);
    }
    c->step = step.above;
}

void config_check(const struct node *root, struct diagnostics *diagnostics)
{
    struct checker c = {.diagnostics = diagnostics, .root = root, .path = {.arena = diagnostics->arena}};
    if (node_is(root, NODE_MAP))
        check_map(&c, "", root);
}
