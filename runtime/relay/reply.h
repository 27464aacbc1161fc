/* What goes out to the client: an answer of a provider as it comes, or one of the relay itself. */
#ifndef HERMES_REPLY_H
#define HERMES_REPLY_H

#include <microhttpd.h>

struct exchange;

/* x->answer (a provider's) has begun: it is passed on from now on. */
void reply_answer(struct exchange *x);
/* An answer of the relay itself: x->local, with HEADERS ("Name: value\r\n" lines, or NULL). */
void reply_local(struct exchange *x, int status, const char *type, const char *headers);
/* An error in the client's dialect; RETRY_AFTER in seconds, -1: none. */
void reply_error(struct exchange *x, int status, long long retry_after, const char *message);
/* The same with a CODE for programs; "": none. */
void reply_error_code(struct exchange *x, int status, const char *code, long long retry_after, const char *message);

/* From the server's callbacks: what X has to say goes out; or its connection rests until x->wake(x). */
enum MHD_Result reply_queue(struct exchange *x);
enum MHD_Result reply_rest(struct exchange *x);

#endif
