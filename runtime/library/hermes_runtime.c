#include "hermes_runtime.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "handle.h"
#include "snapshot_format.h"
#include "view.h"

/* A fixed text, so that threads can share it; older C libraries only have the translated one. */
static const char *system_error(int error)
{
#ifdef HAVE_STRERRORDESC_NP
    const char *text = strerrordesc_np(error);
    return text != NULL ? text : "an unknown error";
#else
    return strerror(error);
#endif
}

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
    case HERMES_NO_PROVIDER:
        return "the snapshot has no such provider";
    case HERMES_NO_KEY:
        return "the provider has no key";
    case HERMES_EXHAUSTED:
        return "every key of the provider is cooling or dead";
    default:
        return system_error(-error);
    }
}

const char *hermes_verdict_name(enum hermes_verdict verdict)
{
    static const char *const names[] = {"good", "cooling", "dead", "provider-out", "request-wrong"};
    return (size_t)verdict < sizeof names / sizeof *names ? names[verdict] : "";
}

/* Reads the snapshot and puts it in force. The caller holds `loading`. 1: it is another one than before; 0: it says
 * what the view in force says, which stays, because somebody may be reading it. */
static int load_view(struct hermes *hermes)
{
    char *bytes;
    struct moment moment;
    struct hermes_view *view;
    int error = guarded_file_read(hermes->snapshot_path, &moment, &bytes);
    if (error != 0)
        return error;
    error = view_unpack(bytes, (size_t)moment.size, &view);
    if (error == 0)
        view_adopt(view, bytes);
    else
        sodium_free(bytes);
    (void)pthread_mutex_lock(&hermes->lock);
    if (error != 0) {
        hermes->refused = moment;
        hermes->refusal = error;
        (void)pthread_mutex_unlock(&hermes->lock);
        return error;
    }
    const struct hermes_view *old = hermes->view;
    bool changed = old == NULL || !view_same(old, view);
    if (changed)
        hermes->view = view;
    hermes->moment = moment;
    hermes->looked = 0;
    (void)pthread_mutex_unlock(&hermes->lock);
    hermes_view_unref(changed ? old : view);
    return changed;
}

static char *join(const char *home, const char *name)
{
    char *path;
    return asprintf(&path, "%s/%s", home, name) < 0 ? NULL : path;
}

/* Of a profile's HOME, <root>/profiles/<name>: what is booked of its root's keys. NULL: it is none. */
static char *inherited_bookings(const char *home)
{
    static const char profiles[] = "/profiles/";
    const char *at = NULL;
    for (const char *next = strstr(home, profiles); next != NULL; next = strstr(next + 1, profiles))
        at = next;
    if (at == NULL || strcspn(at + strlen(profiles), "/") != strlen(at + strlen(profiles)))
        return NULL;
    char *path;
    return asprintf(&path, "%.*s/" BOOKINGS_FILE, (int)(at - home), home) < 0 ? NULL : path;
}

int hermes_open(const char *home, struct hermes **ret)
{
    if (sodium_init() < 0)
        return -ENOMEM;
    struct hermes *hermes = calloc(1, sizeof *hermes);
    if (hermes == NULL)
        return -ENOMEM;
    (void)pthread_mutex_init(&hermes->loading, NULL);
    (void)pthread_mutex_init(&hermes->lock, NULL);
    hermes->snapshot_path = join(home, SNAPSHOT_FILE);
    hermes->pool.path = hermes->cooldowns_path = join(home, COOLDOWNS_FILE);
    hermes->bookings.path = hermes->bookings_path = join(home, BOOKINGS_FILE);
    hermes->inherited.path = hermes->inherited_path = inherited_bookings(home);
    hermes->bell_path = join(home, FLEET_BELL_FILE);
    randombytes_buf(&hermes->chance, sizeof hermes->chance);
    int error = -ENOMEM;
    if (hermes->snapshot_path != NULL && hermes->cooldowns_path != NULL && hermes->bookings_path != NULL &&
        hermes->bell_path != NULL)
        error = load_view(hermes);
    if (error < 0) {
        hermes_close(hermes);
        return error;
    }
    *ret = hermes;
    return 0;
}

void hermes_close(struct hermes *hermes)
{
    if (hermes == NULL)
        return;
    hermes_view_unref(hermes->view);
    pool_memory_finish(&hermes->pool);
    bookings_finish(&hermes->bookings);
    bookings_finish(&hermes->inherited);
    (void)pthread_mutex_destroy(&hermes->lock);
    (void)pthread_mutex_destroy(&hermes->loading);
    free(hermes->snapshot_path);
    free(hermes->cooldowns_path);
    free(hermes->bookings_path);
    free(hermes->inherited_path);
    free(hermes->bell_path);
    free(hermes);
}

/* What is known of the file with this MOMENT: 0: it is in force; 1: nothing yet; negative: why it cannot be used. */
static int known(struct hermes *hermes, const struct moment *moment)
{
    (void)pthread_mutex_lock(&hermes->lock);
    bool refused = hermes->refusal != 0 && guarded_file_same(moment, &hermes->refused);
    int result = guarded_file_same(moment, &hermes->moment) ? 0 : refused ? hermes->refusal : 1;
    (void)pthread_mutex_unlock(&hermes->lock);
    return result;
}

int hermes_refresh(struct hermes *hermes)
{
    struct stat st;
    if (stat(hermes->snapshot_path, &st) < 0)
        return errno == ENOENT || errno == ENOTDIR ? HERMES_ABSENT : -errno;
    if (guarded_file_unsafe(&st)) /* since it was read, too: whoever starts now would refuse it */
        return HERMES_UNSAFE;
    struct moment moment = guarded_file_moment(&st);
    int result = known(hermes, &moment);
    if (result <= 0)
        return result;
    /* Whoever comes second waits and finds it done: its request, too, is to have the new key. */
    (void)pthread_mutex_lock(&hermes->loading);
    result = known(hermes, &moment);
    result = result == 0 ? 1 : result == 1 ? load_view(hermes) : result;
    (void)pthread_mutex_unlock(&hermes->loading);
    return result;
}

const struct hermes_view *hermes_current(struct hermes *hermes)
{
    (void)pthread_mutex_lock(&hermes->lock);
    const struct hermes_view *view = hermes->view;
    (void)pthread_mutex_unlock(&hermes->lock);
    return view;
}

const struct hermes_view *hermes_hold(struct hermes *hermes)
{
    (void)pthread_mutex_lock(&hermes->lock);
    const struct hermes_view *view = hermes_view_ref(hermes->view);
    (void)pthread_mutex_unlock(&hermes->lock);
    return view;
}
