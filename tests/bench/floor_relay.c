/* The least that libmicrohttpd and libcurl can do between a client and a provider: a POST comes in whole, goes on with
 * one fixed header, and the answer goes back whole. No key is chosen, no header is looked at, nothing is booked: what
 * hermes-relay takes beyond this is its own, what this takes beyond nginx is the libraries'.
 *
 *     floor_relay PORT URL        URL: scheme, host and port of the provider, without a path */
#include <arpa/inet.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <curl/curl.h>
#include <microhttpd.h>

enum { FDS = 1 << 16, BODY = 64 * 1024 };

struct request {
    struct request *next;
    struct MHD_Connection *connection;
    CURL *easy;
    size_t asked_len, answer_len;
    long status;
    char asked[BODY], answer[BODY];
};

static CURLM *multi;
static const char *base_url;
static struct MHD_Daemon *server;
static struct request *spare;
static struct curl_slist *headers;
static int epoll;
static long timer; /* milliseconds until libcurl is due; -1: never */
static unsigned char registered[FDS];

static size_t on_body(char *bytes, size_t size, size_t count, void *data)
{
    struct request *r = data;
    size_t len = size * count;
    if (r->answer_len + len > BODY)
        return 0;
    memcpy(r->answer + r->answer_len, bytes, len);
    r->answer_len += len;
    return len;
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *data, void *socket_data)
{
    (void)easy, (void)data, (void)socket_data;
    unsigned events = what == CURL_POLL_REMOVE ? EPOLLIN : (unsigned)what; /* CURL_POLL_IN is 1, OUT is 2 */
    events = ((events & CURL_POLL_IN) ? EPOLLIN : 0U) | ((events & CURL_POLL_OUT) ? EPOLLOUT : 0U);
    struct epoll_event event = {.events = events, .data.fd = fd};
    if (registered[fd] != events &&
        epoll_ctl(epoll, registered[fd] == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, fd, &event) < 0)
        (void)epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
    registered[fd] = (unsigned char)events;
    return 0;
}

static int on_close(void *data, curl_socket_t fd)
{
    (void)data;
    registered[fd] = 0;
    return close(fd);
}

static int on_timer(CURLM *m, long ms, void *data)
{
    (void)m, (void)data;
    timer = ms;
    return 0;
}

static struct request *take(void)
{
    struct request *r = spare;
    if (r != NULL) {
        spare = r->next;
        return r;
    }
    r = calloc(1, sizeof *r);
    r->easy = curl_easy_init();
    (void)curl_easy_setopt(r->easy, CURLOPT_POST, 1L);
    (void)curl_easy_setopt(r->easy, CURLOPT_PROXY, "");
    (void)curl_easy_setopt(r->easy, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(r->easy, CURLOPT_PIPEWAIT, 1L);
    (void)curl_easy_setopt(r->easy, CURLOPT_HTTPHEADER, headers);
    (void)curl_easy_setopt(r->easy, CURLOPT_SSL_VERIFYPEER, 0L);
    (void)curl_easy_setopt(r->easy, CURLOPT_SSL_VERIFYHOST, 0L);
    (void)curl_easy_setopt(r->easy, CURLOPT_WRITEFUNCTION, on_body);
    (void)curl_easy_setopt(r->easy, CURLOPT_WRITEDATA, r);
    (void)curl_easy_setopt(r->easy, CURLOPT_CLOSESOCKETFUNCTION, on_close);
    (void)curl_easy_setopt(r->easy, CURLOPT_PRIVATE, r);
    (void)curl_easy_setopt(r->easy, CURLOPT_POSTFIELDS, r->asked);
    return r;
}

static enum MHD_Result on_access(void *data, struct MHD_Connection *connection, const char *path, const char *method,
                                 const char *version, const char *upload, size_t *size, void **context)
{
    struct request *r = *context;
    (void)data, (void)method, (void)version;
    if (r == NULL) {
        char url[1024];
        r = *context = take();
        r->asked_len = r->answer_len = 0;
        r->status = 0;
        r->connection = connection;
        (void)snprintf(url, sizeof url, "%s%s", base_url, path);
        (void)curl_easy_setopt(r->easy, CURLOPT_URL, url);
    } else if (*size > 0) {
        memcpy(r->asked + r->asked_len, upload, *size);
        r->asked_len += *size;
        *size = 0;
    } else if (r->status == 0) {
        (void)curl_easy_setopt(r->easy, CURLOPT_POSTFIELDSIZE, (long)r->asked_len);
        MHD_suspend_connection(connection);
        (void)curl_multi_add_handle(multi, r->easy);
    } else {
        struct MHD_Response *response =
            MHD_create_response_from_buffer(r->answer_len, r->answer, MHD_RESPMEM_PERSISTENT);
        (void)MHD_add_response_header(response, "Content-Type", "application/json");
        (void)MHD_queue_response(connection, (unsigned)r->status, response);
        MHD_destroy_response(response);
    }
    return MHD_YES;
}

static void on_completed(void *data, struct MHD_Connection *connection, void **context,
                         enum MHD_RequestTerminationCode code)
{
    struct request *r = *context;
    (void)data, (void)connection, (void)code;
    r->next = spare;
    spare = r;
}

static int collect(void)
{
    int left, found = 0;
    for (CURLMsg *message; (message = curl_multi_info_read(multi, &left)) != NULL; found++) {
        char *private;
        (void)curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &private);
        struct request *r = (struct request *)(void *)private;
        (void)curl_easy_getinfo(r->easy, CURLINFO_RESPONSE_CODE, &r->status);
        r->status = r->status == 0 ? 502 : r->status;
        (void)curl_multi_remove_handle(multi, r->easy);
        MHD_resume_connection(r->connection);
    }
    return found;
}

int main(int argc, char **argv)
{
    struct epoll_event events[128];
    int running;
    if (argc != 3)
        return 2;
    base_url = argv[2];
    timer = -1;
    epoll = epoll_create1(0);
    multi = curl_multi_init();
    headers = curl_slist_append(NULL, "Authorization: Bearer sk-test-floor");
    headers = curl_slist_append(headers, "Content-Type: application/json");
    (void)curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    (void)curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_timer);
    (void)curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, 1024L);
    const struct sockaddr_in here = {.sin_family = AF_INET,
                                     .sin_port = htons((unsigned short)atoi(argv[1])),
                                     .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    server = MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, on_access, NULL,
                              MHD_OPTION_SOCK_ADDR, (const struct sockaddr *)&here, MHD_OPTION_CONNECTION_LIMIT, 16384U,
                              MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL, MHD_OPTION_END);
    if (server == NULL)
        return 1;
    int of_server = MHD_get_daemon_info(server, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
    (void)epoll_ctl(epoll, EPOLL_CTL_ADD, of_server, &(struct epoll_event){.events = EPOLLIN, .data.fd = of_server});
    for (bool more = false;;) {
        MHD_UNSIGNED_LONG_LONG timeout;
        more = more || (MHD_get_timeout(server, &timeout) == MHD_YES && timeout == 0);
        int count = epoll_wait(epoll, events, 128, more ? 0 : (int)timer);
        for (int i = 0; i < count; i++)
            if (events[i].data.fd != of_server)
                (void)curl_multi_socket_action(multi, events[i].data.fd,
                                               (events[i].events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
                                                   (events[i].events & EPOLLIN ? CURL_CSELECT_IN : 0),
                                               &running);
        (void)collect();
        (void)MHD_run(server);
        for (int round = 0; (timer == 0 || (count == 0 && timer > 0 && round == 0)) && round < 8; round++) {
            timer = -1;
            (void)curl_multi_socket_action(multi, CURL_SOCKET_TIMEOUT, 0, &running);
        }
        more = collect() > 0;
    }
}
