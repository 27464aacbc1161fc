#include "front.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/sockios.h>
#include <microhttpd.h>
#include <sodium.h>

#include "clock.h"
#include "copy_text.h"
#include "relay.h"
#include "exchange.h"
#include "failover.h"
#include "guard.h"
#include "headers.h"
#include "listen.h"
#include "metrics.h"
#include "pages.h"
#include "reply.h"
#include "shown_path.h"
#include "upstream.h"
#include "zero_pages.h"

/* A connection's memory holds the headers of its request and of the answer, and what is being sent. Above 32 KiB the
 * server maps it, so that only what is used takes room; but it clears all of it, and a half of it once more, between
 * two requests: 48 KiB take the 40 that a client may send before the server itself refuses them, in a page of HTML. */
enum { CONNECTION_MEMORY = 48 * 1024, CONNECTIONS = 16384 };
/* Of it for the headers of an answer, and for what the server adds to them and needs besides. */
enum { ANSWER_ROOM = 24 * 1024, SERVER_ROOM = 3 * 1024 };
/* How long a connection may be without a request, a request may take to say its headers, and a body to come: after its
 * grace at least BODY_RATE bytes a second. */
enum { IDLE_MS = 75000, HEADERS_MS = 30000, BODY_GRACE_MS = 30000, BODY_RATE = 512 };
/* How long a client may take none of an answer: of the relay's own, and of a provider's, which was paid for. */
enum { LOCAL_UNREAD_MS = 120000, UNREAD_MS = 15 * 60000 };
enum { TRIM_MS = 1000 };             /* so long an answer goes on before its connection's memory is looked at */
enum { HEAD_SIZE = 64 * 1024 };      /* of a body that is not kept, in which its model is looked for */
enum { REFUSED_BODY = 1024 * 1024 }; /* is read, so that the refusal is, too */

/* --- Waking and leaving --- */

static void wake(struct exchange *x)
{
    if (!x->suspended)
        return;
    x->suspended = false;
    x->client->front->due = true;
    MHD_resume_connection(x->connection);
}

void front_left(struct client *client)
{
    struct exchange *x = client->exchange;
    client->gone = true;
    if (x != NULL)
        x->left = true;
    if (x == NULL || !x->suspended)
        return; /* the server sees it by itself */
    x->gone = true;
    if (x->answer == NULL)
        failover_abandon(x);
    wake(x);
}

/* --- Asking --- */

struct collecting {
    struct exchange *x;
    struct request_head head;
    bool full;
};

static enum MHD_Result note_header(void *data, enum MHD_ValueKind kind, const char *name, size_t name_len,
                                   const char *value, size_t value_len)
{
    struct collecting *c = data;
    (void)kind;
    guard_note(&c->head, name, name_len, value, value_len);
    return MHD_YES;
}

static bool is_passed(struct exchange *x, const char *name)
{
    struct hermes *hermes = relay_hermes(x->relay);
    const struct hermes_view *view = hermes == NULL ? NULL : hermes_hold(hermes);
    bool passed = view != NULL && headers_are_passed(view, name);
    hermes_view_unref(view);
    return passed;
}

static enum MHD_Result keep_header(void *data, enum MHD_ValueKind kind, const char *name, size_t name_len,
                                   const char *value, size_t value_len)
{
    struct collecting *c = data;
    (void)kind, (void)name_len;
    const struct relay_token *ours = &c->x->relay->token; /* whatever the header is called */
    bool token = (value_len >= strlen(ours->text) && strstr(value, ours->text) != NULL) ||
                 (value_len >= strlen(ours->cookie) && strstr(value, ours->cookie) != NULL);
    if (!token && (!headers_are_personal(name) || is_passed(c->x, name)) && headers_go_up(name, c->head.connection) &&
        !headers_add(&c->x->headers, name, value))
        c->full = true;
    return MHD_YES;
}

static void name_request(struct front *front, char id[17])
{
    uint64_t number = front->id_base + 0x9E3779B97F4A7C15ULL * ++front->id_count;
    for (int i = 15; i >= 0; i--, number >>= 4)
        id[i] = "0123456789abcdef"[number & 15];
    id[16] = '\0';
}

/* The path without what follows it: a query may hold a key. */
static void start_record(struct exchange *x, const char *method)
{
    struct record *record = &x->record;
    const char *target = bytes_at(&x->target);
    record->at = clock_wall();
    name_request(x->client->front, record->id);
    COPY_TEXT(record->client, x->client->address);
    shown_path(method, strlen(method), record->method, sizeof record->method);
    shown_path(target, strcspn(target, "?"), record->path, sizeof record->path);
}

/* A client that is still sending when its connection is closed may never see why: a body of moderate length is taken
 * in first, unless nobody can say where it ends. */
static enum MHD_Result refuse(struct exchange *x, struct refusal refusal)
{
    bool framed = refusal.status == 401 || refusal.status == 403 || refusal.status == 404 || refusal.status == 508;
    reply_error(x, refusal.status, -1, refusal.message);
    return framed && x->body_length != 0 && x->body_length <= REFUSED_BODY ? MHD_YES : reply_queue(x);
}

/* What the request line and the headers say. */
static struct refusal look_at(struct exchange *x, struct collecting *c, const char *method, bool *ret_local)
{
    enum guarded what = GUARDED_PROVIDERS;
    const char *target = bytes_at(&x->target);
    (void)MHD_get_connection_values_n(x->connection, MHD_HEADER_KIND, note_header, c);
    struct refusal refusal = guard_framing(&c->head, method, &x->body_length);
    size_t taken = c->head.bytes + bytes_len(&x->target) + SERVER_ROOM;
    x->header_room = taken >= CONNECTION_MEMORY ? 0 : CONNECTION_MEMORY - taken;
    if (x->header_room > ANSWER_ROOM)
        x->header_room = ANSWER_ROOM;
    if (refusal.status != 0)
        return refusal;
    if (x->body_length < 0 && !c->head.lines_checked && !chunks_watch(&x->client->chunks, x->client->fd, c->head.end))
        return (struct refusal){400, "a chunked request must wait for the answer to the request before it"};
    x->host = c->head.host;
    x->origin = guard_allowed_origin(x->relay, &c->head);
    x->preflight = x->origin != NULL && c->head.asked_method != NULL && strcmp(method, "OPTIONS") == 0;
    x->wants_page = c->head.accept != NULL && strstr(c->head.accept, "text/html") != NULL;
    *ret_local = pages_know(target, x->wants_page, &what);
    int error = *ret_local ? 0 : route_parse(target, &x->route);
    if (error == 0 && !*ret_local)
        x->dialect = route_dialect(&x->route);
    if (x->dialect == DIALECT_ANY && c->head.anthropic_version != NULL) /* files, models */
        x->dialect = DIALECT_ANTHROPIC;
    if (*ret_local && what == GUARDED_PAGE && guard_token_in_query(x->relay, target))
        what = GUARDED_NOTHING;
    if (x->preflight)
        what = GUARDED_NOTHING; /* it has no token, and is told nothing but that there is a relay */
    refusal = guard_admit(x->relay, &c->head, what, x->client->front->trusted);
    x->stranger = refusal.status == 401 && what == GUARDED_PAGE;
    if (refusal.status != 0 && !x->stranger)
        return refusal;
    if (error != 0)
        return error == -ENOENT
                   ? (struct refusal){404, "there is nothing here; providers are at /v1/... and /<provider>/v1/..."}
                   : (struct refusal){400, "the path is malformed"};
    if (x->body_length > BODY_LIMIT)
        return (struct refusal){413, "the body is too large"};
    return (struct refusal){0};
}

/* Another relay, or this one, may be behind a provider's base URL. */
static bool add_hop(struct exchange *x, const char *relayed)
{
    char hops[1024];
    if (relayed == NULL)
        return headers_add(&x->headers, HOP_HEADER, x->relay->hop);
    int len = snprintf(hops, sizeof hops, "%s, %s", relayed, x->relay->hop);
    return len < (int)sizeof hops && headers_add(&x->headers, HOP_HEADER, hops);
}

/* A browser asks whether the page may send what it is about to. */
static enum MHD_Result answer_preflight(struct exchange *x, const char *asked_headers)
{
    char lines[2048];
    int len = snprintf(lines, sizeof lines,
                       "Access-Control-Allow-Methods: GET, HEAD, POST, PUT, PATCH, DELETE\r\n"
                       "Access-Control-Allow-Headers: %s\r\n"
                       "Access-Control-Allow-Private-Network: true\r\nAccess-Control-Max-Age: 600\r\n",
                       asked_headers == NULL ? "" : asked_headers);
    x->is_local = true;
    reply_local(x, 204, "text/plain", len < (int)sizeof lines ? lines : NULL);
    return MHD_YES;
}

static enum MHD_Result begin(struct exchange *x, struct MHD_Connection *connection, const char *method, bool whole)
{
    struct collecting c = {.x = x, .head.lines_checked = x->client->front->checks_lines};
    x->connection = connection;
    start_record(x, method);
    if (!whole)
        return refuse(x, (struct refusal){400, "the request line is malformed"});
    if (strlen(method) >= sizeof x->record.method || strspn(method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ-") != strlen(method))
        return refuse(x, (struct refusal){405, "unknown method"});
    struct refusal refusal = look_at(x, &c, method, &x->is_local);
    if (refusal.status != 0)
        return refuse(x, refusal);
    if (x->preflight)
        return answer_preflight(x, c.head.asked_headers);
    x->idempotent = c.head.idempotency_key != NULL;
    x->harmless = strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
    x->state = EXCHANGE_RECEIVING;
    x->client->since_us = clock_monotonic_us();
    if (x->is_local)
        return MHD_YES;
    (void)MHD_get_connection_values_n(connection, MHD_HEADER_KIND, keep_header, &c);
    if (c.full || !add_hop(x, c.head.relayed))
        return MHD_NO;
    if (x->body_length > REPLAY_LIMIT)
        x->streaming = true;
    else if (x->body_length > 0 && !bytes_reserve(&x->body, (size_t)x->body_length))
        return MHD_NO;
    return MHD_YES;
}

/* The server ends a body in chunks where another reader may not. */
static bool is_ambiguous(const struct exchange *x, enum chunks_state least)
{
    const struct client *client = x->client;
    return x->body_length < 0 && !client->front->checks_lines &&
           (client->chunks.state < least || client->chunks.state == CHUNKS_BROKEN);
}

/* SIZE bytes of the body have come; what is left of them in *SIZE comes again. */
static enum MHD_Result receive(struct exchange *x, const char *data, size_t *size)
{
    x->body_received += *size;
    if (x->body_received > BODY_LIMIT || (x->streaming && is_ambiguous(x, CHUNKS_SIZE)))
        return MHD_NO;
    bool enough = x->streaming ? bytes_len(&x->body) >= HEAD_SIZE : bytes_len(&x->body) + *size > REPLAY_LIMIT;
    if (x->state == EXCHANGE_RECEIVING && !x->is_local && enough) {
        x->streaming = true;
        x->state = EXCHANGE_WAITING;
        failover_begin(x); /* by what the beginning says */
    }
    if (x->is_local || (x->state != EXCHANGE_RECEIVING && x->state != EXCHANGE_WAITING)) {
        *size = 0; /* the answer is known without it */
        return x->body_received > REFUSED_BODY && !x->streaming ? MHD_NO : MHD_YES;
    }
    size_t room = !x->streaming                          ? *size
                  : bytes_len(&x->body) >= UPLOAD_BUFFER ? 0
                                                         : UPLOAD_BUFFER - bytes_len(&x->body);
    size_t len = room < *size ? room : *size;
    if (!bytes_add(&x->body, data, len))
        return MHD_NO;
    *size -= len;
    x->body_received -= *size;
    if (x->streaming && len > 0 && x->now != NULL)
        upstream_more(x->now);
    return *size > 0 ? reply_rest(x)
                     : MHD_YES; /* the server brings what is left only when it is woken, or more comes */
}

/* The request is whole. */
static enum MHD_Result received(struct exchange *x)
{
    x->body_complete = true;
    x->ambiguous = is_ambiguous(x, CHUNKS_OVER);
    if (x->ambiguous && x->streaming)
        return MHD_NO;
    if (x->ambiguous)
        reply_error(x, 400, -1, "the body's chunks are malformed");
    if (x->is_local && x->state == EXCHANGE_RECEIVING) {
        pages_answer(x);
    } else if (x->state == EXCHANGE_RECEIVING) {
        x->state = EXCHANGE_WAITING;
        failover_begin(x);
    } else if (x->state == EXCHANGE_WAITING && x->now != NULL) {
        upstream_more(x->now);
    }
    return x->state == EXCHANGE_WAITING ? reply_rest(x) : reply_queue(x);
}

static enum MHD_Result on_access(void *data, struct MHD_Connection *connection, const char *url, const char *method,
                                 const char *version, const char *upload, size_t *upload_size, void **context)
{
    struct exchange *x = *context;
    (void)data;
    if (x == NULL || x->gone)
        return MHD_NO;
    /* The server ends the target at a NUL, too, and another reader may not: the version follows it directly. */
    if (x->state == EXCHANGE_NEW)
        return begin(x, connection, method, version == url + bytes_len(&x->target));
    if (*upload_size > 0)
        return receive(x, upload, upload_size);
    if (!x->body_complete)
        return received(x);
    return x->state == EXCHANGE_WAITING ? reply_rest(x) : reply_queue(x);
}

/* The first the server tells of a request. */
static void *on_target(void *data, const char *target, struct MHD_Connection *connection)
{
    struct front *front = data;
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    struct client *client = info == NULL ? NULL : info->socket_context;
    struct exchange *x = client == NULL ? NULL : exchange_take(front->exchanges);
    if (x == NULL)
        return NULL;
    x->client = client;
    x->left = client->gone;
    x->wake = wake;
    x->record.started_us = clock_monotonic_us();
    client->exchange = x;
    client->trimmed = false;
    client->since_us = x->record.started_us;
    if (!bytes_add_string(&x->target, target)) {
        client->exchange = NULL;
        exchange_give(x);
        return NULL;
    }
    return x;
}

static bool log_text(struct bytes *log, const char *before, const char *text)
{
    return bytes_add(log, before, strlen(before)) && bytes_add(log, text, strlen(text));
}

/* One line a request, without content. */
static void log_request(struct exchange *x)
{
    struct bytes *log = &x->client->front->log;
    const struct record *r = &x->record;
    size_t before = log->end;
    bool good = log_text(log, r->client, " \"") && log_text(log, r->method, " ") && log_text(log, r->path, "\" ") &&
                bytes_printf(log, "%d", r->status) &&
                log_text(log, " provider=", r->provider[0] != '\0' ? r->provider : "-") &&
                log_text(log, " key=", r->fingerprint[0] != '\0' ? r->fingerprint : "-") &&
                bytes_printf(log, " attempts=%zu ms=%lld.%01lld", r->try_count, r->us / 1000, r->us / 100 % 10) &&
                log_text(log, " id=", r->id) &&
                (r->trouble == 0 || bytes_printf(log, " stream_error=%d", r->trouble)) && bytes_add(log, "\n", 1);
    if (!good)
        log->end = before;
}

static void on_completed(void *data, struct MHD_Connection *connection, void **context,
                         enum MHD_RequestTerminationCode code)
{
    struct exchange *x = *context;
    (void)data, (void)connection;
    if (x == NULL)
        return;
    x->record.us = clock_monotonic_us() - x->record.started_us;
    if (code != MHD_REQUEST_TERMINATED_COMPLETED_OK && x->answer == NULL && x->state != EXCHANGE_LOCAL)
        x->record.status = 0;
    if (x->state != EXCHANGE_NEW) {
        log_request(x);
        if (!x->is_local) {
            x->record.tokens_in = x->tokens_in;
            x->record.tokens_out = x->tokens_out;
            x->record.over = true;
            metrics_request(x->relay->metrics, &x->record, x->tokens_in, x->tokens_out);
            records_keep(x->relay->records, &x->record, &x->record_place);
        }
    }
    failover_abandon(x);
    chunks_leave(&x->client->chunks);
    x->client->front->due |= code != MHD_REQUEST_TERMINATED_COMPLETED_OK; /* the server has a connection to clean up */
    x->client->exchange = NULL;
    x->client->since_us = clock_monotonic_us();
    exchange_give(x);
    *context = NULL;
}

/* --- Connections --- */

static void show_address(const struct sockaddr *address, char *out, size_t size)
{
    (void)snprintf(out, size, "local");
    if (address == NULL)
        return;
    if (address->sa_family == AF_INET)
        (void)inet_ntop(AF_INET, &((const struct sockaddr_in *)(const void *)address)->sin_addr, out, (socklen_t)size);
    if (address->sa_family == AF_INET6)
        (void)inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr, out,
                        (socklen_t)size);
}

static void connected(struct front *front, struct MHD_Connection *connection, void **context)
{
    /* Each answer stands in the same union: it is taken before the next question. */
    const int fd = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
    const union MHD_ConnectionInfo *address = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    struct client *client = calloc(1, sizeof *client);
    if (client == NULL)
        return;
    client->front = front;
    client->fd = fd;
    chunks_expect(&client->chunks, fd);
    client->since_us = client->taken_us = clock_monotonic_us();
    show_address(address == NULL ? NULL : address->client_addr, client->address, sizeof client->address);
    client->next = front->clients;
    if (client->next != NULL)
        client->next->previous = client;
    front->clients = client;
    front->client_count++;
    struct epoll_event event = {.events = EPOLLRDHUP | EPOLLET, .data.ptr = client};
    (void)epoll_ctl(front->epoll, EPOLL_CTL_ADD, client->fd, &event);
    *context = client;
}

static void disconnected(struct front *front, struct client *client)
{
    if (client == NULL)
        return;
    if (client->next != NULL)
        client->next->previous = client->previous;
    if (client->previous != NULL)
        client->previous->next = client->next;
    else
        front->clients = client->next;
    front->client_count--;
    chunks_leave(&client->chunks);
    (void)epoll_ctl(front->epoll, EPOLL_CTL_DEL, client->fd, NULL);
    free(client);
}

static void on_connection(void *data, struct MHD_Connection *connection, void **context,
                          enum MHD_ConnectionNotificationCode code)
{
    if (code == MHD_CONNECTION_NOTIFY_STARTED)
        connected(data, connection, context);
    else
        disconnected(data, *context);
}

/* Whether there are bytes for the client that it has not taken for too long. */
static bool unread(struct client *client, const struct exchange *x, long long now_us)
{
    int waiting = 0;
    bool answered = x->state == EXCHANGE_LOCAL || x->state == EXCHANGE_ANSWERING;
    if (!answered || ioctl(client->fd, SIOCOUTQ, &waiting) < 0 || waiting == 0 || waiting < client->waiting)
        client->taken_us = now_us;
    client->waiting = waiting;
    return now_us - client->taken_us > (x->state == EXCHANGE_LOCAL ? LOCAL_UNREAD_MS : UNREAD_MS) * 1000LL;
}

/* The server clears the half of a connection's memory in which it expected headers, and uses it by that: of a stream
 * that goes on for minutes, it would be most of the memory. */
void front_trim(struct client *client, long long now_us)
{
    const struct exchange *x = client->exchange;
    bool long_one = x != NULL && x->state == EXCHANGE_ANSWERING && now_us - x->record.started_us > TRIM_MS * 1000LL;
    if (!long_one || client->trimmed || client->chunks.first == NULL)
        return;
    client->trimmed = true;
    zero_pages_give_back(client->chunks.first, CONNECTION_MEMORY);
}

void front_hurry(struct client *client, long long now_us)
{
    const struct exchange *x = client->exchange;
    long long ms = (now_us - client->since_us) / 1000;
    bool slow = x == NULL                  ? ms > IDLE_MS || client->front->closing
                : x->state == EXCHANGE_NEW ? ms > HEADERS_MS
                : x->body_complete || x->body_length == 0
                    ? unread(client, x, now_us)
                    : ms > BODY_GRACE_MS && (long long)x->body_received < (ms - BODY_GRACE_MS) / 1000 * BODY_RATE;
    if (!slow)
        return;
    (void)shutdown(client->fd, SHUT_RDWR);
    client->front->due = true;
}

/* --- The server --- */

/* Paths and queries are wanted as they came. */
static size_t as_it_is(void *data, struct MHD_Connection *connection, char *text)
{
    (void)data, (void)connection;
    return strlen(text);
}

static void say_nothing(void *data, const char *format, va_list args)
{
    (void)data, (void)format, (void)args;
}

/* From this version on, a strict server refuses folded lines and NULs itself; it leaves other bytes between the lines
 * than before, too. What was loaded counts. */
static bool server_checks_lines(void)
{
    return strverscmp(MHD_get_version(), "0.9.77.1") >= 0;
}

int front_open(struct front *front, struct exchanges *exchanges, int epoll, const struct listening *listening)
{
    int own = fcntl(listening->fd, F_DUPFD_CLOEXEC, 3);
    if (own < 0)
        return -errno;
    *front = (struct front){
        .exchanges = exchanges, .epoll = epoll, .trusted = listening->trusted, .checks_lines = server_checks_lines()};
    randombytes_buf(&front->id_base, sizeof front->id_base);
    front->daemon =
        MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG, 0, NULL, NULL, on_access, front,
                         MHD_OPTION_EXTERNAL_LOGGER, say_nothing, NULL, MHD_OPTION_LISTEN_SOCKET, own,
                         MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY, MHD_OPTION_CONNECTION_LIMIT,
                         (unsigned)CONNECTIONS, MHD_OPTION_CONNECTION_TIMEOUT, 0U, MHD_OPTION_STRICT_FOR_CLIENT, 1,
                         MHD_OPTION_NOTIFY_COMPLETED, on_completed, front, MHD_OPTION_NOTIFY_CONNECTION, on_connection,
                         front, MHD_OPTION_URI_LOG_CALLBACK, on_target, front, MHD_OPTION_UNESCAPE_CALLBACK, as_it_is,
                         NULL, MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, MHD_OPTION_END);
    if (front->daemon == NULL) {
        (void)close(own);
        return -EIO;
    }
    front->fd = MHD_get_daemon_info(front->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
    return 0;
}

void front_close(struct front *front)
{
    if (front->daemon == NULL)
        return;
    for (struct client *client = front->clients; client != NULL; client = client->next)
        front_left(client); /* no connection may rest when its server stops */
    front_run(front);
    MHD_stop_daemon(front->daemon);
    front_write_log(front);
    bytes_finish(&front->log);
    front->daemon = NULL;
}

void front_run(struct front *front)
{
    front->due = false;
    (void)MHD_run(front->daemon);
}

void front_write_log(struct front *front)
{
    if (bytes_len(&front->log) == 0)
        return;
    ssize_t ignored = write(STDERR_FILENO, bytes_at(&front->log), bytes_len(&front->log));
    (void)ignored;
    bytes_clear(&front->log);
}

bool front_pending(const struct front *front)
{
    MHD_UNSIGNED_LONG_LONG timeout;
    return front->due || (MHD_get_timeout(front->daemon, &timeout) == MHD_YES && timeout == 0);
}

void front_quiesce(struct front *front)
{
    int listener = MHD_quiesce_daemon(front->daemon);
    if (listener >= 0)
        (void)close(listener);
    front->closing = true;
}
