#include "fleet_resets.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bell.h"
#include "replace.h"
#include "safe_read.h"
#include "snapshot_format.h"
#include "text.h"

int fleet_resets_add(struct arena *arena, const char *home, const char *provider, const char *fingerprint)
{
    struct text lines = {.arena = arena};
    const char *path = arena_printf(arena, "%s/" FLEET_RESETS_FILE, home);
    if (access(arena_printf(arena, "%s/" FLEET_COPY_FILE, home), F_OK) < 0)
        return 0;
    struct safe_read read = safe_read(arena, path, 0);
    if (read.status == SAFE_READ_OK)
        text_append(&lines, read.bytes, read.len);
    text_printf(&lines, "%s %s\n", provider == NULL ? "*" : provider, fingerprint == NULL ? "*" : fingerprint);
    int error = replace_file(path, lines.bytes, lines.len, 0600);
    bell_ring(arena_printf(arena, "%s/" FLEET_BELL_FILE, home));
    return error;
}

static const char *taken_path(struct arena *arena, const char *home)
{
    return arena_printf(arena, "%s/" FLEET_RESETS_FILE ".taken", home);
}

const char *fleet_resets_take(struct arena *arena, const char *home)
{
    const char *taken = taken_path(arena, home);
    if (access(taken, F_OK) < 0 && rename(arena_printf(arena, "%s/" FLEET_RESETS_FILE, home), taken) < 0)
        return NULL;
    struct safe_read read = safe_read(arena, taken, 0);
    return read.status == SAFE_READ_OK ? read.bytes : NULL;
}

const char *fleet_resets_pending(struct arena *arena, const char *home)
{
    struct text lines = {.arena = arena};
    /* In the order in which they go from one to the other. */
    const char *paths[] = {arena_printf(arena, "%s/" FLEET_RESETS_FILE, home), taken_path(arena, home)};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        struct safe_read read = safe_read(arena, paths[i], 0);
        if (read.status == SAFE_READ_OK)
            text_append(&lines, read.bytes, read.len);
    }
    return lines.len == 0 ? "" : lines.bytes;
}

static bool fits(const char *pattern, size_t len, const char *text)
{
    return (len == 1 && *pattern == '*') || (strlen(text) == len && memcmp(pattern, text, len) == 0);
}

bool fleet_resets_mean(const char *lines, const char *provider, const char *fingerprint)
{
    for (const char *line = lines; *line != '\0'; line += strcspn(line, "\n"), line += *line == '\n') {
        size_t len = strcspn(line, "\n");
        const char *blank = memrchr(line, ' ', len);
        if (blank != NULL && fits(line, (size_t)(blank - line), provider) &&
            fits(blank + 1, (size_t)(line + len - blank - 1), fingerprint))
            return true;
    }
    return false;
}

void fleet_resets_done(struct arena *arena, const char *home)
{
    (void)unlink(taken_path(arena, home));
}
