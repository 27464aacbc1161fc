#include "cooldown_file.h"

#include <errno.h>
#include <string.h>

#include "clock.h"
#include "safe_read.h"

/* The disk, or the server, at this moment: what it remembers may be there again. */
static bool may_be_whole(const struct safe_read *read)
{
    return read->status == SAFE_READ_FAILED && read->error != EACCES && read->error != ELOOP;
}

bool cooldown_file_read(struct cooldowns *cooldowns, const char *path, struct text *before,
                        struct diagnostics *diagnostics)
{
    struct safe_read read = safe_read(cooldowns->arena, path, 0);
    if (may_be_whole(&read)) {
        (void)diagnostic_add(diagnostics, CODE_UNREADABLE, (struct place){0}, "%s cannot be read: %s", path,
                             strerror(read.error));
        return false;
    }
    if (read.status == SAFE_READ_ABSENT)
        return true;
    if (read.status == SAFE_READ_OK)
        text_append(before, read.bytes, read.len);
    if (read.status != SAFE_READ_OK || !cooldowns_parse(cooldowns, read.bytes, read.len, clock_wall()))
        (void)diagnostic_add(diagnostics, CODE_MEMORY_DAMAGED, (struct place){0},
                             "%s was edited or damaged: its record of cooling keys is lost", path);
    return true;
}
