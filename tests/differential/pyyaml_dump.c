/* Prints what yaml_load makes of each text: the value in the notation of pyyaml.py, or where it was refused. */
#include <string.h>

#include "dump.h"
#include "yaml_load.h"

static void dump(const struct node *node);

static int compare_lines(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* A Python set has no order: its members are printed sorted. */
static void dump_set(const struct node *set)
{
    char **lines = calloc(set->pair_count + 1, sizeof *lines);
    FILE *out = stdout;
    for (size_t i = 0; i < set->pair_count; i++) {
        size_t len;
        stdout = open_memstream(&lines[i], &len);
        dump(set->pairs[i].key);
        (void)fclose(stdout);
    }
    stdout = out;
    if (set->pair_count > 1)
        qsort(lines, set->pair_count, sizeof *lines, compare_lines);
    for (size_t i = 0; i < set->pair_count; i++) {
        (void)fputs(lines[i], stdout);
        free(lines[i]);
    }
    free(lines);
}

static void dump_pairs(const struct node *node)
{
    for (size_t i = 0; i < node->pair_count; i++) {
        dump(node->pairs[i].key);
        (void)putchar('=');
        dump(node->pairs[i].value);
    }
}

static void dump(const struct node *node)
{
    static const char letters[] = {
        [NODE_NULL] = 'n',      [NODE_BOOL] = 'b',   [NODE_INTEGER] = 'i',  [NODE_FLOAT] = 'f', [NODE_STRING] = 's',
        [NODE_TIMESTAMP] = 't', [NODE_BINARY] = 'y', [NODE_SEQUENCE] = '[', [NODE_MAP] = '{',   [NODE_SET] = '<',
    };
    (void)putchar(letters[node->kind]);
    switch (node->kind) {
    case NODE_NULL:
        break;
    case NODE_BOOL:
        (void)putchar(node->boolean ? '1' : '0');
        break;
    case NODE_INTEGER:
        (void)fwrite(node->text, 1, node->len, stdout);
        break;
    case NODE_FLOAT:
        (void)printf("%a", node_number(node));
        break;
    case NODE_SEQUENCE:
        for (size_t i = 0; i < node->count; i++)
            dump(node->items[i]);
        break;
    case NODE_MAP:
        dump_pairs(node);
        break;
    case NODE_SET:
        dump_set(node);
        break;
    default:
        dump_hex(node->text, node->len);
        break;
    }
    (void)putchar(node->kind == NODE_SEQUENCE ? ']'
                  : node->kind == NODE_MAP    ? '}'
                  : node->kind == NODE_SET    ? '>'
                                              : ';');
}

static bool said(const struct diagnostics *diagnostics, const char *code)
{
    for (size_t i = 0; i < diagnostics->count; i++)
        if (strcmp(diagnostic_code_pages[diagnostics->items[i]->code].name, code) == 0)
            return true;
    return false;
}

int main(void)
{
    for (;;) {
        struct arena *arena = arena_create();
        struct source source = {.kind = SOURCE_CONFIG, .label = "config.yaml", .path = "/config.yaml", .present = true};
        struct diagnostics diagnostics = {.arena = arena};
        if (!dump_next(arena, &source)) {
            arena_destroy(arena);
            return 0;
        }
        const struct node *root = yaml_load(arena, &source, &diagnostics);
        if (root != NULL)
            dump(root);
        for (size_t i = 0; root == NULL && i < diagnostics.count; i++) {
            const struct diagnostic *d = diagnostics.items[i];
            if (d->severity == SEVERITY_ERROR)
                (void)printf("! %s %u %u ", diagnostic_code_pages[d->code].name, d->place.line, d->place.column);
        }
        if (root != NULL && said(&diagnostics, "yaml-tab"))
            (void)fputs(" tab", stdout);
        if (root != NULL && said(&diagnostics, "yaml-readers-differ"))
            (void)fputs(" differ", stdout);
        (void)putchar('\n');
        arena_destroy(arena);
    }
}
