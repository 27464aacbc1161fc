#include "watch.h"

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

static void add(struct watch_set *set, char *point, const char *type)
{
    set->points = watch_must(realloc(set->points, (set->point_count + 1) * sizeof *set->points));
    decode(point);
    const char *name = remote_file_system_name(type);
    set->points[set->point_count++] = (struct watch_mount){watch_must(strdup(point)), name != NULL};
    set->foreign += name != NULL;
}

void watch_mounts_forget(struct watch_set *set)
{
    for (size_t i = 0; i < set->point_count; i++)
        free(set->points[i].path);
    free(set->points);
    set->points = NULL;
    set->point_count = set->foreign = 0;
}

/* `36 35 98:0 /root /point options ... - type source options` */
void watch_mounts_read(struct watch_set *set)
{
    char *line = NULL;
    size_t room = 0;
    FILE *file = fopen("/proc/self/mountinfo", "re");
    watch_mounts_forget(set);
    while (file != NULL && getline(&line, &room, file) > 0) {
        char *point = NULL;
        char *type = NULL;
        const char *end = strstr(line, " - ");
        if (sscanf(line, "%*s %*s %*s %*s %ms", &point) == 1 && end != NULL && sscanf(end, " - %ms", &type) == 1)
            add(set, point, type);
        free(point);
        free(type);
    }
    free(line);
    if (file != NULL)
        (void)fclose(file);
}

void watch_mounts_refresh(struct watch_set *set)
{
    struct pollfd news = {.fd = set->mounts_seen, .events = POLLPRI};
    if (set->mounts_seen >= 0 && poll(&news, 1, 0) > 0)
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
    for (size_t i = 0; set->foreign > 0 && i < set->point_count; i++) {
        size_t len = strlen(set->points[i].path);
        if (len >= longest && lies_below(path, set->points[i].path, len)) { /* of two at one place the later */
            found = &set->points[i];
            longest = len;
        }
    }
    return found != NULL && found->foreign;
}
