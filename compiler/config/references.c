#include "references.h"

#include <ctype.h>
#include <string.h>

#include "blank.h"
#include "map_edit.h"
#include "plain_name.h"
#include "reference_place.h"
#include "root_variables.h"
#include "secret_sources.h"
#include "setting_name.h"
#include "text.h"
#include "variable_check.h"

/* What all references of a configuration may bring in together. */
enum { MOST_EXPANDED = 64 << 20 };

static bool shell_has(const char *const *shell, const char *name, size_t len)
{
    for (; shell != NULL && *shell != NULL; shell++)
        if (strncmp(*shell, name, len) == 0 && (*shell)[len] == '=')
            return true;
    return false;
}

/* What stands between the braces. */
struct reference {
    const char *name; /* of a variable */
    size_t name_len;  /* 0: it names none */
    bool elsewhere;   /* `vault:...`: some other source's, which Hermes does not look up */
};

/* `NAME`, ` NAME ` and `env:NAME` name a variable; another word in lower case before a colon does not. */
static struct reference reference_of(const char *text, size_t len)
{
    struct reference reference;
    reference.name = blank_strip(text, len, &reference.name_len);
    size_t word = 0;
    while (word < reference.name_len &&
           (islower((unsigned char)reference.name[word]) ||
            (word > 0 && (isdigit((unsigned char)reference.name[word]) || strchr("_-", reference.name[word]) != NULL))))
        word++;
    reference.elsewhere = word > 0 && word < reference.name_len && reference.name[word] == ':';
    if (reference.elsewhere && word == 3 && memcmp(reference.name, "env", 3) == 0) {
        reference.name = blank_strip(reference.name + 4, reference.name_len - 4, &reference.name_len);
        reference.elsewhere = false;
    }
    return reference;
}

/* The name inside `${...}` is shown only when it looks like a variable's name: a key may have been pasted there. */
static bool looks_like_variable(const char *name, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (!((name[i] >= 'A' && name[i] <= 'Z') || (name[i] >= '0' && name[i] <= '9' && i > 0) || name[i] == '_'))
            return false;
    return len > 0 && len <= 64 && plain_name(name, len);
}

static void report_elsewhere(struct references *r, const struct node *node, struct place place, bool needed)
{
    struct diagnostic *d =
        diagnostic_add_as(r->diagnostics, needed ? SEVERITY_WARNING : SEVERITY_HINT, CODE_UNRESOLVED_REFERENCE,
                          node->place, "Hermes does not resolve this reference: the string stays as it is");
    if (d != NULL)
        d->place = place;
    diagnostic_help(r->diagnostics, d, "let the secret source set a variable, and write ${env:NAME}");
}

static void report_awaited(struct references *r, struct place place)
{
    (void)diagnostic_add(r->diagnostics, CODE_NOT_COMPILED, place,
                         "a secret source sets this variable when Hermes starts; the snapshot does not have it");
}

/* SHOWN: the name is in the message. */
static void help_unresolved(struct references *r, struct diagnostic *d, const char *name, size_t len, bool shown)
{
    const char *text = arena_strndup(r->arena, name, len);
    const char *near = variable_check_near(r->environment, text);
    near = near != NULL || !shown ? near : variable_check_sister(r->environment, text);
    if (memmem(name, len, ":-", 2) != NULL) {
        diagnostic_help(r->diagnostics, d, "config.yaml has no defaults for references: write ${NAME}");
        return;
    }
    if (shown && shell_has(r->shell, name, len))
        diagnostic_note(r->diagnostics, d,
                        "this shell exports it, but hermes-gateway.service does not inherit your shell");
    if (near != NULL)
        diagnostic_help(r->diagnostics, d, "did you mean `${%s}`?", near);
    else if (shown)
        diagnostic_help(r->diagnostics, d, "add %s to .env", text);
}

static void report_unresolved(struct references *r, const struct node *node, const char *owner, size_t at, size_t len)
{
    const struct reference reference = reference_of(node->text + at + 2, len - 3);
    bool needed = owner != NULL && (setting_name_is_secret(owner) || setting_name_is_url(owner));
    if (reference.elsewhere) {
        report_elsewhere(r, node, reference_place(node, at, len), needed);
        return;
    }
    if (secret_sources_may_set(r->secrets, arena_strndup(r->arena, reference.name, reference.name_len))) {
        report_awaited(r, reference_place(node, at, len));
        return;
    }
    enum severity severity = needed && r->vital && !r->no_env ? SEVERITY_ERROR : SEVERITY_WARNING;
    bool shown = looks_like_variable(reference.name, reference.name_len);
    struct diagnostic *d =
        shown ? diagnostic_add_as(r->diagnostics, severity, CODE_UNRESOLVED_REFERENCE, node->place,
                                  "${%.*s} is not set in any env file", (int)reference.name_len, reference.name)
              : diagnostic_add_as(r->diagnostics, severity, CODE_UNRESOLVED_REFERENCE, node->place,
                                  "this ${...} reference does not name a variable of an env file");
    if (d == NULL)
        return;
    d->place = reference_place(node, at, len);
    help_unresolved(r, d, reference.name, reference.name_len, shown);
}

static const char *look_up(const struct references *r, const char *name, size_t *ret_len)
{
    const struct binding *bound = environment_get(r->environment, name);
    const uint32_t *scalar = bound == NULL ? name_table_get(&r->root_scalars, name) : NULL;
    const char *value = bound != NULL    ? bound->value
                        : scalar != NULL ? root_variables_text(r->root->pairs[*scalar].value)
                                         : NULL;
    *ret_len = bound != NULL ? bound->len : value != NULL ? strlen(value) : 0;
    return value;
}

static const char *look_up_reference(const struct references *r, const char *inside, size_t len, size_t *ret_len)
{
    const struct reference reference = reference_of(inside, len);
    if (reference.elsewhere || reference.name_len == 0)
        return NULL;
    return look_up(r, arena_strndup(r->arena, reference.name, reference.name_len), ret_len);
}

/* One pass over TEXT; what is put in is not looked at again. A reference is everything up to the first '}'. */
static struct node *expand_string(struct references *r, struct node *node, const char *owner)
{
    struct text out = {.arena = r->arena};
    size_t copied = 0;
    for (size_t i = 0; i + 3 < node->len && r->expanded <= MOST_EXPANDED; i++) {
        if (node->text[i] != '$' || node->text[i + 1] != '{' || node->text[i + 2] == '}')
            continue;
        const char *close = memchr(node->text + i + 2, '}', node->len - i - 2);
        if (close == NULL)
            break;
        size_t len = (size_t)(close - node->text) + 1 - i;
        size_t value_len;
        const char *value = look_up_reference(r, node->text + i + 2, len - 3, &value_len);
        if (value == NULL) {
            report_unresolved(r, node, owner, i, len);
        } else {
            text_append(&out, node->text + copied, i - copied);
            text_append(&out, value, value_len);
            copied = i + len;
            r->expanded += value_len;
        }
        i += len - 1;
        if (r->expanded > MOST_EXPANDED) {
            (void)diagnostic_add(r->diagnostics, CODE_EXPANSION_LIMIT, node->place,
                                 "the references up to here add more than 64 MiB");
            return node;
        }
    }
    if (copied == 0)
        return node;
    text_append(&out, node->text + copied, node->len - copied);
    if (r->unread > 0)
        (void)diagnostic_add(r->diagnostics, CODE_UNREAD_REFERENCE, node->place,
                             "Hermes does not replace references under platforms; the snapshot does");
    struct node *expanded = map_edit_copy_node(r->arena, node);
    expanded->text = out.bytes;
    expanded->len = out.len;
    return expanded;
}

static struct node *expand(struct references *r, struct node *node, const char *owner);

static struct node *expand_items(struct references *r, struct node *node, const char *owner)
{
    struct node *result = node;
    for (size_t i = 0; i < node->count; i++) {
        struct node *item = expand(r, node->items[i], owner);
        if (item == node->items[i])
            continue;
        if (result == node) {
            result = map_edit_copy_node(r->arena, node);
            result->items = arena_alloc(r->arena, node->count * sizeof *node->items);
            memcpy(result->items, node->items, node->count * sizeof *node->items);
        }
        result->items[i] = item;
    }
    return result;
}

bool references_expand(struct references *r, struct pair *pair)
{
    const char *name = node_string(pair->key);
    bool unread = name != NULL && strcmp(name, "platforms") == 0;
    struct node *before = pair->value;
    r->unread += unread;
    pair->value = expand(r, before, name);
    r->unread -= unread;
    return pair->value != before;
}

static struct node *expand_pairs(struct references *r, struct node *node)
{
    struct node *result = node;
    for (size_t i = 0; i < node->pair_count; i++) {
        struct pair pair = node->pairs[i];
        if (!references_expand(r, &pair))
            continue;
        if (result == node) {
            result = map_edit_copy_node(r->arena, node);
            result->pairs = arena_alloc(r->arena, node->pair_count * sizeof *node->pairs);
            memcpy(result->pairs, node->pairs, node->pair_count * sizeof *node->pairs);
        }
        result->pairs[i] = pair;
    }
    return result;
}

/* OWNER is the name under which the value stands. Returns NODE itself where nothing changed. */
static struct node *expand(struct references *r, struct node *node, const char *owner)
{
    switch (node->kind) {
    case NODE_STRING:
        return expand_string(r, node, owner);
    case NODE_SEQUENCE:
        return expand_items(r, node, owner);
    case NODE_MAP:
        return expand_pairs(r, node);
    default:
        return node;
    }
}
