#include "cooldown_file.h"

#include <errno.h>
#include <string.h>

#include "clock.h"
#include "safe_read.h"

bool cooldown_file_read(struct cooldowns *cooldowns, const char *path, struct text *before,
                        struct diagnostics *diagnostics)
{
    struct safe_read read = safe_read(cooldowns->arena, path, 0);
    if (read.status == SAFE_READ_FAILED && read.error != EACCES) {
        (void)diagnostic_add(diagnostics, CODE_UNREADABLE, (struct place){0}, "%s cannot be read: %s", path,
                             strerror(read.error));
        return false;
    }
    if (read.status != SAFE_READ_OK)
        return true;
    text_append(before, read.bytes, read.len);
    if (!cooldowns_parse(cooldowns, read.bytes, read.len, clock_wall()))
        (void)diagnostic_add(diagnostics, CODE_MEMORY_DAMAGED, (struct place){0},
                             "%s is not as it was written: what it remembered of keys that cool is forgotten", path);
    return true;
}
