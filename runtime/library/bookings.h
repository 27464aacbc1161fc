/* What this library was told of keys, `compiled/bookings`: a small table that all processes of a home map, so that a
 * booking is seen by all of them at once, without a system call, and outlives them.
 *
 * 64 bytes of head (magic, format, number of slots), then slots of 64 bytes, in the byte order of the machine. A slot
 * belongs to a (provider, fingerprint) pair and is found by hash; one that is taken is never given to another pair.
 * When the table is nearly full, a new one with what still counts takes its place by rename; whoever has the old one
 * mapped sees that at the next look. Each word is written atomically, and what a booking says is one word.
 *
 * A file that is damaged, short or somebody else's is made anew; one of a newer format is left alone. What cannot be
 * written is kept in this process's own memory. Removing the file is fine. Truncating it in place gives its readers a
 * SIGBUS; a program whose life is its own, as hermes-relay's is, has its handler call bookings_fault. */
#ifndef HERMES_BOOKINGS_H
#define HERMES_BOOKINGS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "guarded_file.h"
#include "hermes_runtime.h"
enum { BOOKINGS_FORMAT = 1, BOOKING_SLOTS = 16384 };

struct booking_slot {
    _Atomic uint64_t key;      /* fingerprint XOR provider, see bookings_id; 0: free */
    _Atomic uint64_t provider; /* hash of its id */
    _Atomic uint64_t word;     /* verdict, status, rule and until: see booking_pack */
    _Atomic uint64_t requests;
    _Atomic uint64_t last_used; /* milliseconds since the epoch */
    _Atomic uint64_t turn;      /* the provider's request number when it was used last */
    _Atomic uint64_t whole;     /* of a slot for a part of what a key may be asked: the key's own slot; else 0 */
    uint64_t spare;
};

struct booking_table {
    char magic[8];
    uint32_t format;
    uint32_t slot_count;
    _Atomic uint64_t taken; /* slots that are not free */
    uint64_t spare[5];
    struct booking_slot slots[BOOKING_SLOTS];
};

struct bookings {
    const char *path;             /* the caller's */
    struct booking_table *shared; /* NULL: there is no usable one */
    bool writable;                /* `shared` is */
    struct booking_table *own;    /* for what cannot be shared; NULL until it is needed */
    struct moment moment;         /* of `shared` */
    int error;                    /* why it is not writable: a negative errno */
};

struct bookings_id {
    uint64_t provider;
    uint64_t key;
    uint64_t whole;
};
/* FINGERPRINT NULL: the provider's own slot. */
struct bookings_id bookings_id(const char *provider, const char *fingerprint);
/* The slot for a PART of what the key of ID may be asked: SCOPE's, and its name. */
struct bookings_id bookings_id_of(const struct bookings_id *id, enum hermes_scope scope, const char *part);

struct booking {
    enum hermes_verdict verdict; /* GOOD, COOLING, DEAD or PROVIDER_OUT */
    int status;
    unsigned rule;
    double until;
    uint64_t requests;
    uint64_t last_used;
    uint64_t turn;
};

/* Compares the mapping with the file. CREATE: makes the file when it is missing, unusable or nearly full. */
void bookings_look(struct bookings *bookings, bool create, double now);
void bookings_finish(struct bookings *bookings);

struct booking bookings_get(const struct bookings *bookings, const struct bookings_id *id);
/* Books the verdict, status, rule and until of BOOKING. A dead key stays dead. 0, or why only this process knows. */
int bookings_put(struct bookings *bookings, const struct bookings_id *id, const struct booking *booking);
/* Counts one request now. */
void bookings_count(struct bookings *bookings, const struct bookings_id *id, double now);
/* Forgets all bookings but the counts: of PROVIDER (NULL: of all), and of FINGERPRINT there (NULL: of all). CLEARED
 * (may be NULL) is called for each. */
void bookings_clear(struct bookings *bookings, const char *provider, const char *fingerprint, double now,
                    void (*cleared)(void *data, const struct bookings_id *id), void *data);

/* Async-signal-safe. Whether ADDRESS is in a table that this process maps: it has been replaced by an empty one, and
 * the next bookings_look maps what then stands at the path. */
bool bookings_fault(const void *address);

#endif
