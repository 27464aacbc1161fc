/* Where the relay listens. */
#ifndef HERMES_LISTEN_H
#define HERMES_LISTEN_H

#include <stdbool.h>

#include "must_check.h"

struct listening {
    int fd;
    bool trusted;      /* only this user can connect: a Unix socket of the user's own, of mode 0600 */
    bool loopback;     /* nobody on another machine can reach it */
    char address[128]; /* "127.0.0.1:4137", "[::1]:4137", "unix:/run/..." */
};

#define LISTEN_DEFAULT "127.0.0.1:4137"

/* WHERE is `ADDR:PORT` (a literal address, or `localhost`), or `unix:PATH`. 0; -EINVAL: it is neither; or why it cannot
 * be had. A socket that no process listens on any more makes room. */
int listen_open(const char *where, struct listening *ret) MUST_CHECK;
enum { LISTEN_MOST = 8 };

/* The sockets that systemd hands over, in RET with room for LISTEN_MOST. How many (0: none), or a negative errno. */
int listen_inherit(struct listening *ret) MUST_CHECK;
/* Whether a process of another user listens at the port of WHERE, which could not be opened. */
bool listen_is_foreign(const char *where);

#endif
