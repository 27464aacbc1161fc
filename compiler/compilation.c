#include "compilation.h"

#include <limits.h>
#include <sys/file.h>
#include <unistd.h>

#include "replace.h"
#include "snapshot_format.h"

void compilation_clean(const char *home)
{
    char path[PATH_MAX];
    (void)snprintf(path, sizeof path, "%s/" SNAPSHOT_FILE, home);
    replace_clean(path, false);
    (void)snprintf(path, sizeof path, "%s/auth.json", home);
    replace_clean(path, true);
}

void compilation_tidy(struct compilation *c)
{
    while (c->publication.displaced_count > 0)
        (void)close(c->publication.displaced[--c->publication.displaced_count]);
    if (c->lock < 0)
        return;
    if (flock(c->lock, LOCK_EX | LOCK_NB) == 0) { /* else another one compiles, notes the same and cleans */
        publish_memory(&c->publication, c->home);
        compilation_clean(c->home);
    }
    (void)close(c->lock);
    c->lock = -1;
}

void compilation_finish(struct compilation *c)
{
    compilation_tidy(c);
    arena_destroy(c->arena);
    *c = (struct compilation){.lock = -1};
}
