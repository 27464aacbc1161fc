/* Any bytes as config.yaml: a diagnostic or a valid content, the same twice, and no key in what is printed; and the
 * same values at the same places whether or not what stands in comments is left out. */
#include "fuzz.h"

static bool below(struct place upper, struct place lower)
{
    return (upper.line == 0 ? lower.line == 0 : lower.line == upper.line + 1) && lower.column == upper.column &&
           lower.length == upper.length;
}

static bool same_but_a_line_below(const struct node *upper, const struct node *lower)
{
    if (upper->kind != lower->kind || upper->plain != lower->plain || !below(upper->place, lower->place))
        return false;
    switch (upper->kind) {
    case NODE_NULL:
        return true;
    case NODE_BOOL:
        return upper->boolean == lower->boolean;
    case NODE_SEQUENCE:
        for (size_t i = 0; i < upper->count && i < lower->count; i++)
            if (!same_but_a_line_below(upper->items[i], lower->items[i]))
                return false;
        return upper->count == lower->count;
    case NODE_MAP:
    case NODE_SET:
        for (size_t i = 0; i < upper->pair_count && i < lower->pair_count; i++)
            if (!same_but_a_line_below(upper->pairs[i].key, lower->pairs[i].key) ||
                !same_but_a_line_below(upper->pairs[i].value, lower->pairs[i].value))
                return false;
        return upper->pair_count == lower->pair_count;
    default:
        return upper->len == lower->len && memcmp(upper->text, lower->text, upper->len) == 0;
    }
}

/* Below a comment that has a tab, which two readers take differently, everything is read as it is written. */
static void check_comments(struct arena *arena, const char *bytes, size_t len)
{
    struct source upper;
    struct source lower;
    struct diagnostics said[2] = {{.arena = arena}, {.arena = arena}};
    struct text text = {.arena = arena};
    if (len >= 3 && memcmp(bytes, "\xEF\xBB\xBF", 3) == 0)
        return; /* is a mark only where the text begins with it */
    text_puts(&text, "#\t\n");
    text_append(&text, bytes, len);
    source_of(&upper, SOURCE_CONFIG, "config.yaml", arena, bytes, len);
    source_of(&lower, SOURCE_CONFIG, "config.yaml", arena, text.bytes, text.len);
    const struct node *roots[] = {yaml_load(arena, &upper, &said[0]), yaml_load(arena, &lower, &said[1])};
    must((roots[0] == NULL) == (roots[1] == NULL), "a comment makes it valid");
    must(roots[0] == NULL || same_but_a_line_below(roots[0], roots[1]), "a comment changes a value or its place");
    must(said[0].count == said[1].count, "a comment changes what is said");
    for (size_t i = 0; i < said[0].count; i++)
        must(said[0].items[i]->code == said[1].items[i]->code &&
                 below(said[0].items[i]->place, said[1].items[i]->place),
             "a comment changes what is said");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char env[] = "XIAOMI_API_KEY=sk-test-from-the-env-file\nA=one\nB=${A}two\n";
    const struct texts in = {.config = (const char *)data,
                             .config_len = size,
                             .env = env,
                             .env_len = sizeof env - 1,
                             .pool = "{}",
                             .pool_len = 2};
    struct arena *arena = arena_create();
    struct compiled first;
    struct compiled second;
    compile_texts(arena, &in, &first);
    compile_texts(arena, &in, &second);
    check_secrets(&first);
    check_content(&first);
    must(first.content.len == second.content.len, "not deterministic");
    must(first.content.len == 0 || memcmp(first.content.bytes, second.content.bytes, first.content.len) == 0,
         "not deterministic");
    check_comments(arena, in.config, in.config_len);
    arena_destroy(arena);
    return 0;
}
