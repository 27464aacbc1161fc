#include "reply.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "clock.h"
#include "copy_text.h"
#include "relay.h"
#include "error.h"
#include "exchange.h"
#include "headers.h"
#include "mask.h"
#include "upstream.h"

/* BLOCK: of an answer whose length is known. What comes in chunks is put into the connection's own memory. */
enum { BLOCK = 16 * 1024, STREAM_BLOCK = 64 };

enum MHD_Result reply_rest(struct exchange *x)
{
    if (x->left)
        return MHD_NO;
    x->suspended = true;
    MHD_suspend_connection(x->connection);
    return MHD_YES;
}

/* The answer's next bytes. */
static ssize_t read_answer(void *data, uint64_t position, char *buffer, size_t size)
{
    struct exchange *x = data;
    struct attempt *attempt = x->answer;
    (void)position;
    if (x->gone)
        return MHD_CONTENT_READER_END_WITH_ERROR;
    size_t len = attempt->ready < size ? attempt->ready : size;
    if (len > 0) {
        memcpy(buffer, bytes_at(&attempt->body), len);
        bytes_take(&attempt->body, len);
        attempt->ready -= len;
        if (attempt->paused && bytes_len(&attempt->body) < ANSWER_BUFFER / 2)
            upstream_continue(attempt);
        return (ssize_t)len;
    }
    if (attempt->done && bytes_len(&attempt->body) == 0)
        return attempt->failed ? MHD_CONTENT_READER_END_WITH_ERROR : MHD_CONTENT_READER_END_OF_STREAM;
    return reply_rest(x) == MHD_YES ? 0 : MHD_CONTENT_READER_END_WITH_ERROR;
}

/* The next bytes of a stream of the relay's own. */
static ssize_t read_local(void *data, uint64_t position, char *buffer, size_t size)
{
    struct exchange *x = data;
    (void)position;
    if (x->gone)
        return MHD_CONTENT_READER_END_WITH_ERROR;
    size_t len = bytes_len(&x->local) < size ? bytes_len(&x->local) : size;
    if (len > 0) {
        memcpy(buffer, bytes_at(&x->local), len);
        bytes_take(&x->local, len);
        return (ssize_t)len;
    }
    if (atomic_load(&x->relay->draining))
        return MHD_CONTENT_READER_END_OF_STREAM;
    return reply_rest(x) == MHD_YES ? 0 : MHD_CONTENT_READER_END_WITH_ERROR;
}

static void add_line(struct MHD_Response *response, const struct header_line *line, const char *key)
{
    char name[256];
    char value[16 * 1024];
    if (line->name_len >= sizeof name || line->value_len >= sizeof value)
        return;
    memcpy(name, line->name, line->name_len);
    memcpy(value, line->value, line->value_len);
    name[line->name_len] = value[line->value_len] = '\0';
    for (char *tab = value; (tab = strchr(tab, '\t')) != NULL;)
        *tab = ' ';
    (void)mask_key(name, line->name_len, key, strlen(key));
    (void)mask_key(value, line->value_len, key, strlen(key));
    (void)MHD_add_response_header(response, name, value);
}

/* Google says where a file is to be sent, at a host of its own, which is to get no token of the relay's: the file comes
 * here and goes on from here. */
static void add_upload_url(struct MHD_Response *response, const struct exchange *x, const struct header_line *line)
{
    char url[4096];
    const char *path = bytes_at(&x->target);
    const char *query = memchr(line->value, '?', line->value_len);
    int query_len = query == NULL ? 0 : (int)(line->value + line->value_len - query);
    if (x->host == NULL || query == NULL)
        return;
    int len = snprintf(url, sizeof url, "http://%s%.*s%.*s", x->host, (int)strcspn(path, "?"), path, query_len, query);
    if (len < (int)sizeof url)
        (void)MHD_add_response_header(response, HEADERS_UPLOAD_URL, url);
}

/* The connection's memory has room for so many bytes of headers. An answer that was paid for does not fail for a long
 * one: short ones go first, and what has no room then is left out. */
static void add_lines(struct MHD_Response *response, const struct exchange *x, const struct attempt *attempt)
{
    enum { SHORT = 1024 };
    char connection[512];
    struct header_line line;
    size_t room = x->header_room;
    const char *named = headers_value(&attempt->headers, "connection", connection, sizeof connection);
    for (int shorts = 1; shorts >= 0; shorts--)
        for (size_t at = 0; headers_next(&attempt->headers, &at, &line);) {
            size_t len = line.name_len + line.value_len + 4;
            bool again = headers_say_when(line.name, line.name_len) &&
                         (x->retry_after >= 0 || headers_say_nonsense(&line, clock_wall()));
            if ((len <= SHORT) != shorts || len > room || again || !headers_come_down(line.name, line.name_len, named))
                continue;
            if (x->route.upload && headers_are_upload_url(line.name, line.name_len))
                add_upload_url(response, x, &line);
            else
                add_line(response, &line, attempt->key.credential->secret);
            room -= len;
        }
}

static void add_own_lines(struct MHD_Response *response, const struct exchange *x)
{
    char number[32];
    if (x->record.try_count < 10)
        memcpy(number, (const char[]){(char)('0' + x->record.try_count), '\0'}, 2);
    else
        (void)snprintf(number, sizeof number, "%zu", x->record.try_count);
    (void)MHD_add_response_header(response, "x-hermes-request-id", x->record.id);
    if (x->record.try_count > 0) {
        (void)MHD_add_response_header(response, "x-hermes-provider", x->record.provider);
        (void)MHD_add_response_header(response, "x-hermes-key", x->record.fingerprint);
    }
    (void)MHD_add_response_header(response, "x-hermes-attempts", number);
    if (x->retry_after >= 0) {
        (void)snprintf(number, sizeof number, "%lld", x->retry_after);
        (void)MHD_add_response_header(response, "Retry-After", number);
    }
    if (x->origin != NULL) {
        (void)MHD_add_response_header(response, "Access-Control-Allow-Origin", x->origin);
        (void)MHD_add_response_header(response, "Access-Control-Expose-Headers", "*");
        (void)MHD_add_response_header(response, "Vary", "Origin");
    }
    if (x->ambiguous || atomic_load(&x->relay->draining))
        (void)MHD_add_response_header(response, "Connection", "close");
}

static enum MHD_Result queue(struct exchange *x, int status, struct MHD_Response *response)
{
    if (response == NULL)
        return MHD_NO;
    add_own_lines(response, x);
    x->record.status = status;
    x->record.us = x->record.first_us = clock_monotonic_us() - x->record.started_us;
    COPY_TEXT(x->record.model, x->use_model);
    if (!x->is_local) /* now: whoever has the answer may ask for it */
        records_keep(x->relay->records, &x->record, &x->record_place);
    enum MHD_Result result = MHD_queue_response(x->connection, (unsigned)status, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result queue_answer(struct exchange *x)
{
    struct attempt *attempt = x->answer;
    bool whole = attempt->done && !attempt->failed && attempt->ready == bytes_len(&attempt->body);
    bool head = strcmp(x->record.method, "HEAD") == 0;
    struct MHD_Response *response;
    if (whole && !head)
        response = MHD_create_response_from_buffer(attempt->ready, attempt->ready == 0 ? "" : bytes_at(&attempt->body),
                                                   MHD_RESPMEM_PERSISTENT);
    else
        response = MHD_create_response_from_callback(attempt->length < 0 ? MHD_SIZE_UNKNOWN : (uint64_t)attempt->length,
                                                     attempt->length < 0 ? STREAM_BLOCK : BLOCK, read_answer, x, NULL);
    if (response != NULL)
        add_lines(response, x, attempt);
    return queue(x, attempt->status, response);
}

static enum MHD_Result queue_local(struct exchange *x)
{
    struct MHD_Response *response;
    struct header_line line;
    if (x->local_stream)
        response = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, STREAM_BLOCK, read_local, x, NULL);
    else
        response = MHD_create_response_from_buffer(
            bytes_len(&x->local), bytes_len(&x->local) == 0 ? "" : bytes_at(&x->local), MHD_RESPMEM_PERSISTENT);
    if (response != NULL) {
        (void)MHD_add_response_header(response, "Content-Type", x->local_type);
        (void)MHD_add_response_header(response, "Cache-Control", "no-store");
        for (size_t at = 0; headers_next(&x->local_headers, &at, &line);)
            add_line(response, &line, "");
    }
    return queue(x, x->local_status, response);
}

enum MHD_Result reply_queue(struct exchange *x)
{
    return x->state == EXCHANGE_LOCAL ? queue_local(x) : queue_answer(x);
}

void reply_answer(struct exchange *x)
{
    x->state = EXCHANGE_ANSWERING;
    x->wake(x);
}

void reply_local(struct exchange *x, int status, const char *type, const char *headers)
{
    x->state = EXCHANGE_LOCAL;
    x->local_status = status;
    if (type != x->local_type)
        (void)snprintf(x->local_type, sizeof x->local_type, "%s", type);
    bytes_clear(&x->local_headers);
    if (headers != NULL && !bytes_add(&x->local_headers, headers, strlen(headers)))
        bytes_clear(&x->local_headers);
    x->wake(x);
}

void reply_error(struct exchange *x, int status, long long retry_after, const char *message)
{
    reply_error_code(x, status, "", retry_after, message);
}

void reply_error_code(struct exchange *x, int status, const char *code, long long retry_after, const char *message)
{
    bytes_clear(&x->local);
    if (!error_json(x->dialect, status, x->record.id, code, message, &x->local))
        bytes_clear(&x->local);
    x->retry_after = retry_after;
    reply_local(x, status, "application/json", status == 401 ? "WWW-Authenticate: Bearer\r\n" : NULL);
}
