/* A compile in memory, below callgrind, which counts its instructions: frames on standard input, and for each of them a
 * dump of what was counted between its reading and its end.
 *
 *     <config bytes> <env bytes> <pool bytes>\n<config><env><pool> */
#include <valgrind/callgrind.h>

#include "cooldown.h"
#include "fuzz.h"

static const char *take(struct arena *arena, size_t len)
{
    char *bytes = arena_alloc(arena, len + 1);
    must(fread(bytes, 1, len, stdin) == len, "a frame ends early");
    return bytes;
}

static void compile_and_project(struct arena *arena, const struct texts *in)
{
    struct compiled compiled;
    struct cooldowns cooldowns = {.arena = arena};
    FILE *nowhere = fopen("/dev/null", "w");
    must(nowhere != NULL, "there is no /dev/null");
    compile_texts(arena, in, &compiled);
    const struct pool_input input = {&compiled.pool, &compiled.providers, &cooldowns, 1795478458, false, false};
    if (compiled.diagnostics.errors == 0)
        (void)pool_project(arena, &input, &compiled.diagnostics);
    diagnostics_sort(&compiled.diagnostics);
    for (size_t i = 0; i < compiled.diagnostics.count; i++)
        diagnostic_print(compiled.diagnostics.items[i], false, nowhere);
    (void)fclose(nowhere);
}

static bool measure(void)
{
    struct texts in = {0};
    char line[200];
    if (fgets(line, sizeof line, stdin) == NULL)
        return false;
    must(sscanf(line, "%zu %zu %zu", &in.config_len, &in.env_len, &in.pool_len) == 3, "no frame");
    struct arena *arena = arena_create();
    in.config = take(arena, in.config_len);
    in.env = take(arena, in.env_len);
    in.pool = take(arena, in.pool_len);
    CALLGRIND_ZERO_STATS;
    compile_and_project(arena, &in);
    CALLGRIND_DUMP_STATS;
    arena_destroy(arena);
    return true;
}

int main(void)
{
    while (measure())
        ;
    return 0;
}
