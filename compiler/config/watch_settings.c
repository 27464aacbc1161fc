#include "watch_settings.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "shown.h"
#include "text.h"

enum { MAX_SETTLE_MS = 10000, MAX_COOLDOWN = 31 * 86400, MAX_UNIT = 255 };

static const struct node *setting(const struct node *section, const char *name)
{
    const struct node *node = node_get(section, name);
    return node == NULL || node->kind == NODE_NULL ? NULL : node;
}

static void wrong(struct diagnostics *diagnostics, const struct node *node, const char *name, const char *wanted)
{
    (void)diagnostic_add_as(diagnostics, SEVERITY_ERROR, CODE_WRONG_TYPE, node->place, "hermes_watch.%s must be %s",
                            name, wanted);
}

static int settle_of(const struct node *node, struct diagnostics *diagnostics)
{
    if (node == NULL)
        return WATCH_SETTLE_MS;
    long value = node->kind == NODE_INTEGER && node->len < 6 ? strtol(node->text, NULL, 10) : -1;
    if (value >= 0 && value <= MAX_SETTLE_MS)
        return (int)value;
    wrong(diagnostics, node, "settle_ms", "a number of milliseconds from 0 to 10000");
    return WATCH_SETTLE_MS;
}

/* The runtime library reads these from the snapshot; here they are only looked over. */
static void check_cooldowns(const struct node *section, struct diagnostics *diagnostics)
{
    static const char *const names[] = {"cooldown_401", "cooldown_402", "cooldown_403", "cooldown_429"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const struct node *node = setting(section, names[i]);
        long value = node != NULL && node->kind == NODE_INTEGER && node->len < 8 ? strtol(node->text, NULL, 10) : -1;
        if (node != NULL && (value < 1 || value > MAX_COOLDOWN))
            wrong(diagnostics, node, names[i], "a number of seconds from 1 to 2678400");
    }
}

static bool require_probe_of(const struct node *node, struct diagnostics *diagnostics)
{
    if (node == NULL)
        return false;
    if (node->kind == NODE_BOOL)
        return node->boolean;
    wrong(diagnostics, node, "require_probe", "true or false");
    return false;
}

/* Scheme, host, and nothing that would end a line. */
static bool is_http_url(const char *text, size_t len)
{
    size_t scheme = strncasecmp(text, "http://", 7) == 0 ? 7 : strncasecmp(text, "https://", 8) == 0 ? 8 : 0;
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)text[i] <= ' ' || text[i] == 127)
            return false;
    return scheme > 0 && strcspn(text + scheme, "/?#") > 0;
}

/* As systemd names units. */
static bool is_unit_name(const char *text, size_t len)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:-_.\\@";
    const char *dot = strrchr(text, '.');
    return len <= MAX_UNIT && strspn(text, allowed) == len && dot != NULL && dot > text && dot[1] != '\0';
}

static const char *text_of(const struct node *node, const char *name, bool (*fits)(const char *, size_t),
                           const char *wanted, struct diagnostics *diagnostics)
{
    const char *text = node_string(node);
    if (node == NULL)
        return NULL;
    if (text != NULL && strlen(text) == node->len && fits(text, node->len))
        return text;
    wrong(diagnostics, node, name, wanted);
    return NULL;
}

/* `diagnostics: {CODE: allow|deny}`. What the command line says of a code comes first. */
static void read_rule(const struct pair *pair, struct diagnostics *diagnostics)
{
    const char *name = node_string(pair->key);
    const char *word = node_string(pair->value);
    enum diagnostic_code code = name == NULL ? DIAGNOSTIC_CODES : diagnostic_code_find(name);
    bool deny = word != NULL && strcmp(word, "deny") == 0;
    if (code == DIAGNOSTIC_CODES) {
        struct diagnostic *d =
            diagnostic_add_as(diagnostics, SEVERITY_ERROR, CODE_UNKNOWN_VALUE, pair->key->place,
                              "there is no diagnostic with the code %s",
                              name == NULL ? "(not a string)" : shown_name(diagnostics->arena, name));
        const char *near = name == NULL ? NULL : diagnostic_code_near(name);
        if (near != NULL)
            diagnostic_help(diagnostics, d, "did you mean `%s`?", near);
        else
            diagnostic_help(diagnostics, d, "hermes-compile --explain-code all lists them");
    } else if (!deny && (word == NULL || strcmp(word, "allow") != 0)) {
        wrong(diagnostics, pair->value, arena_printf(diagnostics->arena, "diagnostics.%s", name), "allow or deny");
    } else if (!deny && diagnostic_code_pages[code].severity == SEVERITY_ERROR) {
        wrong(diagnostics, pair->value, arena_printf(diagnostics->arena, "diagnostics.%s", name),
              "`deny`, because an error cannot be allowed");
    } else if (diagnostics->rules[code] == RULE_USUAL) {
        diagnostics->rules[code] = deny ? RULE_DENY : RULE_ALLOW;
    }
}

static void read_rules(const struct node *map, struct diagnostics *diagnostics)
{
    for (size_t i = 0; node_is(map, NODE_MAP) && i < map->pair_count; i++)
        read_rule(&map->pairs[i], diagnostics);
}

struct watch_settings watch_settings_read(const struct node *section, struct diagnostics *diagnostics)
{
    check_cooldowns(section, diagnostics);
    read_rules(setting(section, "diagnostics"), diagnostics);
    return (struct watch_settings){
        .settle_ms = settle_of(setting(section, "settle_ms"), diagnostics),
        .require_probe = require_probe_of(setting(section, "require_probe"), diagnostics),
        .notify_url = text_of(setting(section, "notify_url"), "notify_url", is_http_url,
                              "a URL that begins with http:// or https://", diagnostics),
        .reload_unit = text_of(setting(section, "reload_unit"), "reload_unit", is_unit_name,
                               "the name of a unit, such as hermes-gateway.service", diagnostics),
    };
}
