#include "record.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include "bytes.h"
#include "evidence.h"
#include "plain_name.h"

enum { REQUESTS = 256, SHOWN = 25, SWITCHES = 64, ANSWERS = 32 };

struct remembered {
    char provider[PROVIDER_NAME_SIZE];
    int status;
    char code[EVIDENCE_CODE_SIZE];
};

struct records {
    pthread_mutex_t lock;
    struct record requests[REQUESTS];
    unsigned long request_count; /* ever */
    struct record_switch switches[SWITCHES];
    unsigned long switch_count; /* ever */
    struct remembered answers[ANSWERS];
    size_t answer_count;
};

struct records *records_create(void)
{
    struct records *records = calloc(1, sizeof *records);
    if (records != NULL)
        (void)pthread_mutex_init(&records->lock, NULL);
    return records;
}

void records_destroy(struct records *records)
{
    if (records == NULL)
        return;
    (void)pthread_mutex_destroy(&records->lock);
    free(records);
}

void records_keep(struct records *records, const struct record *record, size_t *place)
{
    (void)pthread_mutex_lock(&records->lock);
    if (*place == 0 || strcmp(records->requests[(*place - 1) % REQUESTS].id, record->id) != 0)
        *place = ++records->request_count;
    struct record *kept = &records->requests[(*place - 1) % REQUESTS];
    memcpy(kept, record, offsetof(struct record, tries));
    memcpy(kept->tries, record->tries, record->try_count * sizeof *record->tries);
    kept->try_count = record->try_count;
    (void)pthread_mutex_unlock(&records->lock);
}

void records_switch(struct records *records, const struct record_switch *change)
{
    (void)pthread_mutex_lock(&records->lock);
    records->switches[records->switch_count++ % SWITCHES] = *change;
    (void)pthread_mutex_unlock(&records->lock);
}

static struct remembered *answer_of(struct records *records, const char *provider, bool make)
{
    for (size_t i = 0; i < records->answer_count; i++)
        if (strcmp(records->answers[i].provider, provider) == 0)
            return &records->answers[i];
    if (!make || records->answer_count == ANSWERS)
        return NULL;
    struct remembered *answer = &records->answers[records->answer_count++];
    (void)snprintf(answer->provider, sizeof answer->provider, "%s", provider);
    return answer;
}

void records_remember(struct records *records, const char *provider, int status, const char *code)
{
    (void)pthread_mutex_lock(&records->lock);
    struct remembered *answer = answer_of(records, provider, true);
    if (answer != NULL) {
        answer->status = status;
        (void)snprintf(answer->code, sizeof answer->code, "%s", code);
    }
    (void)pthread_mutex_unlock(&records->lock);
}

void records_recall(struct records *records, const char *provider, int status, char *code, size_t size)
{
    (void)pthread_mutex_lock(&records->lock);
    const struct remembered *answer = answer_of(records, provider, false);
    (void)snprintf(code, size, "%s", answer != NULL && answer->status == status ? answer->code : "");
    (void)pthread_mutex_unlock(&records->lock);
}

/* `"name":"text"`, text escaped. */
static bool text_member(struct bytes *out, const char *name, const char *text)
{
    return bytes_printf(out, "\"%s\":\"", name) && bytes_add_json(out, text, strlen(text)) && bytes_add(out, "\"", 1);
}

/* What a client calls its model. */
static bool name_member(struct bytes *out, const char *name, const char *text)
{
    struct fingerprint print;
    return text_member(out, name, plain_name_or_print(text, &print));
}

/* JSON has no infinity: a dead key's time is null. */
static bool until_member(struct bytes *out, double until)
{
    return isfinite(until) ? bytes_printf(out, "\"until\":%.3f", until) : bytes_printf(out, "\"until\":null");
}

static bool try_json(struct bytes *out, const struct record_try *try)
{
    return bytes_add(out, "{", 1) && text_member(out, "provider", try->provider) && bytes_add(out, ",", 1) &&
           text_member(out, "fingerprint", try->fingerprint) &&
           bytes_printf(out, ",\"status\":%d,\"verdict\":\"%s\",\"rule\":\"%s\",\"ms\":%.1f,", try->status,
                        try->verdict, try->rule, (double)try->us / 1000) &&
           until_member(out, try->until) && bytes_add(out, "}", 1);
}

/* Its members, without the end of the object. */
static bool outline(struct bytes *out, const struct record *r)
{
    return bytes_add(out, "{", 1) && text_member(out, "id", r->id) &&
           bytes_printf(out, ",\"at\":%.3f,\"ms\":%.1f,\"first_ms\":%.1f,\"status\":%d,\"stream_error\":%d,", r->at,
                        (double)r->us / 1000, (double)r->first_us / 1000, r->status, r->trouble) &&
           bytes_printf(out, "\"tokens_in\":%lld,\"tokens_out\":%lld,\"tries\":%zu,\"over\":%s,", r->tokens_in,
                        r->tokens_out, r->try_count, r->over ? "true" : "false") &&
           text_member(out, "method", r->method) && bytes_add(out, ",", 1) && text_member(out, "path", r->path) &&
           bytes_add(out, ",", 1) && name_member(out, "model", r->model) && bytes_add(out, ",", 1) &&
           text_member(out, "provider", r->provider) && bytes_add(out, ",", 1) &&
           text_member(out, "fingerprint", r->fingerprint);
}

static bool request_json(struct bytes *out, const struct record *r)
{
    bool good = outline(out, r) && bytes_printf(out, ",\"attempts\":[");
    for (size_t i = 0; good && i < r->try_count; i++)
        good = (i == 0 || bytes_add(out, ",", 1)) && try_json(out, &r->tries[i]);
    return good && bytes_printf(out, "]}\n");
}

bool records_request(struct records *records, const char *id, struct bytes *out)
{
    bool found = false;
    (void)pthread_mutex_lock(&records->lock);
    for (size_t i = 0; !found && i < REQUESTS && i < records->request_count; i++)
        found = strcmp(records->requests[i].id, id) == 0 && request_json(out, &records->requests[i]);
    (void)pthread_mutex_unlock(&records->lock);
    return found;
}

bool records_requests_json(struct records *records, struct bytes *out)
{
    (void)pthread_mutex_lock(&records->lock);
    unsigned long count = records->request_count < SHOWN ? records->request_count : SHOWN;
    bool good = bytes_add(out, "[", 1);
    for (unsigned long i = 0; good && i < count; i++)
        good = (i == 0 || bytes_add(out, ",", 1)) &&
               outline(out, &records->requests[(records->request_count - 1 - i) % REQUESTS]) && bytes_add(out, "}", 1);
    good = good && bytes_add(out, "]", 1);
    (void)pthread_mutex_unlock(&records->lock);
    return good;
}

static bool switch_json(struct bytes *out, const struct record_switch *s)
{
    return bytes_printf(out, "{\"at\":%.3f,", s->at) && text_member(out, "provider", s->provider) &&
           bytes_add(out, ",", 1) && text_member(out, "fingerprint", s->fingerprint) &&
           bytes_printf(out, ",\"status\":%d,\"verdict\":\"%s\",\"rule\":\"%s\",", s->status, s->verdict, s->rule) &&
           until_member(out, s->until) && bytes_printf(out, ",\"request\":\"%s\",", s->request) &&
           text_member(out, "to_provider", s->to_provider) && bytes_add(out, ",", 1) &&
           text_member(out, "to_fingerprint", s->to_fingerprint) && bytes_add(out, "}", 1);
}

bool records_switches_json(struct records *records, struct bytes *out)
{
    (void)pthread_mutex_lock(&records->lock);
    unsigned long count = records->switch_count < SWITCHES ? records->switch_count : SWITCHES;
    bool good = bytes_add(out, "[", 1);
    for (unsigned long i = 0; good && i < count; i++)
        good = (i == 0 || bytes_add(out, ",", 1)) &&
               switch_json(out, &records->switches[(records->switch_count - 1 - i) % SWITCHES]);
    good = good && bytes_add(out, "]", 1);
    (void)pthread_mutex_unlock(&records->lock);
    return good;
}
