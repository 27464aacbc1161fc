#include <stdlib.h>
#include <string.h>

#include "etcd_bytes.h"
#include "etcd_connection.h"
#include "etcd_request.h"

struct etcd_watch {
    struct etcd *etcd;
    size_t at; /* its endpoint */
    CURLM *multi;
    CURL *curl;
    struct curl_slist *headers;
    char *request;
    struct etcd_bytes lines;
    bool too_long;
    char curl_error[CURL_ERROR_SIZE];
};

/* --- its beginning and end --- */

static size_t take_lines(char *data, size_t size, size_t count, void *watch)
{
    struct etcd_watch *w = watch;
    if (etcd_bytes_add(&w->lines, data, size * count))
        return size * count;
    w->too_long = true;
    return 0;
}

static bool begin(struct etcd_watch *watch)
{
    CURL *curl = watch->curl = curl_easy_init();
    watch->multi = curl_multi_init();
    watch->headers = etcd_connection_headers(watch->etcd, true);
    /* A member that has lost its leader is to say so, and not to stay silent. */
    watch->headers = curl_slist_append(watch->headers, "Grpc-Metadata-hasleader: true");
    return curl != NULL && watch->multi != NULL && watch->request != NULL &&
           etcd_connection_prepare(watch->etcd, curl, "/v3/watch", watch->request, watch->headers, watch->curl_error) &&
           curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_lines) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_WRITEDATA, watch) == CURLE_OK &&
           curl_multi_add_handle(watch->multi, curl) == CURLM_OK;
}

int etcd_watch_open(struct etcd *etcd, const struct etcd_range *ranges, size_t count, long long from,
                    struct etcd_watch **ret)
{
    struct etcd_watch *watch = calloc(1, sizeof *watch);
    if (watch == NULL)
        return ETCD_AWAY;
    watch->etcd = etcd;
    watch->at = etcd_connection_at(etcd);
    watch->lines.most = ETCD_LINE_MOST;
    watch->request = etcd_request_watch(ranges, count, from);
    if (!begin(watch)) {
        etcd_watch_close(watch);
        etcd_connection_note(etcd, "cannot be asked: out of memory");
        return ETCD_AWAY;
    }
    *ret = watch;
    return 0;
}

bool etcd_watch_is_elsewhere(const struct etcd_watch *watch)
{
    return watch->at != etcd_connection_at(watch->etcd);
}

void etcd_watch_close(struct etcd_watch *watch)
{
    if (watch == NULL)
        return;
    if (watch->multi != NULL && watch->curl != NULL)
        (void)curl_multi_remove_handle(watch->multi, watch->curl);
    if (watch->curl != NULL)
        curl_easy_cleanup(watch->curl);
    if (watch->multi != NULL)
        (void)curl_multi_cleanup(watch->multi);
    curl_slist_free_all(watch->headers);
    free(watch->request);
    etcd_bytes_finish(&watch->lines);
    free(watch);
}

/* --- what comes --- */

void etcd_watch_wait(struct etcd_watch *watch, struct curl_waitfd *fds, unsigned count, int timeout_ms)
{
    int running;
    (void)curl_multi_perform(watch->multi, &running);
    if (running > 0 && memchr(watch->lines.at == NULL ? "" : watch->lines.at, '\n', watch->lines.len) == NULL)
        (void)curl_multi_poll(watch->multi, fds, count, timeout_ms, NULL);
    (void)curl_multi_perform(watch->multi, &running);
}

static int why_it_ended(struct etcd_watch *watch, CURLcode code)
{
    long status = 0;
    (void)curl_easy_getinfo(watch->curl, CURLINFO_RESPONSE_CODE, &status);
    if (watch->too_long) {
        etcd_connection_note(watch->etcd, "a line of the watch is longer than 8 MiB");
        return ETCD_NONSENSE;
    }
    if (code != CURLE_OK)
        return etcd_connection_failed(watch->etcd, code, watch->curl_error);
    if (status != 200) {
        const struct etcd_answer nothing = etcd_answer_read("", 0, status);
        return etcd_connection_heard(watch->etcd, &nothing);
    }
    etcd_connection_note(watch->etcd,
                         watch->lines.len > 0 ? "the watch ended in the middle of a line" : "the watch ended");
    return ETCD_AWAY;
}

/* 0: it goes on. */
static int end(struct etcd_watch *watch)
{
    int left;
    const CURLMsg *message = curl_multi_info_read(watch->multi, &left);
    if (message == NULL || message->msg != CURLMSG_DONE)
        return 0;
    int error = why_it_ended(watch, message->data.result);
    etcd_connection_next(watch->etcd);
    return error;
}

static int read_line(struct etcd_watch *watch, struct arena *arena, const char *line, size_t len,
                     struct etcd_values *ret)
{
    struct etcd_answer answer = etcd_answer_read_line(line, len);
    int error = etcd_connection_heard(watch->etcd, &answer);
    if (error == 0)
        *ret = etcd_answer_values(&answer, arena);
    etcd_answer_finish(&answer);
    return error;
}

int etcd_watch_read(struct etcd_watch *watch, struct arena *arena, struct etcd_values *ret)
{
    struct etcd_bytes *lines = &watch->lines;
    *ret = (struct etcd_values){0};
    for (const char *newline; lines->len > 0 && (newline = memchr(lines->at, '\n', lines->len)) != NULL;) {
        size_t len = (size_t)(newline - lines->at);
        int error = len == 0 ? 0 : read_line(watch, arena, lines->at, len, ret);
        etcd_bytes_take(lines, len + 1);
        if (error != 0 || ret->count > 0)
            return error;
    }
    if (lines->len == 0)
        etcd_bytes_finish(lines); /* what is idle holds nothing */
    return end(watch);
}
