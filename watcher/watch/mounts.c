#include "watch.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "remote_file_system.h"

/* A path of mountinfo, in place: a blank, a tab, a line break and a backslash stand there as \ooo. */
static void decode(char *text)
{
    char *out = text;
    for (const char *in = text; *in != '\0';)
        if (in[0] == '\\' && in[1] >= '0' && in[1] <= '3' && in[2] != '\0' && in[3] != '\0') {
            *out++ = (char)((in[1] - '0') * 64 + (in[2] - '0') * 8 + (in[3] - '0'));
            in += 4;
        } else {
            *out++ = *in++;
        }
    *out = '\0';
}

static bool add(struct watch_mounts *mounts, const char *point, const char *type)
{
    struct watch_mount *points = realloc(mounts->points, (mounts->count + 1) * sizeof *points);
    char *path = strdup(point);
    const bool foreign = remote_file_system_name(type) != NULL;
    if (points != NULL)
        mounts->points = points;
    if (points == NULL || path == NULL) {
        free(path);
        return false;
    }
    decode(path);
    points[mounts->count++] = (struct watch_mount){path, foreign};
    mounts->foreign += foreign;
    return true;
}

void watch_mounts_forget(struct watch_mounts *mounts)
{
    for (size_t i = 0; i < mounts->count; i++)
        free(mounts->points[i].path);
    free(mounts->points);
    *mounts = (struct watch_mounts){0};
}

/* `36 35 98:0 /root /point options ... - type source options`. False: there is no memory for it. */
static bool add_line(struct watch_mounts *mounts, char *line)
{
    const char *point = NULL;
    char *end = strstr(line, " - ");
    for (int i = 0; i < 5; i++)
        point = strsep(&line, " ");
    char *type = end == NULL ? NULL : end + strlen(" - ");
    return point == NULL || type == NULL || add(mounts, point, strsep(&type, " "));
}

/* Where there is no memory, the old ones are believed until the next refresh. */
void watch_mounts_read(struct watch_set *set)
{
    char *line = NULL;
    size_t room = 0;
    struct watch_mounts mounts = {0};
    FILE *file = fopen("/proc/self/mountinfo", "re");
    bool whole = file != NULL || errno != ENOMEM;
    while (file != NULL && whole && getline(&line, &room, file) > 0)
        whole = add_line(&mounts, line);
    whole = whole && (file == NULL || feof(file));
    free(line);
    if (file != NULL)
        (void)fclose(file);
    watch_mounts_forget(whole ? &set->mounts : &mounts);
    if (whole)
        set->mounts = mounts;
    set->mounts_unread = !whole;
}

void watch_mounts_refresh(struct watch_set *set)
{
    struct pollfd news = {.fd = set->mounts_seen, .events = POLLPRI};
    if (set->mounts_unread || (set->mounts_seen >= 0 && poll(&news, 1, 0) > 0))
        watch_mounts_read(set);
}

static bool lies_below(const char *path, const char *point, size_t len)
{
    return strncmp(path, point, len) == 0 && (path[len] == '/' || path[len] == '\0' || len == 1);
}

bool watch_is_foreign(const struct watch_set *set, const char *path)
{
    const struct watch_mount *found = NULL;
    size_t longest = 0;
    const struct watch_mounts *mounts = &set->mounts;
    for (size_t i = 0; mounts->foreign > 0 && i < mounts->count; i++) {
        size_t len = strlen(mounts->points[i].path);
        if (len >= longest && lies_below(path, mounts->points[i].path, len)) { /* of two at one place the later */
            found = &mounts->points[i];
            longest = len;
        }
    }
    return found != NULL && found->foreign;
}
