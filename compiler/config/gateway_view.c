#include "gateway_view.h"

#include <ctype.h>
#include <string.h>

#include "blank.h"
#include "key_index.h"
#include "source_line.h"
#include "root_variables.h"
#include "secret_sources.h"
#include "setting_name.h"
#include "plain_name.h"
#include "source.h"
#include "text.h"
#include "variable_check.h"

/* What all references of a configuration may bring in together. */
enum { MOST_EXPANDED = 64 << 20 };

enum { LONG_TEXT = 1 << 16 };

struct view {
    size_t expanded;
    unsigned unread; /* inside `platforms`, where Hermes replaces nothing */
    bool vital;      /* inside what names the providers: without it Hermes runs on another key or URL than is meant */
    const struct node *secrets; /* the section, which is asked about each reference */
    struct arena *arena;
    const struct gateway_view_input *input;
    const struct node *root;        /* whose scalars are in the gateway's environment by now */
    struct name_table root_scalars; /* these, whatever they are called */
    struct diagnostics *diagnostics;
};

static struct node *copy_node(struct arena *arena, const struct node *node)
{
    struct node *copy = arena_alloc(arena, sizeof *copy);
    *copy = *node;
    return copy;
}

static struct node *new_map(struct arena *arena, struct place place, size_t room)
{
    struct node *map = arena_alloc(arena, sizeof *map);
    *map = (struct node){.kind = NODE_MAP, .place = place};
    map->pairs = arena_alloc(arena, room * sizeof *map->pairs);
    return map;
}

static struct node *new_key(struct arena *arena, const char *text)
{
    struct node *key = arena_alloc(arena, sizeof *key);
    *key = (struct node){.kind = NODE_STRING, .plain = true};
    key->text = text;
    key->len = strlen(text);
    return key;
}

/* Hermes's _deep_merge: maps recurse, null over a map is ignored, everything else replaces; lists are never joined. */
static struct node *merge(struct arena *arena, struct node *base, struct node *over)
{
    if (node_is(base, NODE_MAP) && node_is(over, NODE_NULL))
        return base;
    if (!node_is(base, NODE_MAP) || !node_is(over, NODE_MAP))
        return over;
    size_t room = base->pair_count + over->pair_count;
    struct node *result = new_map(arena, base->place, room);
    struct key_index index = key_index_create(arena, room);
    for (size_t i = 0; i < base->pair_count; i++)
        if (key_index_find(&index, result, base->pairs[i].key) == NULL)
            key_index_append(&index, result, base->pairs[i]);
    for (size_t i = 0; i < over->pair_count; i++) {
        struct pair *found = key_index_find(&index, result, over->pairs[i].key);
        if (found == NULL)
            key_index_append(&index, result, over->pairs[i]);
        else
            found->value = merge(arena, found->value, over->pairs[i].value);
    }
    return result;
}

/* The following change a map that this stage made itself. */

static struct pair *string_pair(struct node *map, const char *key)
{
    for (size_t i = 0; i < map->pair_count; i++)
        if (node_string(map->pairs[i].key) != NULL && strcmp(node_string(map->pairs[i].key), key) == 0)
            return &map->pairs[i];
    return NULL;
}

static struct pair take(struct node *map, const char *key)
{
    struct pair *found = string_pair(map, key);
    if (found == NULL)
        return (struct pair){0};
    struct pair taken = *found;
    size_t index = (size_t)(found - map->pairs);
    memmove(found, found + 1, (map->pair_count - index - 1) * sizeof *found);
    map->pair_count--;
    return taken;
}

/* MAP has room for one more: new_map was asked for it. */
static void put(struct arena *arena, struct node *map, const char *key, struct pair pair)
{
    struct pair *found = string_pair(map, key);
    struct node *name = new_key(arena, key);
    name->place = pair.key == NULL ? pair.value->place : pair.key->place;
    if (found != NULL)
        found->value = pair.value;
    else
        map->pairs[map->pair_count++] = (struct pair){name, pair.value};
}

static struct node *roomy_copy(struct arena *arena, const struct node *map, struct place place)
{
    size_t count = node_is(map, NODE_MAP) ? map->pair_count : 0;
    struct node *copy = new_map(arena, place, count + 8);
    if (count > 0)
        memcpy(copy->pairs, map->pairs, count * sizeof *copy->pairs);
    copy->pair_count = count;
    return copy;
}

static bool normalisation_triggered(const struct node *root)
{
    static const char *const root_keys[] = {"provider", "base_url", "context_length", "api_base"};
    static const char *const model_keys[] = {"api_base", "model", "name"};
    const struct node *model = node_get(root, "model");
    for (size_t i = 0; i < sizeof root_keys / sizeof root_keys[0]; i++)
        if (node_truthy(node_get(root, root_keys[i])))
            return true;
    for (size_t i = 0; i < sizeof model_keys / sizeof model_keys[0]; i++)
        if (node_truthy(node_get(model, model_keys[i])))
            return true;
    return false;
}

static void fill(struct arena *arena, struct node *model, const char *key, struct pair from)
{
    if (from.value != NULL && node_truthy(from.value) && !node_truthy(node_get(model, key)))
        put(arena, model, key, from);
}

/* Hermes's _normalize_root_model_keys (0.18.2): root keys and old spellings move into `model`. */
static void normalise_model(struct arena *arena, struct node *root)
{
    if (!normalisation_triggered(root))
        return;
    struct pair *old = string_pair(root, "model");
    struct place place = old == NULL ? root->place : old->value->place;
    struct node *model = roomy_copy(arena, old == NULL ? NULL : old->value, place);
    if (old != NULL && !node_is(old->value, NODE_MAP) && node_truthy(old->value))
        put(arena, model, "default", *old);
    fill(arena, model, "provider", take(root, "provider"));
    fill(arena, model, "base_url", take(root, "base_url"));
    fill(arena, model, "context_length", take(root, "context_length"));
    fill(arena, model, "base_url", take(root, "api_base"));
    fill(arena, model, "base_url", take(model, "api_base"));
    const struct pair *spelt_model = node_pair(model, "model");
    if (spelt_model != NULL)
        fill(arena, model, "default", *spelt_model);
    const struct pair *spelt_name = node_pair(model, "name");
    if (spelt_name != NULL)
        fill(arena, model, "default", *spelt_name);
    if (node_truthy(node_get(model, "default"))) {
        (void)take(model, "model");
        (void)take(model, "name");
    }
    put(arena, root, "model", (struct pair){old == NULL ? NULL : old->key, model});
}

static void normalise_max_turns(struct arena *arena, struct node *root)
{
    struct pair turns = take(root, "max_turns");
    const struct node *agent = node_get(root, "agent");
    if (turns.value == NULL || (agent != NULL && node_truthy(agent) && !node_is(agent, NODE_MAP)))
        return;
    struct node *rebuilt = roomy_copy(arena, agent, agent == NULL ? turns.value->place : agent->place);
    const struct node *own = node_get(rebuilt, "max_turns");
    if (own == NULL || node_is(own, NODE_NULL))
        put(arena, rebuilt, "max_turns", turns);
    put(arena, root, "agent", (struct pair){NULL, rebuilt});
}

static struct node *normalise(struct arena *arena, const struct node *map)
{
    struct node *root = roomy_copy(arena, map, map == NULL ? (struct place){0} : map->place);
    normalise_max_turns(arena, root);
    normalise_model(arena, root);
    return root;
}

static bool shell_has(const char *const *shell, const char *name, size_t len)
{
    for (; shell != NULL && *shell != NULL; shell++)
        if (strncmp(*shell, name, len) == 0 && (*shell)[len] == '=')
            return true;
    return false;
}

static size_t characters(const char *text, size_t len)
{
    size_t count = 0;
    for (size_t i = 0; i < len; i++)
        count += ((unsigned char)text[i] & 0xC0) != 0x80;
    return count;
}

static struct place reference_place(const struct node *node, size_t at, size_t len)
{
    struct place place = node->place;
    place.column += (uint32_t)(characters(node->text, at) + !node->plain);
    place.length = (uint32_t)characters(node->text + at, len);
    return place;
}

static size_t occurrences(const char *text, size_t len, const char *what, size_t what_len)
{
    size_t count = 0;
    for (const char *at = text; (at = memmem(at, len - (size_t)(at - text), what, what_len)) != NULL; at++)
        count++;
    return count;
}

/* The same where escapes, doubled quotes or line ends make NODE's text another one than the file's: it is looked for in
 * the file. */
static struct place written_place(const struct node *node, size_t at, size_t len)
{
    struct place place = node->place;
    const struct source *source = place.source;
    size_t left = occurrences(node->text, at, node->text + at, len);
    size_t skip;
    const char *line = source_line(source, place.line, &skip);
    if (line == NULL)
        return place;
    const char *end = source->bytes + source->len;
    const char *found = line;
    for (size_t i = 1; i < place.column && found < end; i++)
        for (found++; found < end && ((unsigned char)*found & 0xC0) == 0x80;)
            found++;
    while ((found = memmem(found, (size_t)(end - found), node->text + at, len)) != NULL && left-- > 0)
        found++;
    if (found == NULL)
        return place;
    for (const char *stop; (stop = source_line_stop(source, line, &skip)) < found; line = stop + skip)
        place.line++;
    place.column = (uint32_t)characters(line, (size_t)(found - line)) + 1;
    place.length = (uint32_t)characters(node->text + at, len);
    return place;
}

static bool written_as_it_is(const struct node *node)
{
    return node->place.length == characters(node->text, node->len) + (node->plain ? 0 : 2);
}

/* In a text that fills a file by itself, its start will do. */
static struct place place_of_reference(const struct node *node, size_t at, size_t len)
{
    if (node->len > LONG_TEXT)
        return node->place;
    return written_as_it_is(node) ? reference_place(node, at, len) : written_place(node, at, len);
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

static void report_elsewhere(struct view *view, const struct node *node, struct place place, bool needed)
{
    struct diagnostic *d =
        diagnostic_add_as(view->diagnostics, needed ? SEVERITY_WARNING : SEVERITY_HINT, CODE_UNRESOLVED_REFERENCE,
                          node->place, "Hermes does not look this reference up: the text stays as it is");
    if (d != NULL)
        d->place = place;
    diagnostic_help(view->diagnostics, d, "let the source of secrets set a variable, and write ${env:NAME}");
}

static void report_awaited(struct view *view, struct place place)
{
    (void)diagnostic_add(view->diagnostics, CODE_NOT_COMPILED, place,
                         "a source of secrets sets this variable when Hermes starts; the snapshot has nothing of it");
}

static void report_unresolved(struct view *view, const struct node *node, const char *owner, size_t at, size_t len)
{
    const struct reference reference = reference_of(node->text + at + 2, len - 3);
    const char *name = reference.name;
    int name_len = (int)reference.name_len;
    bool needed = owner != NULL && (setting_name_is_secret(owner) || setting_name_is_url(owner));
    if (reference.elsewhere) {
        report_elsewhere(view, node, place_of_reference(node, at, len), needed);
        return;
    }
    if (secret_sources_may_set(view->secrets, arena_strndup(view->arena, name, reference.name_len))) {
        report_awaited(view, place_of_reference(node, at, len));
        return;
    }
    enum severity severity = needed && view->vital && !view->input->no_env ? SEVERITY_ERROR : SEVERITY_WARNING;
    bool shown = looks_like_variable(name, (size_t)name_len);
    struct diagnostic *d = shown
                               ? diagnostic_add_as(view->diagnostics, severity, CODE_UNRESOLVED_REFERENCE, node->place,
                                                   "${%.*s} is not set in any env file", name_len, name)
                               : diagnostic_add_as(view->diagnostics, severity, CODE_UNRESOLVED_REFERENCE, node->place,
                                                   "this ${...} reference does not name a variable of an env file");
    if (d == NULL)
        return;
    d->place = place_of_reference(node, at, len);
    const char *near =
        variable_check_near(view->input->environment, arena_strndup(view->arena, name, (size_t)name_len));
    if (memmem(name, (size_t)name_len, ":-", 2) != NULL) {
        diagnostic_help(view->diagnostics, d, "config.yaml has no defaults for references: write ${NAME}");
        return;
    }
    if (!shown) {
        if (near != NULL)
            diagnostic_help(view->diagnostics, d, "did you mean `${%s}`?", near);
        return;
    }
    near = near != NULL
               ? near
               : variable_check_sister(view->input->environment, arena_strndup(view->arena, name, (size_t)name_len));
    if (shell_has(view->input->shell, name, (size_t)name_len))
        diagnostic_note(view->diagnostics, d,
                        "this shell exports it, but hermes-gateway.service does not inherit your shell");
    if (near != NULL)
        diagnostic_help(view->diagnostics, d, "did you mean `${%s}`?", near);
    else
        diagnostic_help(view->diagnostics, d, "add %.*s to .env", name_len, name);
}

static const char *look_up(const struct view *view, const char *name, size_t *ret_len)
{
    const struct binding *bound = environment_get(view->input->environment, name);
    const uint32_t *scalar = bound == NULL ? name_table_get(&view->root_scalars, name) : NULL;
    const char *value = bound != NULL    ? bound->value
                        : scalar != NULL ? root_variables_text(view->root->pairs[*scalar].value)
                                         : NULL;
    *ret_len = bound != NULL ? bound->len : value != NULL ? strlen(value) : 0;
    return value;
}

static const char *look_up_reference(const struct view *view, const char *inside, size_t len, size_t *ret_len)
{
    const struct reference reference = reference_of(inside, len);
    if (reference.elsewhere || reference.name_len == 0)
        return NULL;
    return look_up(view, arena_strndup(view->arena, reference.name, reference.name_len), ret_len);
}

/* One pass over TEXT; what is put in is not looked at again. A reference is everything up to the first '}'. */
static struct node *expand_string(struct view *view, struct node *node, const char *owner)
{
    struct text out = {.arena = view->arena};
    size_t copied = 0;
    for (size_t i = 0; i + 3 < node->len && view->expanded <= MOST_EXPANDED; i++) {
        if (node->text[i] != '$' || node->text[i + 1] != '{' || node->text[i + 2] == '}')
            continue;
        const char *close = memchr(node->text + i + 2, '}', node->len - i - 2);
        if (close == NULL)
            break;
        size_t len = (size_t)(close - node->text) + 1 - i;
        size_t value_len;
        const char *value = look_up_reference(view, node->text + i + 2, len - 3, &value_len);
        if (value == NULL) {
            report_unresolved(view, node, owner, i, len);
        } else {
            text_append(&out, node->text + copied, i - copied);
            text_append(&out, value, value_len);
            copied = i + len;
            view->expanded += value_len;
        }
        i += len - 1;
        if (view->expanded > MOST_EXPANDED) {
            (void)diagnostic_add(view->diagnostics, CODE_EXPANSION_LIMIT, node->place,
                                 "the references up to here bring in more than 64 MiB");
            return node;
        }
    }
    if (copied == 0)
        return node;
    text_append(&out, node->text + copied, node->len - copied);
    if (view->unread > 0)
        (void)diagnostic_add(view->diagnostics, CODE_UNREAD_REFERENCE, node->place,
                             "Hermes does not replace references under platforms; the snapshot does");
    struct node *expanded = copy_node(view->arena, node);
    expanded->text = out.bytes;
    expanded->len = out.len;
    return expanded;
}

static struct node *expand(struct view *view, struct node *node, const char *owner);

static struct node *expand_items(struct view *view, struct node *node, const char *owner)
{
    struct node *result = node;
    for (size_t i = 0; i < node->count; i++) {
        struct node *item = expand(view, node->items[i], owner);
        if (item == node->items[i])
            continue;
        if (result == node) {
            result = copy_node(view->arena, node);
            result->items = arena_alloc(view->arena, node->count * sizeof *node->items);
            memcpy(result->items, node->items, node->count * sizeof *node->items);
        }
        result->items[i] = item;
    }
    return result;
}

/* Whether the pair's value is another one now. */
static bool expand_pair(struct view *view, struct pair *pair)
{
    const char *name = node_string(pair->key);
    bool unread = name != NULL && strcmp(name, "platforms") == 0;
    struct node *before = pair->value;
    view->unread += unread;
    pair->value = expand(view, before, name);
    view->unread -= unread;
    return pair->value != before;
}

static struct node *expand_pairs(struct view *view, struct node *node)
{
    struct node *result = node;
    for (size_t i = 0; i < node->pair_count; i++) {
        struct pair pair = node->pairs[i];
        if (!expand_pair(view, &pair))
            continue;
        if (result == node) {
            result = copy_node(view->arena, node);
            result->pairs = arena_alloc(view->arena, node->pair_count * sizeof *node->pairs);
            memcpy(result->pairs, node->pairs, node->pair_count * sizeof *node->pairs);
        }
        result->pairs[i] = pair;
    }
    return result;
}

/* OWNER is the name under which the value stands. Returns NODE itself where nothing changed. */
static struct node *expand(struct view *view, struct node *node, const char *owner)
{
    switch (node->kind) {
    case NODE_STRING:
        return expand_string(view, node, owner);
    case NODE_SEQUENCE:
        return expand_items(view, node, owner);
    case NODE_MAP:
        return expand_pairs(view, node);
    default:
        return node;
    }
}

/* A managed model that is only a name does not take the user's other settings of it away. */
static void name_model(struct arena *arena, const struct node *user, struct node *managed)
{
    struct pair *model = string_pair(managed, "model");
    if (model == NULL || node_is(model->value, NODE_MAP) || !node_truthy(model->value) ||
        !node_is(node_get(user, "model"), NODE_MAP))
        return;
    struct node *named = new_map(arena, model->value->place, 1);
    put(arena, named, "default", *model);
    model->value = named;
}

/* The sections that say whom Hermes asks and with which key; what stands elsewhere fails by itself. */
static bool names_providers(const struct pair *pair)
{
    static const char *const sections[] = {"model", "providers", "custom_providers"};
    const char *name = node_string(pair->key);
    bool found = pair->value->kind != NODE_MAP && pair->value->kind != NODE_SEQUENCE;
    for (size_t i = 0; i < sizeof sections / sizeof *sections && !found; i++)
        found = name != NULL && strcmp(name, sections[i]) == 0;
    return found;
}

static void find_root_scalars(struct view *view, const struct node *root)
{
    view->root = root;
    for (size_t i = 0; i < root->pair_count; i++) {
        const char *name = node_string(root->pairs[i].key);
        if (name != NULL && root_variables_text(root->pairs[i].value) != NULL)
            name_table_put(view->arena, &view->root_scalars, name, i);
    }
}

/* What stands at the root of config.yaml by itself is put into the gateway's environment, and then found there by
 * everything else. */
static void expand_root(struct view *view, struct node *root)
{
    for (int collections = 0; collections <= 1; collections++) {
        for (size_t i = 0; i < root->pair_count; i++) {
            struct pair *pair = &root->pairs[i];
            bool collection = pair->value->kind == NODE_MAP || pair->value->kind == NODE_SEQUENCE;
            view->vital = names_providers(pair);
            if (collection == collections)
                expand_pair(view, pair);
        }
        if (collections == 0) {
            find_root_scalars(view, root);
            root_variables(view->arena, root, view->input->environment, view->diagnostics);
        }
    }
}

struct node *gateway_view(struct arena *arena, const struct gateway_view_input *input, struct diagnostics *diagnostics)
{
    struct view view = {.arena = arena, .input = input, .diagnostics = diagnostics};
    struct node *user = new_map(arena, (struct place){0}, 0);
    if (node_is(input->user, NODE_MAP))
        user = copy_node(arena, input->user);
    struct node *merged = user;
    if (node_is(input->managed, NODE_MAP)) {
        struct node *managed = normalise(arena, input->managed);
        name_model(arena, user, managed);
        merged = merge(arena, user, managed);
    }
    struct node *root = normalise(arena, merged); /* with pairs of its own */
    view.secrets = node_get(root, "secrets");
    expand_root(&view, root);
    return root;
}
