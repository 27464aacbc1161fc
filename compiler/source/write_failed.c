#include "write_failed.h"

#include <errno.h>
#include <string.h>

#include "home_check.h"

void write_failed(struct diagnostics *list, const char *path, int error, const char *meaning)
{
    bool full = error == -ENOSPC || error == -EDQUOT;
    const char *help = full ? "make room on the disk" : home_check_take_back(list->arena, path);
    struct diagnostic *d =
        diagnostic_add(list, CODE_WRITE_FAILED, (struct place){0}, "%s cannot be written: %s", path, strerror(-error));
    if (help != NULL || meaning != NULL)
        diagnostic_help(list, d, "%s%s%s", help == NULL ? "" : help, help == NULL || meaning == NULL ? "" : "; ",
                        meaning == NULL ? "" : meaning);
}
