/* Prints the environment that dotenv_load makes of each text: `name=value;` in hex, in the order of binding. */
#include "dotenv.h"
#include "dump.h"

int main(void)
{
    for (;;) {
        struct arena *arena = arena_create();
        struct source source = {.kind = SOURCE_ENV, .label = ".env", .path = "/.env", .present = true};
        struct diagnostics diagnostics = {.arena = arena};
        struct environment environment = {0};
        if (!dump_next(arena, &source)) {
            arena_destroy(arena);
            return 0;
        }
        dotenv_load(arena, &source, &environment, &diagnostics);
        for (size_t i = 0; i < environment.count; i++) {
            dump_hex(environment.items[i].name, strlen(environment.items[i].name));
            (void)putchar('=');
            dump_hex(environment.items[i].value, environment.items[i].len);
            (void)putchar(';');
        }
        (void)putchar('\n');
        arena_destroy(arena);
    }
}
