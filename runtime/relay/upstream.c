#include "upstream.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stddef.h>
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
#include "key_heap.h"

/* RECEIVE_BUFFER: libcurl takes one byte more, and a larger one would come from malloc for each call. SEND_BUFFER: the
 * least that libcurl has; libcurl 8 writes the key into it. */
enum {
    HEADERS_MAX = 160,
    RECEIVE_BUFFER = 8 * 1024 - 1,
    SEND_BUFFER = 16 * 1024,
    CONNECT_MS = 10000,
    CONNECTION_IDLE_S = 50,
    FD_MAX = 1 << 20
};
/* libcurl looks at one connection after the other until it finds one that is free, so the calls of one lane are few. A
 * hundred is what providers allow on one connection of HTTP/2, anyway. Beyond LANES the last one takes more. */
enum { LANES = 256, LANE_CALLS = 64, LANE_CONNECTIONS = 128 };
enum { SPARE_CALLS = 64, ORIGIN_SIZE = 256, CLOSINGS = 16 };

/* Of a connection that libcurl has closed. */
struct closing {
    int local_port;
    bool silent; /* the provider had not closed it, nor said any more */
};

/* Some of the calls, and the connections that they share. */
struct lane {
    struct upstream *upstream;
    CURLM *multi;
    size_t calls;
    long long due_us; /* of libcurl's clock; -1: nothing */
};

struct upstream_call {
    struct upstream *upstream;
    struct lane *lane; /* while it is under way */
    struct attempt *attempt;
    CURL *easy;
    CURLU *url;
    char origin[ORIGIN_SIZE]; /* that stands in url: "https://host:port"; "": none, easy has the whole text */
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
    bool tls;
    bool alerted;   /* the provider has ended TLS, or complained */
    int local_port; /* of the connection of now */
    bool worn;      /* libcurl has asked again with it, of which it counts five in a handle's life */
    bool special;   /* its egress is not the usual one */
    struct upstream_call *next;
};

struct upstream {
    struct lane *lanes[LANES];
    size_t lane_count;
    const char *authorities; /* the system's certificates; libcurl's own memory */
    int epoll;
    struct upstream_call *spare;
    size_t spare_count;
    struct descriptor *descriptors;
    int highest_fd;
    struct closing closings[CLOSINGS]; /* the latest ones */
    size_t closing_count;              /* ever */
};

/* What the epoll knows of a descriptor, and what libcurl wants (EPOLLIN, EPOLLOUT). A connection that libcurl keeps
 * idle stays registered, so that the next request costs no system call; other descriptors (of its resolver) come and go
 * without a word. */
struct descriptor {
    struct lane *lane;
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

/* The provider has neither closed the connection nor said more. */
static bool is_silent(curl_socket_t fd)
{
    char byte;
    return recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

static int local_port_of(int fd)
{
    struct sockaddr_storage here;
    socklen_t len = sizeof here;
    if (getsockname(fd, (struct sockaddr *)&here, &len) < 0)
        return 0;
    return here.ss_family == AF_INET    ? ntohs(((const struct sockaddr_in *)(const void *)&here)->sin_port)
           : here.ss_family == AF_INET6 ? ntohs(((const struct sockaddr_in6 *)(const void *)&here)->sin6_port)
                                        : 0;
}

static void note_closing(struct upstream *upstream, int fd)
{
    upstream->closings[upstream->closing_count++ % CLOSINGS] = (struct closing){local_port_of(fd), is_silent(fd)};
}

/* How the connection that CALL was asked on last was closed; NULL: it was not, or long ago. */
static const struct closing *closing_of(const struct upstream_call *call)
{
    const struct upstream *upstream = call->upstream;
    size_t count = upstream->closing_count < CLOSINGS ? upstream->closing_count : CLOSINGS;
    for (size_t i = 1; call->local_port != 0 && i <= count; i++) {
        const struct closing *closing = &upstream->closings[(upstream->closing_count - i) % CLOSINGS];
        if (closing->local_port == call->local_port)
            return closing;
    }
    return NULL;
}

/* libcurl asks again on another connection although the one it asked on did not end: of HTTP/2 then, the provider has
 * refused the stream. Of a connection that had been used before libcurl says no more than that. */
static bool stream_was_refused(const struct upstream_call *call)
{
    if (!call->tls || call->stream == 0 || call->alerted)
        return false;
    const struct closing *closing = closing_of(call);
    if (closing != NULL)
        return closing->silent;
    for (int fd = 0; fd <= call->upstream->highest_fd; fd++)
        if (call->upstream->descriptors[fd].connection && local_port_of(fd) == call->local_port)
            return is_silent(fd); /* other streams are on it */
    return false;
}

/* libcurl sends a request again by itself when a kept connection ended before an answer. That may be the second time
 * that the provider charges for it, unless nothing had gone out, or the provider said that it did not take it. */
static int on_request(void *data, char *ip, char *local_ip, int port, int local_port)
{
    struct upstream_call *call = data;
    (void)ip, (void)local_ip, (void)port;
    long sent = 0;
    (void)curl_easy_getinfo(call->easy, CURLINFO_REQUEST_SIZE, &sent);
    if (call->asked)
        call->refused = call->refused || stream_was_refused(call);
    if (call->asked && !call->again && !call->refused && sent > 0) {
        call->begun = true;
        return CURL_PREREQFUNC_ABORT;
    }
    call->worn = call->worn || call->asked;
    call->begun = call->begun || (sent > 0 && !call->refused);
    call->asked = true;
    call->refused = false;
    call->alerted = false;
    call->stream = 0;
    call->local_port = local_port;
    return CURL_PREREQFUNC_OK;
}

/* The number behind NAME in libcurl's WORDS; -1: it is not there. */
static long number_behind(const char *words, size_t len, const char *name)
{
    char digits[16] = "";
    const char *at = memmem(words, len, name, strlen(name));
    size_t left = at == NULL ? 0 : (size_t)(words + len - at) - strlen(name);
    if (left == 0)
        return -1;
    memcpy(digits, at + strlen(name), left < sizeof digits - 1 ? left : sizeof digits - 1);
    return strtol(digits, NULL, 10);
}

static bool begins(const char *words, size_t len, const char *beginning)
{
    return len >= strlen(beginning) && memcmp(words, beginning, strlen(beginning)) == 0;
}

/* How much of WORDS is "[HTTP/2] [5] ", which comes first where libcurl 8 traces. */
static size_t trace_prefix(const char *words, size_t len)
{
    static const char start[] = "[HTTP/2] [";
    size_t at = sizeof start - 1;
    if (!begins(words, len, start))
        return 0;
    while (at < len && words[at] >= '0' && words[at] <= '9')
        at++;
    return at + 2 <= len ? at + 2 : 0;
}

/* What libcurl says of HTTP/2, and nowhere else: REFUSED_STREAM, or a GOAWAY that names an earlier stream as the last
 * one, and the request was not processed. Only how its words begin counts: further on they may be a provider's. */
static int on_words(CURL *easy, curl_infotype type, char *words, size_t len, void *data)
{
    struct upstream_call *call = data;
    (void)easy;
    if (type != CURLINFO_TEXT)
        return 0;
    const size_t prefix = trace_prefix(words, len);
    const char *own = words + prefix;
    const size_t own_len = len - prefix;
    /* 7.x; some of it in hex, which is no larger when it is read like this. Then 8.x. */
    if (begins(own, own_len, "Using Stream ID: "))
        call->stream = number_behind(own, own_len, "ID: ");
    if (begins(own, own_len, "OPENED stream"))
        call->stream = number_behind(words, prefix, "[HTTP/2] [");
    if (memmem(words, len, "(IN), TLS alert", 15) != NULL)
        call->alerted = true;
    bool goes = begins(own, own_len, "received GOAWAY") || begins(own, own_len, "recveived GOAWAY");
    long last = goes ? number_behind(own, own_len, "last_stream=") : -1;
    if ((last >= 0 && call->stream > last) || begins(own, own_len, "REFUSED_STREAM"))
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
    if (fd > upstream->highest_fd && fd < FD_MAX)
        upstream->highest_fd = fd;
    return fd;
}

static int on_close(void *data, curl_socket_t fd)
{
    struct upstream *upstream = data;
    if (fd >= 0 && fd < FD_MAX)
        upstream->descriptors[fd] = (struct descriptor){0};
    note_closing(upstream, fd);
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
    struct lane *lane = data;
    struct upstream *upstream = lane->upstream;
    (void)easy, (void)socket_data;
    if (fd < 0 || fd >= FD_MAX)
        return -1;
    struct descriptor *descriptor = &upstream->descriptors[fd];
    descriptor->lane = lane;
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
    struct lane *lane = data;
    (void)multi;
    lane->due_us = ms < 0 ? -1 : ms == 0 ? 0 : clock_monotonic_us() + ms * 1000;
    return 0;
}

/* --- lanes --- */

static struct lane *open_lane(struct upstream *upstream)
{
    struct lane *lane = calloc(1, sizeof *lane);
    if (lane == NULL)
        return NULL;
    *lane = (struct lane){.upstream = upstream, .multi = curl_multi_init(), .due_us = -1};
    if (lane->multi == NULL) {
        free(lane);
        return NULL;
    }
    (void)curl_multi_setopt(lane->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    (void)curl_multi_setopt(lane->multi, CURLMOPT_SOCKETDATA, lane);
    (void)curl_multi_setopt(lane->multi, CURLMOPT_TIMERFUNCTION, on_timer);
    (void)curl_multi_setopt(lane->multi, CURLMOPT_TIMERDATA, lane);
    (void)curl_multi_setopt(lane->multi, CURLMOPT_MAXCONNECTS, (long)LANE_CONNECTIONS);
    upstream->lanes[upstream->lane_count++] = lane;
    return lane;
}

/* The first that has room, so that few connections do for few calls. NULL: no memory. */
static struct lane *find_lane(struct upstream *upstream)
{
    for (size_t i = 0; i < upstream->lane_count; i++)
        if (upstream->lanes[i]->calls < LANE_CALLS)
            return upstream->lanes[i];
    return upstream->lane_count < LANES ? open_lane(upstream) : upstream->lanes[LANES - 1];
}

/* --- calls --- */

/* What is the same for each call of a handle's life. */
static bool prepare(struct upstream *upstream, struct upstream_call *call)
{
    CURL *easy = call->easy = curl_easy_init();
    call->url = curl_url();
    if (easy == NULL || call->url == NULL)
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
    (void)curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, (long)SEND_BUFFER);
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

static void call_destroy(struct upstream_call *call)
{
    curl_easy_cleanup(call->easy);
    curl_url_cleanup(call->url);
    free(call->headers);
    free(call);
}

static struct upstream_call *call_take(struct upstream *upstream)
{
    struct upstream_call *call = upstream->spare;
    if (call != NULL) {
        upstream->spare = call->next;
        upstream->spare_count--;
        return call;
    }
    call = calloc(1, sizeof *call);
    if (call == NULL)
        return NULL;
    call->upstream = upstream;
    if (prepare(upstream, call))
        return call;
    call_destroy(call);
    return NULL;
}

static void call_give(struct upstream *upstream, struct upstream_call *call)
{
    if (upstream->spare_count >= SPARE_CALLS || call->worn) {
        call_destroy(call);
        return;
    }
    call->attempt = NULL;
    call->next = upstream->spare;
    upstream->spare = call;
    upstream->spare_count++;
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

/* A handle keeps what it was told, so the usual case, no proxy and the system's certificates, costs nothing. libcurl
 * asks on no connection that was opened with other certificates, or none. */
static bool set_egress(struct upstream_call *call, const struct egress *egress)
{
    bool special = egress->proxy != NULL || egress->ca_file != NULL || egress->unverified;
    if (!special && !call->special)
        return true;
    struct bytes direct = {0};
    char path[PATH_MAX];
    const char *more = egress->no_proxy != NULL ? egress->no_proxy : "";
    const char *file = egress->ca_file == NULL ? NULL : egress_ca_file(egress->ca_file, path);
    bool good =
        (strcmp(more, "*") == 0 ? bytes_add_string(&direct, more) : bytes_printf(&direct, EGRESS_DIRECT ",%s", more)) &&
        curl_easy_setopt(call->easy, CURLOPT_PROXY, egress->proxy != NULL ? egress->proxy : "") == CURLE_OK &&
        curl_easy_setopt(call->easy, CURLOPT_NOPROXY, bytes_at(&direct)) == CURLE_OK &&
        curl_easy_setopt(call->easy, CURLOPT_SSL_VERIFYPEER, egress->unverified ? 0L : 1L) == CURLE_OK &&
        curl_easy_setopt(call->easy, CURLOPT_SSL_VERIFYHOST, egress->unverified ? 0L : 2L) == CURLE_OK &&
        curl_easy_setopt(call->easy, CURLOPT_CAINFO, file != NULL ? file : call->upstream->authorities) == CURLE_OK;
    call->special = special;
    bytes_finish(&direct);
    return good;
}

/* Where the path begins, or what may stand in its place. */
static size_t origin_len(const char *url)
{
    const char *slashes = strstr(url, "://");
    size_t scheme = slashes == NULL ? 0 : (size_t)(slashes + 3 - url);
    return scheme + strcspn(url + scheme, "/?#");
}

/* The path and query of one that has the origin that stands there. False: libcurl would write it in another way. */
static bool set_path(CURLU *parsed, char *path)
{
    char *mark = strchr(path, '?');
    if (strchr(path, '%') != NULL)
        return false;
    if (mark != NULL)
        *mark = '\0';
    bool good = curl_url_set(parsed, CURLUPART_PATH, path, 0) == CURLUE_OK &&
                curl_url_set(parsed, CURLUPART_QUERY, mark == NULL ? NULL : mark + 1, 0) == CURLUE_OK;
    if (mark != NULL)
        *mark = '?';
    return good;
}

/* Most calls of a handle are to the origin of its last one, of which libcurl need not be told again. What it can't take
 * apart it is told as it stands, for the error. */
static bool set_url(struct upstream_call *call, char *url)
{
    size_t len = origin_len(url);
    if (*call->origin != '\0' && url[len] == '/' && strlen(call->origin) == len &&
        memcmp(call->origin, url, len) == 0 && set_path(call->url, url + len))
        return true;
    *call->origin = '\0';
    bool parsed =
        len < sizeof call->origin && curl_url_set(call->url, CURLUPART_URL, url, CURLU_PATH_AS_IS) == CURLUE_OK;
    if (parsed) {
        memcpy(call->origin, url, len);
        call->origin[len] = '\0';
    }
    return curl_easy_setopt(call->easy, CURLOPT_CURLU, parsed ? call->url : NULL) == CURLE_OK &&
           curl_easy_setopt(call->easy, CURLOPT_URL, parsed ? NULL : url) == CURLE_OK;
}

int upstream_begin(struct upstream *upstream, struct attempt *attempt, const struct upstream_request *request)
{
    struct upstream_call *call = call_take(upstream);
    struct lane *lane = call == NULL ? NULL : find_lane(upstream);
    if (lane == NULL) {
        if (call != NULL)
            call_give(upstream, call);
        return -ENOMEM;
    }
    call->attempt = attempt;
    call->pull = request->pull;
    call->body_len = request->pull != NULL && request->pull_len > 0 ? (size_t)request->pull_len : request->body_len;
    call->again = request->again;
    call->asked = call->refused = call->begun = call->alerted = false;
    call->local_port = 0;
    call->stream = 0;
    /* Nothing else brings HTTP/2, for which a crowd waits until its one handshake is over. Without TLS libcurl would
     * wait for the whole first answer to learn that the connection takes no second request. */
    call->tls = strncmp(request->url, "https:", 6) == 0;
    struct curl_slist *headers = header_list(call, request->headers);
    set_method(call->easy, request);
    bool good = headers != NULL && set_egress(call, &request->egress) && set_url(call, request->url) &&
                curl_easy_setopt(call->easy, CURLOPT_VERBOSE, (long)call->tls) == CURLE_OK &&
                curl_easy_setopt(call->easy, CURLOPT_PIPEWAIT, (long)call->tls) == CURLE_OK &&
                curl_easy_setopt(call->easy, CURLOPT_HTTPHEADER, headers) == CURLE_OK &&
                curl_multi_add_handle(lane->multi, call->easy) == CURLM_OK;
    if (!good) {
        call_give(upstream, call);
        return headers == NULL ? -E2BIG : -ENOMEM;
    }
    call->lane = lane;
    lane->calls++;
    attempt->call = call;
    return 0;
}

void upstream_end(struct attempt *attempt)
{
    struct upstream_call *call = attempt->call;
    if (call == NULL)
        return;
    attempt->call = NULL;
    (void)curl_multi_remove_handle(call->lane->multi, call->easy);
    call->lane->calls--;
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
        return "the connection to it failed";
    case CURLE_OPERATION_TIMEDOUT:
        return "it did not answer in time";
    case CURLE_PEER_FAILED_VERIFICATION:
        return "its TLS certificate could not be verified";
    case CURLE_SSL_CONNECT_ERROR:
        return "TLS failed";
    case CURLE_BAD_CONTENT_ENCODING:
        return "its answer has an unsupported encoding";
    case CURLE_PARTIAL_FILE:
        return "its answer ended too early";
    case CURLE_GOT_NOTHING:
        return "it closed the connection without an answer";
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_URL_MALFORMAT:
        return "its base URL is not an http or https URL";
    default:
        return "the connection to it broke";
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
    /* A stream that was answered and closed before its body had gone out: libcurl loses the answer, or some of it. */
    bool cut = code == CURLE_HTTP2_STREAM && !attempt->sent;
    attempt->untouched = !call->begun && (request_size == 0 || call->refused || cut);
    upstream_end(attempt);
    exchange_progress(attempt);
}

static void collect(struct lane *lane)
{
    int left;
    for (CURLMsg *message; (message = curl_multi_info_read(lane->multi, &left)) != NULL;) {
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
    struct lane *lane = upstream->descriptors[fd].lane;
    int running;
    if (upstream->descriptors[fd].wanted == 0) {
        watch(upstream, fd, 0); /* a kept connection that its provider closes, or that says something unasked */
        return;
    }
    int what = ((events & EPOLLIN) ? CURL_CSELECT_IN : 0) | ((events & EPOLLOUT) ? CURL_CSELECT_OUT : 0) |
               ((events & (EPOLLERR | EPOLLHUP)) ? CURL_CSELECT_ERR : 0);
    (void)curl_multi_socket_action(lane->multi, fd, what, &running);
    collect(lane);
}

static void tick(struct lane *lane, long long now_us)
{
    int running;
    for (int round = 0; round < 8 && lane->due_us >= 0 && lane->due_us <= now_us; round++) {
        lane->due_us = -1;
        (void)curl_multi_socket_action(lane->multi, CURL_SOCKET_TIMEOUT, 0, &running);
        collect(lane);
    }
}

int upstream_tick(struct upstream *upstream, long long now_us)
{
    long long first_us = -1;
    for (size_t i = 0; i < upstream->lane_count; i++) {
        struct lane *lane = upstream->lanes[i];
        tick(lane, now_us);
        if (lane->due_us >= 0 && (first_us < 0 || lane->due_us < first_us))
            first_us = lane->due_us;
    }
    if (first_us < 0)
        return -1;
    return first_us <= now_us ? 0 : (int)((first_us - now_us + 999) / 1000);
}

int upstream_start(void)
{
    key_heap_start();
#if LIBCURL_VERSION_NUM >= 0x080300
    (void)curl_global_trace("http/2"); /* or it would not say that a stream was refused, see on_words() */
#endif
    return curl_global_init_mem(CURL_GLOBAL_DEFAULT, key_heap_take, key_heap_give, key_heap_resize, key_heap_copy,
                                key_heap_take_zeros) == CURLE_OK
               ? 0
               : -ENOMEM;
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
    *upstream = (struct upstream){.epoll = epoll};
    upstream->descriptors = calloc(FD_MAX, sizeof *upstream->descriptors);
    if (upstream->descriptors == NULL || open_lane(upstream) == NULL) {
        upstream_destroy(upstream);
        return -ENOMEM;
    }
    *ret = upstream;
    return 0;
}

void upstream_trim(struct upstream *upstream)
{
    for (struct upstream_call *call; (call = upstream->spare) != NULL;) {
        upstream->spare = call->next;
        call_destroy(call);
    }
    upstream->spare_count = 0;
}

void upstream_destroy(struct upstream *upstream)
{
    if (upstream == NULL)
        return;
    upstream_trim(upstream);
    for (size_t i = 0; i < upstream->lane_count; i++) {
        (void)curl_multi_cleanup(upstream->lanes[i]->multi);
        free(upstream->lanes[i]);
    }
    free(upstream->descriptors);
    free(upstream);
}
