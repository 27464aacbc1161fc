#include "upstream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <curl/curl.h>

#include "clock.h"
#include "exchange.h"
#include "http_only.h"

enum { HEADERS_MAX = 160, RECEIVE_BUFFER = 16 * 1024, CONNECT_MS = 10000, CONNECTION_IDLE_S = 50, FD_MAX = 1 << 20 };

struct upstream_call {
    struct upstream *upstream;
    struct attempt *attempt;
    CURL *easy;
    struct curl_slist *headers;
    size_t header_room;
    size_t (*pull)(struct attempt *attempt, char *buffer, size_t size);
    size_t body_len;
    bool again;
    bool asked;   /* once on a connection */
    bool begun;   /* some of it had gone out on a connection before the one of now */
    bool refused; /* the provider did not take it */
    bool folded;  /* the header before was left out */
    long stream;  /* of HTTP/2; 0: not known */
    bool special; /* its egress is not the usual one */
    struct upstream_call *next;
};

struct upstream {
    CURLM *multi;
    const char *authorities; /* the system's certificates; libcurl's own memory */
    int epoll;
    struct upstream_call *spare;
    long long due_us; /* of libcurl's clock; -1: nothing */
    struct descriptor *descriptors;
};

/* What the epoll knows of a descriptor, and what libcurl wants (EPOLLIN, EPOLLOUT). A connection that libcurl keeps
 * idle stays registered, so that the next request costs no system call; other descriptors (of its resolver) come and go
 * without a word. */
struct descriptor {
    unsigned char registered;
    unsigned char wanted;
    bool connection;
};

/* --- libcurl's callbacks --- */

/* A header that goes on in the next line, which nobody may send any more: a key in it could not be seen. It is left
 * out. */
static void drop_folded(struct upstream_call *call, struct bytes *headers)
{
    if (!call->folded && bytes_len(headers) > 1) {
        const char *end = memrchr(bytes_at(headers), '\n', bytes_len(headers) - 1);
        headers->end = end == NULL ? headers->start : (size_t)(end + 1 - headers->data);
    }
    call->folded = true;
}

static size_t on_header(char *line, size_t size, size_t count, void *data)
{
    struct upstream_call *call = data;
    struct attempt *attempt = call->attempt;
    size_t len = size * count;
    if (attempt->headers_done)
        return len; /* a trailer */
    if (len >= 5 && memcmp(line, "HTTP/", 5) == 0) {
        const char *space = memchr(line, ' ', len);
        attempt->status = space == NULL ? 0 : atoi(space + 1);
        attempt->headers.end = attempt->headers.start;
        attempt->length = -1;
        attempt->decoded = false;
        return attempt->status == 101 ? 0 : len; /* nobody asked for another protocol */
    }
    if (len <= 2) {
        attempt->headers_done = attempt->status >= 200;
        attempt->length = attempt->decoded ? -1 : attempt->length;
        if (attempt->headers_done)
            exchange_progress(attempt);
        return len;
    }
    if (*line == ' ' || *line == '\t') {
        drop_folded(call, &attempt->headers);
        return len;
    }
    call->folded = false;
    if (len > 15 && strncasecmp(line, "content-length:", 15) == 0)
        attempt->length = strtoll(line + 15, NULL, 10);
    if (len > 17 && strncasecmp(line, "content-encoding:", 17) == 0) {
        attempt->decoded = true;
        return len;
    }
    if (bytes_len(&attempt->headers) + len > ANSWER_HEADERS_LIMIT || !bytes_add(&attempt->headers, line, len))
        return 0;
    return len;
}

static size_t on_body(char *bytes, size_t size, size_t count, void *data)
{
    struct upstream_call *call = data;
    struct attempt *attempt = call->attempt;
    size_t len = size * count;
    if (bytes_len(&attempt->body) >= attempt->limit) {
        attempt->paused = true;
        return CURL_WRITEFUNC_PAUSE;
    }
    if (!bytes_add(&attempt->body, bytes, len))
        return 0;
    exchange_progress(attempt);
    return len;
}

static size_t on_pull(char *buffer, size_t size, size_t count, void *data)
{
    struct upstream_call *call = data;
    size_t len = call->pull(call->attempt, buffer, size * count);
    return len == UPSTREAM_LATER ? CURL_READFUNC_PAUSE : len;
}

/* libcurl sends a request again by itself when a kept connection ended before an answer. That may be the second time
 * that the provider charges for it, unless nothing had gone out, or the provider said that it did not take it. */
static int on_request(void *data, char *ip, char *local_ip, int port, int local_port)
{
    struct upstream_call *call = data;
    (void)ip, (void)local_ip, (void)port, (void)local_port;
    long sent = 0;
    (void)curl_easy_getinfo(call->easy, CURLINFO_REQUEST_SIZE, &sent);
    if (call->asked && !call->again && !call->refused && sent > 0) {
        call->begun = true;
        return CURL_PREREQFUNC_ABORT;
    }
    call->begun = call->begun || (sent > 0 && !call->refused);
    call->asked = true;
    call->refused = false;
    call->stream = 0;
    return CURL_PREREQFUNC_OK;
}

/* The number behind NAME in libcurl's WORDS; -1: it is not there. */
static long number_behind(const char *words, size_t len, const char *name, int base)
{
    char digits[16] = "";
    const char *at = memmem(words, len, name, strlen(name));
    size_t left = at == NULL ? 0 : (size_t)(words + len - at) - strlen(name);
    if (left == 0)
        return -1;
    memcpy(digits, at + strlen(name), left < sizeof digits - 1 ? left : sizeof digits - 1);
    return strtol(digits, NULL, base);
}

/* What libcurl says of HTTP/2, and nowhere else: REFUSED_STREAM, or a GOAWAY that names an earlier stream as the last
 * one, and the request was not processed. */
static int on_words(CURL *easy, curl_infotype type, char *words, size_t len, void *data)
{
    static const char refused[] = "REFUSED_STREAM";
    struct upstream_call *call = data;
    (void)easy;
    if (type != CURLINFO_TEXT)
        return 0;
    long stream = number_behind(words, len, "Using Stream ID: ", 16);
    long last = memmem(words, len, "GOAWAY", 6) == NULL ? -1 : number_behind(words, len, "last_stream=", 10);
    if (stream > 0)
        call->stream = stream;
    if (last >= 0 && call->stream > last)
        call->refused = true;
    if (len >= sizeof refused - 1 && memcmp(words, refused, sizeof refused - 1) == 0)
        call->refused = true;
    return 0;
}

static curl_socket_t on_open(void *data, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct upstream *upstream = data;
    int fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
    (void)purpose;
    if (fd >= 0 && fd < FD_MAX)
        upstream->descriptors[fd] = (struct descriptor){.connection = true};
    return fd;
}

static int on_close(void *data, curl_socket_t fd)
{
    struct upstream *upstream = data;
    if (fd >= 0 && fd < FD_MAX)
        upstream->descriptors[fd] = (struct descriptor){0};
    return close(fd);
}

/* What is registered is only believed: a descriptor may have been closed, and given out anew, behind our back. */
static void watch(struct upstream *upstream, int fd, unsigned events)
{
    struct epoll_event event = {.events = events, .data.u64 = UPSTREAM_TAG | (unsigned)fd};
    struct descriptor *descriptor = &upstream->descriptors[fd];
    if (descriptor->registered == events)
        return;
    if (events == 0)
        (void)epoll_ctl(upstream->epoll, EPOLL_CTL_DEL, fd, NULL);
    else if (epoll_ctl(upstream->epoll, descriptor->registered == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, fd, &event) < 0)
        (void)epoll_ctl(upstream->epoll, errno == ENOENT ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, fd, &event);
    descriptor->registered = (unsigned char)events;
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *data, void *socket_data)
{
    struct upstream *upstream = data;
    (void)easy, (void)socket_data;
    if (fd < 0 || fd >= FD_MAX)
        return -1;
    struct descriptor *descriptor = &upstream->descriptors[fd];
    if (what == CURL_POLL_REMOVE) {
        descriptor->wanted = 0;
        if (!descriptor->connection || descriptor->registered != EPOLLIN)
            watch(upstream, fd, 0);
        return 0;
    }
    unsigned events = ((what & CURL_POLL_IN) ? EPOLLIN : 0U) | ((what & CURL_POLL_OUT) ? EPOLLOUT : 0U);
    descriptor->wanted = (unsigned char)events;
    watch(upstream, fd, events);
    return 0;
}

static int on_timer(CURLM *multi, long ms, void *data)
{
    struct upstream *upstream = data;
    (void)multi;
    upstream->due_us = ms < 0 ? -1 : ms == 0 ? 0 : clock_monotonic_us() + ms * 1000;
    return 0;
}

/* --- calls --- */

/* What is the same for each call of a handle's life. */
static bool prepare(struct upstream *upstream, struct upstream_call *call)
{
    CURL *easy = call->easy = curl_easy_init();
    if (easy == NULL)
        return false;
    upstream->authorities = curl_version_info(CURLVERSION_NOW)->cainfo;
    bool good = http_only(easy) == CURLE_OK && curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L) == CURLE_OK &&
                curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L) == CURLE_OK &&
                curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
                curl_easy_setopt(easy, CURLOPT_PROXY, "") == CURLE_OK &&
                curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L) == CURLE_OK &&
                curl_easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED) == CURLE_OK &&
                curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "identity") == CURLE_OK &&
                curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_request) == CURLE_OK;
    (void)curl_easy_setopt(easy, CURLOPT_PREREQDATA, call);
    (void)curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
    (void)curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, (long)RECEIVE_BUFFER);
    (void)curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
    (void)curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, (long)CONNECTION_IDLE_S);
    (void)curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    (void)curl_easy_setopt(easy, CURLOPT_HEADERDATA, call);
    (void)curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    (void)curl_easy_setopt(easy, CURLOPT_WRITEDATA, call);
    (void)curl_easy_setopt(easy, CURLOPT_READFUNCTION, on_pull);
    (void)curl_easy_setopt(easy, CURLOPT_READDATA, call);
    (void)curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open);
    (void)curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, upstream);
    (void)curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, on_close);
    (void)curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, upstream);
    (void)curl_easy_setopt(easy, CURLOPT_DEBUGFUNCTION, on_words);
    (void)curl_easy_setopt(easy, CURLOPT_DEBUGDATA, call);
    (void)curl_easy_setopt(easy, CURLOPT_PRIVATE, call);
    return good;
}

static struct upstream_call *call_take(struct upstream *upstream)
{
    struct upstream_call *call = upstream->spare;
    if (call != NULL) {
        upstream->spare = call->next;
        return call;
    }
    call = calloc(1, sizeof *call);
    if (call == NULL)
        return NULL;
    call->upstream = upstream;
    if (prepare(upstream, call))
        return call;
    curl_easy_cleanup(call->easy);
    free(call);
    return NULL;
}

static void call_give(struct upstream *upstream, struct upstream_call *call)
{
    call->attempt = NULL;
    call->next = upstream->spare;
    upstream->spare = call;
}

/* Room for COUNT headers. */
static bool make_room(struct upstream_call *call, size_t count)
{
    if (count <= call->header_room)
        return true;
    struct curl_slist *headers = count > HEADERS_MAX ? NULL : realloc(call->headers, count * sizeof *headers);
    if (headers == NULL)
        return false;
    call->headers = headers;
    call->header_room = count;
    return true;
}

/* The lines become a list in place: libcurl only reads it. */
static struct curl_slist *header_list(struct upstream_call *call, const struct bytes *lines)
{
    size_t count = 0;
    for (size_t at = lines->start; at < lines->end; at += strlen(lines->data + at) + 1)
        count++;
    if (count == 0 || !make_room(call, count))
        return NULL;
    size_t at = lines->start;
    for (size_t i = 0; i < count; i++, at += strlen(lines->data + at) + 1)
        call->headers[i] =
            (struct curl_slist){.data = lines->data + at, .next = i + 1 < count ? &call->headers[i + 1] : NULL};
    return call->headers;
}

static void set_method(CURL *easy, const struct upstream_request *request)
{
    bool body = request->body != NULL || request->pull != NULL;
    bool usual = strcmp(request->method, body ? "POST" : "GET") == 0;
    bool head = strcmp(request->method, "HEAD") == 0;
    (void)curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request->body);
    (void)curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
                           (curl_off_t)(request->pull != NULL ? request->pull_len : (long long)request->body_len));
    if (body)
        (void)curl_easy_setopt(easy, CURLOPT_POST, 1L);
    else
        (void)curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
    if (head)
        (void)curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, usual || head ? NULL : request->method);
}

/* A handle keeps what it was told, so the usual case, no proxy and the system's certificates, costs nothing. */
static bool set_egress(struct upstream_call *call, const struct egress *egress)
{
    bool special = egress->proxy != NULL || egress->ca_file != NULL;
    if (!special && !call->special)
        return true;
    struct bytes direct = {0};
    const char *more = egress->no_proxy != NULL ? egress->no_proxy : "";
    bool good =
        (strcmp(more, "*") == 0 ? bytes_add_string(&direct, more) : bytes_printf(&direct, EGRESS_DIRECT ",%s", more)) &&
        curl_easy_setopt(call->easy, CURLOPT_PROXY, egress->proxy != NULL ? egress->proxy : "") == CURLE_OK &&
        curl_easy_setopt(call->easy, CURLOPT_NOPROXY, bytes_at(&direct)) == CURLE_OK &&
        curl_easy_setopt(call->easy, CURLOPT_CAINFO,
                         egress->ca_file != NULL ? egress->ca_file : call->upstream->authorities) == CURLE_OK;
    call->special = special;
    bytes_finish(&direct);
    return good;
}

int upstream_begin(struct upstream *upstream, struct attempt *attempt, const struct upstream_request *request)
{
    struct upstream_call *call = call_take(upstream);
    if (call == NULL)
        return -ENOMEM;
    call->attempt = attempt;
    call->pull = request->pull;
    call->body_len = request->pull != NULL && request->pull_len > 0 ? (size_t)request->pull_len : request->body_len;
    call->again = request->again;
    call->asked = call->refused = call->begun = false;
    struct curl_slist *headers = header_list(call, request->headers);
    set_method(call->easy, request);
    bool good = headers != NULL && set_egress(call, &request->egress) &&
                curl_easy_setopt(call->easy, CURLOPT_URL, request->url) == CURLE_OK &&
                curl_easy_setopt(call->easy, CURLOPT_VERBOSE, (long)(strncmp(request->url, "https:", 6) == 0)) ==
                    CURLE_OK && /* only TLS brings HTTP/2 */
                curl_easy_setopt(call->easy, CURLOPT_HTTPHEADER, headers) == CURLE_OK &&
                curl_multi_add_handle(upstream->multi, call->easy) == CURLM_OK;
    if (!good) {
        call_give(upstream, call);
        return headers == NULL ? -E2BIG : -ENOMEM;
    }
    attempt->call = call;
    return 0;
}

void upstream_end(struct attempt *attempt)
{
    struct upstream_call *call = attempt->call;
    if (call == NULL)
        return;
    attempt->call = NULL;
    (void)curl_multi_remove_handle(call->upstream->multi, call->easy);
    (void)curl_easy_setopt(call->easy, CURLOPT_HTTPHEADER, NULL);
    (void)curl_easy_setopt(call->easy, CURLOPT_POSTFIELDS, NULL);
    call_give(call->upstream, call);
}

bool upstream_has_sent(const struct attempt *attempt)
{
    curl_off_t uploaded = 0;
    long request_size = 0;
    if (attempt->call == NULL)
        return attempt->sent;
    (void)curl_easy_getinfo(attempt->call->easy, CURLINFO_SIZE_UPLOAD_T, &uploaded);
    (void)curl_easy_getinfo(attempt->call->easy, CURLINFO_REQUEST_SIZE, &request_size);
    return request_size > 0 && (size_t)uploaded >= attempt->call->body_len;
}

void upstream_continue(struct attempt *attempt)
{
    if (attempt->call == NULL || !attempt->paused)
        return;
    attempt->paused = false;
    (void)curl_easy_pause(attempt->call->easy, CURLPAUSE_CONT);
}

void upstream_more(struct attempt *attempt)
{
    if (attempt->call != NULL)
        (void)curl_easy_pause(attempt->call->easy, attempt->paused ? CURLPAUSE_RECV : CURLPAUSE_CONT);
}

/* --- what happened --- */

static const char *words_for(CURLcode code)
{
    switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
        return "its host name could not be resolved";
    case CURLE_COULDNT_CONNECT:
        return "it could not be connected to";
    case CURLE_OPERATION_TIMEDOUT:
        return "it did not answer in time";
    case CURLE_PEER_FAILED_VERIFICATION:
        return "its TLS certificate could not be verified";
    case CURLE_SSL_CONNECT_ERROR:
        return "TLS failed";
    case CURLE_BAD_CONTENT_ENCODING:
        return "its answer came in an encoding that is not known";
    case CURLE_PARTIAL_FILE:
        return "its answer ended too early";
    case CURLE_GOT_NOTHING:
        return "it closed the connection without an answer";
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_URL_MALFORMAT:
        return "its base URL is none of HTTP";
    default:
        return "its connection broke off";
    }
}

static void finish_call(struct upstream_call *call, CURLcode code)
{
    struct attempt *attempt = call->attempt;
    long request_size = 0;
    attempt->done = true;
    attempt->failed = code != CURLE_OK;
    attempt->timed_out = code == CURLE_OPERATION_TIMEDOUT;
    attempt->failure = code == CURLE_OK ? NULL : words_for(code);
    attempt->sent = call->begun || (upstream_has_sent(attempt) && !call->refused);
    (void)curl_easy_getinfo(call->easy, CURLINFO_REQUEST_SIZE, &request_size);
    attempt->untouched = !call->begun && (request_size == 0 || call->refused);
    upstream_end(attempt);
    exchange_progress(attempt);
}

static void collect(struct upstream *upstream)
{
    int left;
    for (CURLMsg *message; (message = curl_multi_info_read(upstream->multi, &left)) != NULL;) {
        char *call = NULL;
        CURLcode code = message->data.result;
        if (message->msg == CURLMSG_DONE &&
            curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &call) == CURLE_OK)
            finish_call((struct upstream_call *)(void *)call, code);
    }
}

void upstream_event(struct upstream *upstream, unsigned long long tag, unsigned events)
{
    int fd = (int)(tag & ~UPSTREAM_TAG);
    int running;
    if (upstream->descriptors[fd].wanted == 0) {
        watch(upstream, fd, 0); /* a kept connection that its provider closes, or that says something unasked */
        return;
    }
    int what = ((events & EPOLLIN) ? CURL_CSELECT_IN : 0) | ((events & EPOLLOUT) ? CURL_CSELECT_OUT : 0) |
               ((events & (EPOLLERR | EPOLLHUP)) ? CURL_CSELECT_ERR : 0);
    (void)curl_multi_socket_action(upstream->multi, fd, what, &running);
    collect(upstream);
}

int upstream_tick(struct upstream *upstream, long long now_us)
{
    int running;
    for (int round = 0; round < 8 && upstream->due_us >= 0 && upstream->due_us <= now_us; round++) {
        upstream->due_us = -1;
        (void)curl_multi_socket_action(upstream->multi, CURL_SOCKET_TIMEOUT, 0, &running);
        collect(upstream);
    }
    if (upstream->due_us < 0)
        return -1;
    return upstream->due_us <= now_us ? 0 : (int)((upstream->due_us - now_us + 999) / 1000);
}

int upstream_start(void)
{
    return curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK ? 0 : -ENOMEM;
}

void upstream_stop(void)
{
    curl_global_cleanup();
}

int upstream_create(int epoll, struct upstream **ret)
{
    struct upstream *upstream = calloc(1, sizeof *upstream);
    if (upstream == NULL)
        return -ENOMEM;
    *upstream = (struct upstream){.epoll = epoll, .due_us = -1};
    upstream->multi = curl_multi_init();
    upstream->descriptors = calloc(FD_MAX, sizeof *upstream->descriptors);
    if (upstream->multi == NULL || upstream->descriptors == NULL) {
        upstream_destroy(upstream);
        return -ENOMEM;
    }
    (void)curl_multi_setopt(upstream->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    (void)curl_multi_setopt(upstream->multi, CURLMOPT_SOCKETDATA, upstream);
    (void)curl_multi_setopt(upstream->multi, CURLMOPT_TIMERFUNCTION, on_timer);
    (void)curl_multi_setopt(upstream->multi, CURLMOPT_TIMERDATA, upstream);
    (void)curl_multi_setopt(upstream->multi, CURLMOPT_MAXCONNECTS, 1024L);
    *ret = upstream;
    return 0;
}

void upstream_destroy(struct upstream *upstream)
{
    if (upstream == NULL)
        return;
    for (struct upstream_call *call; (call = upstream->spare) != NULL;) {
        upstream->spare = call->next;
        curl_easy_cleanup(call->easy);
        free(call->headers);
        free(call);
    }
    if (upstream->multi != NULL)
        (void)curl_multi_cleanup(upstream->multi);
    free(upstream->descriptors);
    free(upstream);
}
