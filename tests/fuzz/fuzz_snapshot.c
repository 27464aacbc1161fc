/* Any content in a snapshot whose digest is right, and any bytes as a snapshot. */
#include "fuzz.h"
#include "view.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_create();
    struct hermes_view *view;
    struct text content = {.arena = arena};
    if (view_unpack((const char *)data, size, &view) == 0)
        hermes_view_unref(view);
    text_append(&content, (const char *)data, size);
    struct piece pieces[SNAPSHOT_PIECES];
    emit_snapshot(arena, &content, 7, "/home/u/.hermes", "2026-11-24T00:00:00.000Z", pieces);
    struct text file = laid_out(arena, pieces, SNAPSHOT_PIECES);
    if (view_unpack(file.bytes, file.len, &view) == 0)
        hermes_view_unref(view);
    arena_destroy(arena);
    return 0;
}
