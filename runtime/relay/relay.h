/* What all workers of a relay share. */
#ifndef HERMES_RELAY_H
#define HERMES_RELAY_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "hermes_runtime.h"
#include "must_check.h"
#include "option_table.h"
#include "token.h"

struct metrics;
struct models_cache;
struct owners;
struct records;

/* A whole page of HTML, and the headers that say what it may do. */
struct relay_page {
    const char *bytes;
    size_t len;
    char headers[640];
};

struct relay {
    const char *home;
    struct relay_token token;
    bool allow_remote;          /* reachable from elsewhere, with the token */
    struct option_list hosts;   /* more names of this machine, as clients call it */
    struct option_list origins; /* of pages and apps in a browser that may use it, with the token */
    char hop[17];               /* this process, in HOP_HEADER */
    int drain_s;                /* how long answers under way may still take when it is told to end */
    char host[256];             /* this machine's name */
    char address[128];          /* it listens on, as shown */
    struct records *records;
    struct metrics *metrics;
    struct owners *owners;
    struct models_cache *models;
    double started_at;
    atomic_bool draining;
    pthread_mutex_t lock; /* of opening the snapshot for the first time */
    _Atomic(struct hermes *) hermes;
    struct relay_page status_page;
    struct relay_page login_page;
};

/* The reader of the home's snapshot, brought up to date; NULL while there has been no good snapshot yet. */
struct hermes *relay_hermes(struct relay *relay) MUST_CHECK;

#endif
