#include "hermes_runtime.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cjson/cJSON.h>
#include <sodium.h>

#include "snapshot_format.h"
#include "view.h"

/* What tells one version of a file from the next: rename always changes the inode. */
struct moment {
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec modified;
};

struct hermes {
    char *snapshot_path;
    char *cooldowns_path;
    struct moment snapshot_moment;
    struct moment cooldowns_moment;
    const struct hermes_view *view;
    cJSON *cooldowns;
};

const char *hermes_strerror(int error)
{
    switch (error) {
    case HERMES_ABSENT:
        return "there is no snapshot; run hermes-compile";
    case HERMES_CORRUPT:
        return "the snapshot is torn or was edited; run hermes-compile";
    case HERMES_NEWER:
        return "the snapshot has a newer format than this library knows";
    case HERMES_UNSAFE:
        return "the snapshot belongs to another user or may be written by others";
    default:
        return strerror(-error);
    }
}

static struct moment moment_of(const struct stat *st)
{
    return (struct moment){st->st_dev, st->st_ino, st->st_size, st->st_mtim};
}

static bool same_moment(const struct moment *a, const struct moment *b)
{
    return a->device == b->device && a->inode == b->inode && a->size == b->size &&
           a->modified.tv_sec == b->modified.tv_sec && a->modified.tv_nsec == b->modified.tv_nsec;
}

static bool unsafe(const struct stat *st)
{
    uid_t me = geteuid();
    bool mine = st->st_uid == me || st->st_uid == 0 || me == 0;
    return !S_ISREG(st->st_mode) || !mine || (st->st_mode & (S_IWGRP | S_IWOTH)) != 0;
}

static int read_all(int fd, char *bytes, size_t len)
{
    size_t done = 0;
    while (done < len) {
        ssize_t got = read(fd, bytes + done, len - done);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -errno;
        if (got == 0)
            return HERMES_CORRUPT;
        done += (size_t)got;
    }
    return 0;
}

/* The whole file in guarded memory; *RET_BYTES is to be given to sodium_free. */
static int read_file(const char *path, struct moment *ret_moment, char **ret_bytes)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    struct stat st;
    if (fd < 0)
        return errno == ENOENT || errno == ENOTDIR ? HERMES_ABSENT : -errno;
    int error = fstat(fd, &st) < 0 ? -errno : unsafe(&st) ? HERMES_UNSAFE : 0;
    if (error == 0) {
        char *bytes = sodium_init() < 0 ? NULL : sodium_malloc((size_t)st.st_size + 1);
        error = bytes == NULL ? -ENOMEM : read_all(fd, bytes, (size_t)st.st_size);
        if (error == 0) {
            bytes[st.st_size] = '\0';
            *ret_moment = moment_of(&st);
            *ret_bytes = bytes;
        } else {
            sodium_free(bytes);
        }
    }
    (void)close(fd);
    return error;
}

static int load_view(struct hermes *hermes)
{
    char *bytes;
    struct moment moment;
    struct hermes_view *view;
    int error = read_file(hermes->snapshot_path, &moment, &bytes);
    if (error != 0)
        return error;
    error = view_unpack(bytes, (size_t)moment.size, &view);
    sodium_free(bytes);
    if (error != 0)
        return error;
    hermes_view_unref(hermes->view);
    hermes->view = view;
    hermes->snapshot_moment = moment;
    return 0;
}

static char *join(const char *home, const char *name)
{
    char *path;
    return asprintf(&path, "%s/%s", home, name) < 0 ? NULL : path;
}

int hermes_open(const char *home, struct hermes **ret)
{
    struct hermes *hermes = calloc(1, sizeof *hermes);
    if (hermes == NULL)
        return -ENOMEM;
    hermes->snapshot_path = join(home, SNAPSHOT_FILE);
    hermes->cooldowns_path = join(home, COOLDOWNS_FILE);
    int error = -ENOMEM;
    if (hermes->snapshot_path != NULL && hermes->cooldowns_path != NULL)
        error = load_view(hermes);
    if (error == 0)
        *ret = hermes;
    else
        hermes_close(hermes);
    return error;
}

void hermes_close(struct hermes *hermes)
{
    if (hermes == NULL)
        return;
    hermes_view_unref(hermes->view);
    cJSON_Delete(hermes->cooldowns);
    free(hermes->snapshot_path);
    free(hermes->cooldowns_path);
    free(hermes);
}

int hermes_refresh(struct hermes *hermes)
{
    struct stat st;
    if (stat(hermes->snapshot_path, &st) < 0)
        return errno == ENOENT || errno == ENOTDIR ? HERMES_ABSENT : -errno;
    struct moment moment = moment_of(&st);
    if (same_moment(&moment, &hermes->snapshot_moment))
        return 0;
    long long before = hermes_generation(hermes->view);
    int error = load_view(hermes);
    return error != 0 ? error : hermes_generation(hermes->view) != before;
}

const struct hermes_view *hermes_current(const struct hermes *hermes)
{
    return hermes->view;
}

/* The memory of cooldowns is an observation: when it cannot be read, every key counts as fresh. */
static void refresh_cooldowns(struct hermes *hermes)
{
    struct stat st;
    char *bytes;
    struct moment moment;
    if (stat(hermes->cooldowns_path, &st) < 0) {
        cJSON_Delete(hermes->cooldowns);
        hermes->cooldowns = NULL;
        hermes->cooldowns_moment = (struct moment){0};
        return;
    }
    moment = moment_of(&st);
    if (same_moment(&moment, &hermes->cooldowns_moment))
        return;
    if (read_file(hermes->cooldowns_path, &moment, &bytes) != 0)
        return;
    cJSON_Delete(hermes->cooldowns);
    hermes->cooldowns = cJSON_ParseWithLength(bytes, (size_t)moment.size);
    hermes->cooldowns_moment = moment;
    sodium_free(bytes);
}

static bool usable(const struct hermes *hermes, const char *provider, const char *fingerprint, double now)
{
    const cJSON *all = cJSON_GetObjectItemCaseSensitive(hermes->cooldowns, "cooldowns");
    const cJSON *keys = cJSON_GetObjectItemCaseSensitive(all, provider);
    const cJSON *cooldown = cJSON_GetObjectItemCaseSensitive(keys, fingerprint);
    const cJSON *status = cJSON_GetObjectItemCaseSensitive(cooldown, "status");
    const cJSON *until = cJSON_GetObjectItemCaseSensitive(cooldown, "until");
    if (cooldown == NULL)
        return true;
    if (cJSON_IsString(status) && strcmp(status->valuestring, "dead") == 0)
        return false;
    return !cJSON_IsNumber(until) || now >= until->valuedouble;
}

const struct hermes_credential *hermes_pick(struct hermes *hermes, const char *provider)
{
    const char *id = provider != NULL ? provider : hermes_default_provider(hermes->view);
    const struct hermes_provider *found = id == NULL ? NULL : hermes_provider(hermes->view, id);
    struct timespec now;
    if (found == NULL)
        return NULL;
    refresh_cooldowns(hermes);
    (void)clock_gettime(CLOCK_REALTIME, &now);
    for (size_t i = 0; i < found->credential_count; i++) {
        const struct hermes_credential *credential = &found->credentials[i];
        if (usable(hermes, found->id, credential->fingerprint, (double)now.tv_sec + (double)now.tv_nsec / 1e9))
            return credential;
    }
    return NULL;
}
