/* hermes-http, run as a child: the one way this room speaks HTTP. Its work and its answer are files in memory, so that
 * nothing is waited for, no pipe can fill up, and no key stands in an argument or an environment.
 *
 *     struct http_child child;
 *     int error = http_child_start(&child, &job);      the text is in runtime/hermes-http.c
 *     ... SIGCHLD, or at once ...
 *     if (http_child_ended(&child, wait))
 *         answer = http_child_take(&child, arena);     "" when it found no words
 *     http_child_stop(&child);                         kills it if it still runs; always safe
 */
#ifndef HERMES_HTTP_CHILD_H
#define HERMES_HTTP_CHILD_H

#include <stdbool.h>
#include <sys/types.h>

#include "must_check.h"
#include "text.h"

struct http_child {
    pid_t process; /* 0: none */
    int answer;    /* a file in memory; meaningless without a process or an answer */
    bool ended;
};

/* 0, or a negative errno: -ENOENT when there is no hermes-http beside this program or where it is installed. */
int http_child_start(struct http_child *child, const struct text *job) MUST_CHECK;
/* Whether it has ended; WAIT: when it has. */
bool http_child_ended(struct http_child *child, bool wait);
/* Once, after it has ended. */
struct text http_child_take(struct http_child *child, struct arena *arena);
void http_child_stop(struct http_child *child);

#endif
