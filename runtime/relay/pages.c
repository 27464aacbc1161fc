#include "pages.h"

#include <stdio.h>
#include <string.h>

#include <sodium.h>

#include "clock.h"
#include "exchange.h"
#include "metrics.h"
#include "relay.h"
#include "reply.h"
#include "status.h"

enum { TOLD_MS = 15000 };

#define JSON_TYPE "application/json"

static void show_page(struct exchange *x)
{
    char headers[512];
    const struct relay_page *page = x->stranger ? &x->relay->login_page : &x->relay->status_page;
    if (guard_token_in_query(x->relay, bytes_at(&x->target))) {
        (void)snprintf(headers, sizeof headers,
                       "Location: /\r\nReferrer-Policy: no-referrer\r\n"
                       "Set-Cookie: hermes_relay=%s; HttpOnly; SameSite=Strict; Path=/\r\n",
                       x->relay->token.cookie);
        reply_local(x, 303, "text/plain", headers);
        return;
    }
    bool good = bytes_add(&x->local, page->bytes, page->len);
    reply_local(x, !good ? 500 : x->stranger ? 401 : 200, "text/html; charset=utf-8", page->headers);
}

static void show_status(struct exchange *x)
{
    bool good = status_json(x->relay, &x->local) && bytes_add(&x->local, "\n", 1);
    reply_local(x, good ? 200 : 500, JSON_TYPE, "X-Content-Type-Options: nosniff\r\n");
}

static void show_events(struct exchange *x)
{
    x->local_stream = true;
    pages_stream(x, clock_monotonic_us());
    reply_local(x, 200, "text/event-stream", "X-Content-Type-Options: nosniff\r\n");
}

static void show_metrics(struct exchange *x)
{
    bool good = metrics_text(x->relay, &x->local);
    reply_local(x, good ? 200 : 500, "text/plain; version=0.0.4; charset=utf-8", NULL);
}

static void show_health(struct exchange *x)
{
    bool good = relay_hermes(x->relay) != NULL;
    if (!bytes_printf(&x->local, "{\"status\":\"%s\"}\n", good ? "ok" : "no snapshot"))
        bytes_clear(&x->local);
    reply_local(x, good ? 200 : 503, JSON_TYPE, NULL);
}

static void show_request(struct exchange *x)
{
    const char *target = bytes_at(&x->target) + strlen("/requests/");
    char id[REQUEST_ID_SIZE];
    if (x->wants_page) {
        show_page(x);
        return;
    }
    (void)snprintf(id, sizeof id, "%.*s", (int)strcspn(target, "?"), target);
    if (records_request(x->relay->records, id, &x->local))
        reply_local(x, 200, JSON_TYPE, "Vary: Accept\r\n");
    else
        reply_error(x, 404, -1, "no recent request has that id");
}

static const struct page {
    const char *path;
    bool prefix; /* of the paths that are meant, which a browser gets the status page for */
    enum guarded guarded;
    void (*show)(struct exchange *x);
} pages[] = {{"/", false, GUARDED_PAGE, show_page},
             {"/status", false, GUARDED_STATUS, show_status},
             {"/events", false, GUARDED_STATUS, show_events},
             {"/metrics", false, GUARDED_STATUS, show_metrics},
             {"/healthz", false, GUARDED_NOTHING, show_health},
             {"/requests/", true, GUARDED_STATUS, show_request}};

static const struct page *find_page(const char *target)
{
    size_t len = strcspn(target, "?");
    for (size_t i = 0; i < sizeof pages / sizeof *pages; i++) {
        size_t path = strlen(pages[i].path);
        if ((len == path || (pages[i].prefix && len > path)) && memcmp(target, pages[i].path, path) == 0)
            return &pages[i];
    }
    return NULL;
}

bool pages_know(const char *target, bool wants_page, enum guarded *ret)
{
    const struct page *page = find_page(target);
    if (page != NULL)
        *ret = page->prefix && wants_page ? GUARDED_PAGE : page->guarded;
    return page != NULL;
}

void pages_answer(struct exchange *x)
{
    bytes_clear(&x->local);
    if (strcmp(x->record.method, "GET") != 0 && strcmp(x->record.method, "HEAD") != 0)
        reply_error(x, 405, -1, "this can only be read");
    else
        find_page(bytes_at(&x->target))->show(x);
}

void pages_stream(struct exchange *x, long long now_us)
{
    struct bytes status = {0};
    uint64_t digest = 0;
    static const unsigned char key[crypto_shorthash_KEYBYTES];
    if (status_json(x->relay, &status))
        (void)crypto_shorthash((unsigned char *)&digest, (unsigned char *)bytes_at(&status), bytes_len(&status), key);
    bool news = digest != x->seen && digest != 0;
    bool late = now_us - x->told_us > TOLD_MS * 1000LL;
    if (bytes_len(&x->local) < ANSWER_BUFFER && (news || late)) {
        bool told = news ? bytes_printf(&x->local, "event: status\ndata: ") &&
                               bytes_add(&x->local, bytes_at(&status), bytes_len(&status)) &&
                               bytes_printf(&x->local, "\nid: %.3f\n\n", clock_wall())
                         : bytes_printf(&x->local, "event: beat\ndata: .\nid: %.3f\n\n", clock_wall());
        x->gone = x->gone || !told;
        x->seen = digest;
        x->told_us = now_us;
    }
    bytes_finish(&status);
    x->wake(x);
}
