/* The projection without files: frames on standard input, answers on standard output, thousands a second.
 *
 *     <now> <config bytes> <env bytes> <pool bytes> <memory bytes>\n<config><env><pool><memory>
 *     <pool bytes> <memory bytes> <changes bytes>\n<pool><memory><changes>
 *
 * -1 pool bytes: there is no auth.json; in an answer: it stays as it is. */
#include "cooldown.h"
#include "fuzz.h"

static const char *take(struct arena *arena, long len)
{
    char *bytes = arena_alloc(arena, (size_t)(len > 0 ? len : 0) + 1);
    if (len > 0)
        must(fread(bytes, 1, (size_t)len, stdin) == (size_t)len, "a frame ends early");
    return bytes;
}

static size_t size_of(long len)
{
    return len > 0 ? (size_t)len : 0;
}

static bool answer(void)
{
    double now;
    long config, env, pool, memory;
    char line[200];
    if (fgets(line, sizeof line, stdin) == NULL)
        return false;
    must(sscanf(line, "%lf %ld %ld %ld %ld", &now, &config, &env, &pool, &memory) == 5, "no frame");
    struct arena *arena = arena_create();
    struct texts in = {.config_len = size_of(config), .env_len = size_of(env), .pool_len = size_of(pool)};
    in.config = take(arena, config);
    in.env = take(arena, env);
    in.pool = take(arena, pool);
    const char *memory_text = take(arena, memory);
    struct cooldowns cooldowns = {.arena = arena};
    struct compiled f;
    if (pool < 0)
        in.pool = "{\"providers\":{}}", in.pool_len = 16;
    compile_texts(arena, &in, &f);
    must(f.diagnostics.errors == 0, "the sources are invalid");
    check_secrets(&f);
    f.pool.present = pool >= 0;
    (void)cooldowns_parse(&cooldowns, memory_text, size_of(memory), now);
    const struct pool_input input = {&f.pool, &f.providers, &cooldowns, now, false, false};
    struct pool_projection after = pool_project(arena, &input, &f.diagnostics);
    struct text laid = laid_out(arena, after.pieces, after.count);
    size_t len;
    const char *text = cooldowns_text(&cooldowns, &len);
    (void)printf("%ld %zu %zu\n", after.count == 0 ? -1L : (long)laid.len, len, after.changes.len);
    if (after.count > 0)
        (void)fwrite(laid.bytes, 1, laid.len, stdout);
    (void)fwrite(text, 1, len, stdout);
    if (after.changes.len > 0)
        (void)fwrite(after.changes.bytes, 1, after.changes.len, stdout);
    (void)fflush(stdout);
    arena_destroy(arena);
    return true;
}

int main(void)
{
    while (answer())
        ;
    return 0;
}
