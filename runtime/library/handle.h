/* What a handle is inside the library. */
#ifndef HERMES_HANDLE_H
#define HERMES_HANDLE_H

#include <pthread.h>
#include <stdint.h>

#include "bookings.h"
#include "guarded_file.h"
#include "hermes_runtime.h"
#include "pool_memory.h"

struct hermes {
    char *snapshot_path;
    char *cooldowns_path;
    char *bookings_path;
    char *inherited_path; /* NULL: the home is no profile */
    char *bell_path;
    pthread_mutex_t loading; /* held while a new snapshot is read, which takes long */
    pthread_mutex_t lock;    /* guards what follows; held for nanoseconds */
    struct moment moment;    /* of the snapshot that was looked at last */
    struct moment refused;   /* of the last one that could not be used: not to be read again and again */
    int refusal;
    const struct hermes_view *view;
    struct pool_memory pool;
    struct bookings bookings;
    struct bookings inherited; /* a profile's: those of its root, whose keys it has; without a path: of none */
    double looked;             /* when the three above were compared with their files */
    bool creating;             /* and what was missing was made */
    uint64_t chance;           /* state of the strategy `random` */
};

#endif
