/* What a provider answered, and what it means: a row for each behaviour. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "classify.h"
#include "hermes_runtime.h"

static const double now = 1795600000.0; /* 2026-11-25 09:46:40 UTC */

enum {
    GOOD = HERMES_KEY_GOOD,
    COOL = HERMES_KEY_COOLING,
    DEAD = HERMES_KEY_DEAD,
    OUT = HERMES_PROVIDER_OUT,
    WRONG = HERMES_REQUEST_WRONG
};

struct row {
    const char *name;
    int status;
    const char *headers;
    const char *body;
    int verdict;
    double seconds; /* from now */
    const char *rule;
};

#define ERROR(code, message) "{\"error\":{\"code\":\"" code "\",\"message\":\"" message "\"}}"

static const struct row rows[] = {
    /* Success, and what only looks like one. */
    {"a success", 200, "", "{\"id\":\"x\",\"choices\":[]}", GOOD, 0, "good"},
    {"a success with nothing in it", 204, "", "", GOOD, 0, "good"},
    {"a success whose error is null", 200, "", "{\"id\":\"x\",\"error\":null}", GOOD, 0, "good"},
    {"a success whose error is empty", 200, "", "{\"error\":{},\"id\":\"x\"}", GOOD, 0, "good"},
    {"a success that talks of errors", 200, "",
     "{\"choices\":[{\"message\":{\"content\":\"insufficient balance, {\\\"error\\\": 429}\",\"error\":\"x\"}}]}", GOOD,
     0, "good"},
    {"a success near its limit", 200, "x-ratelimit-remaining-requests: 0\r\nx-ratelimit-reset-requests: 1m\r\n", "{}",
     GOOD, 0, "good"},
    {"a stream's first event", 200, "", "data: {\"id\":\"x\",\"choices\":[]}\n\n", GOOD, 0, "good"},
    {"Anthropic's first event", 200, "", "event: message_start\ndata: {\"type\":\"message_start\"}\n\n", GOOD, 0,
     "good"},
    {"an error in a 200, code a status", 200, "", "{\"error\":{\"code\":429,\"message\":\"slow down\"}}", COOL, 3600,
     "429"},
    {"an error in a 200, by its type", 200, "", "{\"error\":{\"type\":\"rate_limit_error\",\"message\":\"x\"}}", COOL,
     3600, "429"},
    {"an error in a 200, a bare string", 200, "", "{\"error\":\"insufficient balance\"}", COOL, 3600, "402"},
    {"an error in a 200 that says nothing", 200, "", "{\"error\":{\"message\":\"oops\"}}", OUT, 10, "5xx"},
    {"OpenAI's stream begins with an error", 200, "",
     "data: {\"error\":{\"code\":\"rate_limit_exceeded\",\"message\":\"Please try again in 20s.\"}}\n\n", COOL, 20,
     "429-body-reset"},
    {"Anthropic's stream begins with an error", 200, "",
     "event: error\ndata: "
     "{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}\n\n",
     OUT, 10, "5xx"},
    {"a stream begins with a comment, then an error", 200, "",
     ": PROCESSING\n\ndata: {\"error\":{\"code\":502,\"message\":\"upstream\"}}\n\n", OUT, 10, "5xx"},
    {"Responses end in response.failed", 200, "",
     "event: response.failed\ndata: "
     "{\"type\":\"response.failed\",\"response\":{\"error\":{\"code\":\"server_error\"}}}\n\n",
     OUT, 10, "5xx"},
    {"Google wraps a stream's error in a list", 200, "",
     "[{\"error\":{\"code\":429,\"status\":\"RESOURCE_EXHAUSTED\"}}]", COOL, 3600, "429"},
    {"MiniMax: no balance in a 200", 200, "",
     "{\"base_resp\":{\"status_code\":1008,\"status_msg\":\"insufficient balance\"}}", COOL, 3600, "402"},
    {"MiniMax: success", 200, "", "{\"choices\":[],\"base_resp\":{\"status_code\":0,\"status_msg\":\"\"}}", GOOD, 0,
     "good"},
    {"success: false", 200, "", "{\"success\":false,\"errors\":[{\"message\":\"Too many requests\"}]}", COOL, 3600,
     "429"},

    /* 401. */
    {"401 and no word", 401, "", "", COOL, 300, "401"},
    {"401, unauthorized", 401, "", ERROR("unauthorized", "x"), COOL, 300, "401"},
    {"401, key not known to OpenAI", 401, "", ERROR("invalid_api_key", "Incorrect API key provided"), DEAD, INFINITY,
     "401-revoked"},
    {"401, key not known to Anthropic", 401, "",
     "{\"type\":\"error\",\"error\":{\"type\":\"authentication_error\",\"message\":\"invalid x-api-key\"}}", DEAD,
     INFINITY, "401-revoked"},
    {"401, token revoked", 401, "", "{\"detail\":\"x\",\"code\":\"token_revoked\"}", DEAD, INFINITY, "401-revoked"},
    {"401 that means an empty balance", 401, "", ERROR("invalid_request", "Insufficient balance, please top up"), COOL,
     3600, "401-empty-balance"},
    {"401 with an empty balance and a bad word", 401, "", ERROR("invalid_api_key", "Insufficient account balance"),
     COOL, 3600, "401-empty-balance"},
    {"401 that names its end", 401, "", ERROR("invalid_token", "quota exceeded, reset after 2m"), COOL, 120,
     "401-reset"},

    /* 402. */
    {"402 without a time", 402, "", ERROR("payment_required", "x"), COOL, 3600, "402"},
    {"402 with Retry-After", 402, "Retry-After: 90\r\n", "", COOL, 90, "402-retry-after"},
    {"402 with a time in the body", 402, "", "{\"error\":{\"resets_in_seconds\":600}}", COOL, 600, "402-retry-after"},

    /* 403. */
    {"403 and no word", 403, "", "", COOL, 3600, "403"},
    {"403, permission", 403, "", ERROR("permission_denied", "x"), COOL, 3600, "403"},
    {"403 that will pass", 403, "", ERROR("forbidden", "Temporarily blocked, try again later"), COOL, 60,
     "403-transient"},
    {"403, a page from before the API", 403, "", "<!DOCTYPE html><title>Attention</title>", COOL, 60, "403-transient"},
    {"403, reset after 2m", 403, "", "quota exhausted: your quota will reset after 2m", COOL, 120, "403-reset"},
    {"403, reset after 1h2m3.5s", 403, "", ERROR("x", "will reset after 1h2m3.5s."), COOL, 3723.5, "403-reset"},
    {"403, empty balance", 403, "", ERROR("x", "insufficient credits"), COOL, 3600, "403-empty-balance"},
    {"403, the model is not for this key", 403, "", ERROR("model_not_found", "no access to model x"), COOL, 3600,
     "403-model"},
    {"403, wrong country", 403, "", ERROR("unsupported_country_region_territory", "x"), OUT, 3600, "403-region"},
    {"403, a revoked key is only left out, as Hermes does", 403, "", ERROR("token_revoked", "x"), COOL, 3600, "403"},

    /* 429: whose time, and which. */
    {"429 and no word", 429, "", "", COOL, 3600, "429"},
    {"Retry-After in seconds", 429, "retry-after: 17\r\n", "", COOL, 17, "429-retry-after"},
    {"Retry-After with a fraction", 429, "Retry-After: 1.5\r\n", "", COOL, 1.5, "429-retry-after"},
    {"Retry-After as a date", 429, "Retry-After: Wed, 25 Nov 2026 09:48:40 GMT\r\n", "", COOL, 120, "429-retry-after"},
    {"Retry-After as an old date", 429, "Retry-After: Wednesday, 25-Nov-26 09:48:40 GMT\r\n", "", COOL, 120,
     "429-retry-after"},
    {"Retry-After as asctime", 429, "Retry-After: Wed Nov 25 09:48:40 2026\r\n", "", COOL, 120, "429-retry-after"},
    {"Retry-After in milliseconds", 429, "retry-after-ms: 2500\r\nretry-after: 3\r\n", "", COOL, 2.5,
     "429-retry-after"},
    {"Retry-After of nothing is a second", 429, "Retry-After: 0\r\n", "", COOL, 1, "429-retry-after"},
    {"Retry-After just past is a second", 429, "Retry-After: Wed, 25 Nov 2026 09:46:30 GMT\r\n", "", COOL, 1,
     "429-retry-after"},
    {"the body says what Retry-After says", 429, "Retry-After: 20\r\n", ERROR("x", "try again in 20s"), COOL, 20,
     "429-retry-after"},
    {"the body knows better than Retry-After", 429, "Retry-After: 5\r\n", "{\"error\":{\"resets_in_seconds\":7200}}",
     COOL, 7200, "429-body-reset"},
    {"x-ratelimit as durations", 429,
     "x-ratelimit-remaining-requests: 0\r\nx-ratelimit-reset-requests: 1m30s\r\n"
     "x-ratelimit-remaining-tokens: 900\r\nx-ratelimit-reset-tokens: 6h\r\n",
     "", COOL, 90, "429-ratelimit-reset"},
    {"x-ratelimit in milliseconds is a second", 429,
     "x-ratelimit-remaining-tokens: 0\r\nx-ratelimit-reset-tokens: 6ms\r\n", "", COOL, 1, "429-ratelimit-reset"},
    {"x-ratelimit as epoch seconds", 429, "X-RateLimit-Remaining: 0\r\nX-RateLimit-Reset: 1795600060\r\n", "", COOL, 60,
     "429-ratelimit-reset"},
    {"x-ratelimit as epoch milliseconds", 429, "X-RateLimit-Reset: 1795600060500\r\n", "", COOL, 60.5,
     "429-ratelimit-reset"},
    {"x-ratelimit as seconds from now", 429, "X-RateLimit-Reset: 45\r\n", "", COOL, 45, "429-ratelimit-reset"},
    {"limits that are not used up explain nothing", 429,
     "x-ratelimit-remaining-requests: 10\r\nx-ratelimit-reset-requests: 6h\r\n", "", COOL, 3600, "429"},
    {"Anthropic's RFC 3339", 429,
     "anthropic-ratelimit-requests-remaining: 0\r\nanthropic-ratelimit-requests-reset: 2026-11-25T09:47:40Z\r\n"
     "anthropic-ratelimit-tokens-remaining: 5000\r\nanthropic-ratelimit-tokens-reset: 2026-11-25T10:46:40Z\r\n",
     "", COOL, 60, "429-ratelimit-reset"},
    {"RFC 3339 with an offset", 429, "anthropic-ratelimit-tokens-reset: 2026-11-25T11:47:40+02:00\r\n", "", COOL, 60,
     "429-ratelimit-reset"},
    {"the later of two used up limits", 429,
     "x-ratelimit-remaining-a: 0\r\nx-ratelimit-reset-a: 5s\r\nx-ratelimit-remaining-b: 0\r\nx-ratelimit-reset-b: "
     "9s\r\n",
     "", COOL, 9, "429-ratelimit-reset"},
    {"resets_at in seconds", 429, "", "{\"error\":{\"type\":\"usage_limit_reached\",\"resets_at\":1795600300}}", COOL,
     300, "429-body-reset"},
    {"a time of the day without a day", 429, "", ERROR("x", "It resets at 3pm."), COOL, 3600, "429"},
    {"a wait", 429, "", ERROR("x", "Please wait for 59 s"), COOL, 59, "429-body-reset"},
    {"a number of seconds, in words", 429, "", ERROR("x", "retry after 30 or so"), COOL, 30, "429-body-reset"},
    {"Mistral's limit by size", 429, "ratelimitbysize-remaining: 0\r\nratelimitbysize-reset: 22\r\n", "", COOL, 22,
     "429-ratelimit-reset"},
    {"a limit whose name is parted", 429, "X-Rate-Limit-Remaining: 0\r\nX-Rate-Limit-Reset: 40\r\n", "", COOL, 40,
     "429-ratelimit-reset"},
    {"xAI's safety check", 403, "", "{\"code\":\"x\",\"error\":\"Content violates usage guidelines. Model: m\"}", WRONG,
     0, "403-flagged"},
    {"LiteLLM's budget", 400, "",
     "{\"error\":{\"message\":\"Budget has been exceeded!\",\"type\":\"budget_exceeded\"}}", COOL, 3600,
     "empty-balance"},
    {"Anthropic's own limit of an account", 400, "",
     ERROR("invalid_request_error", "You have reached your specified API usage limits. You will regain access on"),
     COOL, 1, "400-credit"},
    {"Groq's restriction of an organization", 400, "",
     ERROR("organization_restricted", "Organization has been restricted. Please reach out to support"), COOL, 1,
     "400-wrong-key"},
    {"Azure's role without the action", 401, "",
     ERROR("PermissionDenied", "The principal lacks the required data action `x` to perform `POST /y`"), COOL, 3600,
     "401-scope"},
    {"DashScope's model", 403, "", "{\"code\":\"Model.AccessDenied\",\"message\":\"Model access denied.\"}", COOL, 3600,
     "403-model"},
    {"reset_at in milliseconds", 429, "", "{\"reset_at\":1795600300000}", COOL, 300, "429-body-reset"},
    {"reset_at as text", 429, "", "{\"error\":{\"reset_at\":\"2026-11-25T09:51:40.000Z\"}}", COOL, 300,
     "429-body-reset"},
    {"retry_after", 429, "", "{\"message\":\"slow\",\"retry_after\":12.25}", COOL, 12.25, "429-body-reset"},
    {"retryDelay", 429, "",
     "{\"error\":{\"code\":429,\"status\":\"RESOURCE_EXHAUSTED\",\"message\":\"You exceeded your current quota, please "
     "check your plan and billing details.\",\"details\":[{\"@type\":\"RetryInfo\",\"retryDelay\":\"34.074s\"}]}}",
     COOL, 34.074, "429-body-reset"},
    {"quotaResetDelay", 429, "", "{\"error\":{\"details\":[{\"metadata\":{\"quotaResetDelay\":\"373801.628ms\"}}]}}",
     COOL, 373.801628, "429-body-reset"},
    {"X-RateLimit-Reset inside the body", 429, "",
     "{\"error\":{\"metadata\":{\"headers\":{\"X-RateLimit-Reset\":\"1795600090000\"}}}}", COOL, 90, "429-body-reset"},
    {"resets in 3 hr 20 min", 429, "", ERROR("x", "Limit resets in 3 hr 20 min"), COOL, 12000, "429-body-reset"},
    {"retry after 20 seconds", 429, "", ERROR("x", "Please retry after 20 seconds."), COOL, 20, "429-body-reset"},
    {"try again in 1 hour and 5 minutes", 429, "", "Try again in 1 hour and 5 minutes", COOL, 3900, "429-body-reset"},
    {"reset at a moment", 429, "", ERROR("x", "will reset at 2026-11-25 09:50:00"), COOL, 200, "429-body-reset"},
    {"no balance", 429, "", ERROR("insufficient_quota", "You exceeded your current quota"), COOL, 3600,
     "429-empty-balance"},
    {"Zhipu's number for no balance", 429, "", ERROR("1113", "\xe4\xbd\x99\xe9\xa2\x9d\xe4\xb8\x8d\xe8\xb6\xb3"), COOL,
     3600, "429-empty-balance"},
    {"a plan's limit", 429, "", ERROR("usage_limit_reached", "The usage limit has been reached"), COOL, 3600,
     "429-usage-limit"},
    {"a limit by the minute", 429, "", ERROR("rate_limit_exceeded", "Limit 3 requests per min (RPM)"), COOL, 60,
     "429-per-minute"},
    {"a limit by the second", 429, "", ERROR("x", "at most 2 requests per second"), COOL, 1, "429-per-second"},
    {"the engine, not the key", 429, "", ERROR("engine_overloaded_error", "x"), OUT, 10, "429-overloaded"},
    {"a request that is too large by itself", 429, "",
     ERROR("rate_limit_exceeded", "Request too large on tokens per min (TPM): Limit 10, Requested 20"), WRONG, 0,
     "429-too-large"},

    {"Anthropic's window that rejected", 429,
     "anthropic-ratelimit-unified-status: rejected\r\nanthropic-ratelimit-unified-5h-status: rejected\r\n"
     "anthropic-ratelimit-unified-5h-reset: 1795603000\r\nanthropic-ratelimit-unified-7d-status: allowed\r\n"
     "anthropic-ratelimit-unified-7d-reset: 1796100000\r\nanthropic-ratelimit-unified-overage-status: rejected\r\n"
     "anthropic-ratelimit-unified-overage-reset: 1796900000\r\n",
     "", COOL, 3000, "429-ratelimit-reset"},
    {"both windows rejected", 429,
     "anthropic-ratelimit-unified-5h-status: rejected\r\nanthropic-ratelimit-unified-5h-reset: 1795603000\r\n"
     "anthropic-ratelimit-unified-7d-status: rejected\r\nanthropic-ratelimit-unified-7d-reset: 1796100000\r\n",
     "", COOL, 500000, "429-ratelimit-reset"},
    {"no window says so", 429, "anthropic-ratelimit-unified-reset: 1795600500\r\n", "", COOL, 500,
     "429-ratelimit-reset"},
    {"the field of the IETF", 429, "RateLimit: \"burst\";r=0;t=30, \"daily\";r=12;t=7200\r\n", "", COOL, 30,
     "429-ratelimit-reset"},
    {"its older form", 429, "RateLimit: limit=100, remaining=0, reset=50\r\n", "", COOL, 50, "429-ratelimit-reset"},
    {"a negative retry-after-ms", 429, "retry-after-ms: -1\r\nRetry-After: 7\r\n", "", COOL, 7, "429-retry-after"},
    {"too many at one time", 429, "", ERROR("x", "Too many concurrent requests"), COOL, 1, "429-concurrent"},
    {"too many at one time, until a moment", 429, "Retry-After: 4\r\n", ERROR("x", "concurrency limit"), COOL, 4,
     "429-retry-after"},

    /* Nonsense for a time is none. */
    {"a negative time", 429, "Retry-After: -5\r\n", "", COOL, 3600, "429"},
    {"a time in a hundred years", 429, "", "{\"resets_at\":4951100000}", COOL, 3600, "429"},
    {"a time that overflows", 429, "Retry-After: 99999999999999999999999999\r\n", "{\"retry_after\":1e999}", COOL, 3600,
     "429"},
    {"a time that is no number", 429, "Retry-After: NaN\r\n", "{\"retry_after\":null,\"resets_at\":{}}", COOL, 3600,
     "429"},
    {"a date that is none", 429, "Retry-After: Wed, 99 Foo 2026 99:99:99 GMT\r\n", "", COOL, 3600, "429"},
    {"a time long ago", 429, "", "{\"resets_at\":1500000000}", COOL, 3600, "429"},

    /* The rest. */
    {"no answer at all", 0, "", "", OUT, 10, "no-answer"},
    {"500", 500, "", "", OUT, 10, "5xx"},
    {"503 with Retry-After", 503, "Retry-After: 120\r\n", "", OUT, 120, "5xx-reset"},
    {"529, Anthropic is overloaded", 529, "", "{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\"}}", OUT, 10,
     "5xx"},
    {"a full limit does not explain a 503", 503, "x-ratelimit-reset: 3600\r\n", "", OUT, 10, "5xx"},
    {"501", 501, "", "", WRONG, 0, "501"},
    {"400", 400, "", ERROR("invalid_request_error", "x"), WRONG, 0, "4xx"},
    {"400 that means an empty balance", 400, "",
     "{\"type\":\"error\",\"error\":{\"type\":\"invalid_request_error\",\"message\":\"Your credit balance is too "
     "low\"}}",
     COOL, 1, "400-credit"},
    {"xAI's wrong key is another key's chance", 400, "",
     "{\"code\":\"Client specified an invalid argument\",\"error\":\"Incorrect API key provided: sk***55. You can "
     "obtain one.\"}",
     COOL, 1, "400-wrong-key"},
    {"a 400 that quotes such words", 400, "",
     "{\"error\":{\"message\":\"Unknown role 'Incorrect API key provided'\",\"type\":\"invalid_request_error\"}}",
     WRONG, 0, "4xx"},
    {"a request that was flagged, and cost no credits", 403, "",
     "{\"error\":{\"code\":403,\"message\":\"m requires moderation on X. Your input was flagged for violence. No "
     "credits were "
     "charged.\"}}",
     WRONG, 0, "403-flagged"},
    {"400 from Google: the key is none", 400, "",
     "{\"error\":{\"code\":400,\"message\":\"API key not valid.\",\"details\":[{\"reason\":\"API_KEY_INVALID\"}]}}",
     DEAD, INFINITY, "400-revoked"},
    {"404", 404, "", ERROR("model_not_found", "x"), WRONG, 0, "4xx"},
    {"408", 408, "", "", OUT, 10, "408"},
    {"413", 413, "", "", WRONG, 0, "4xx"},
    {"422 with the user's words in it", 422, "", "{\"detail\":[{\"input\":\"insufficient balance\"}]}", WRONG, 0,
     "4xx"},
    {"400 that quotes a key's death", 400, "",
     "{\"error\":{\"message\":\"bad input: 'Incorrect API key provided, please "
     "recharge'\",\"code\":\"invalid_value\"}}",
     WRONG, 0, "4xx"},
    {"400 with codes in what it quotes", 400, "",
     "{\"error\":{\"code\":\"invalid_value\",\"input\":{\"code\":\"invalid_api_key\",\"status\":\"insufficient_quota\"}"
     "}}",
     WRONG, 0, "4xx"},
    {"422 with codes in what it quotes", 422, "", "{\"detail\":[{\"input\":{\"code\":\"invalid_api_key\"}}]}", WRONG, 0,
     "4xx"},
    {"404 that quotes a balance", 404, "", ERROR("not_found", "no file 'insufficient balance'"), WRONG, 0, "4xx"},
    {"500 that quotes a balance", 500, "", ERROR("x", "cannot parse 'insufficient balance'"), OUT, 10, "5xx"},
    {"400 with a code of its own for no money", 400, "", "{\"code\":\"Arrearage\",\"message\":\"x\"}", COOL, 3600,
     "empty-balance"},
    {"200 with an error that quotes", 200, "",
     "{\"error\":{\"type\":\"invalid_request_error\",\"message\":\"bad: 'rate limit, insufficient balance'\"}}", WRONG,
     0, "4xx"},
    {"401, another organization's key", 401, "", ERROR("mismatched_organization", "x"), WRONG, 0, "401-organization"},
    {"402, a smaller request would do", 402, "", ERROR("x", "This needs more credits, or fewer max_tokens"), COOL, 1,
     "402-this-request"},
    {"a redirect", 302, "Location: https://elsewhere.test/\r\n", "", WRONG, 0, "redirect"},
    {"a status that is none", 999, "", "", OUT, 10, "no-http"},
};

static struct hermes_judgement judge(const struct row *row)
{
    const struct hermes_answer answer = {.status = row->status,
                                         .headers = row->headers,
                                         .headers_len = strlen(row->headers),
                                         .body = row->body,
                                         .body_len = strlen(row->body),
                                         .model = "gpt-big"};
    return hermes_classify(&answer, now);
}

static void judges_as_the_table_says(void **state)
{
    int wrong = 0;
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct row *row = &rows[i];
        struct hermes_judgement got = judge(row);
        double seconds = got.until == 0 ? 0 : got.until - now;
        bool right = (int)got.verdict == row->verdict && strcmp(got.rule, row->rule) == 0 &&
                     (seconds == row->seconds || fabs(seconds - row->seconds) < 1e-3);
        wrong += !right;
        if (!right)
            print_error("%s: got %d, %g s, %s\n", row->name, (int)got.verdict, seconds, got.rule);
    }
    assert_int_equal(wrong, 0);
}

/* For what the key is out. */
static void says_for_what(void **state)
{
    static const struct {
        int status;
        const char *headers;
        const char *body;
        enum hermes_scope scope;
        bool proven;
    } answers[] = {
        {429, "", "", HERMES_SCOPE_KEY, true},
        {429, "", ERROR("rate_limit_exceeded", "Rate limit reached for gpt-big in organization x"), HERMES_SCOPE_MODEL,
         true},
        {429, "", ERROR("rate_limit_exceeded", "Rate limit reached for gpt-big-2 in organization x"), HERMES_SCOPE_KEY,
         true},
        {429, "", ERROR("x", "The rate limit for this model was exceeded"), HERMES_SCOPE_MODEL, true},
        {429, "", "{\"error\":{\"details\":[{\"violations\":[{\"quotaId\":\"RequestsPerDayPerProjectPerModel\"}]}]}}",
         HERMES_SCOPE_MODEL, true},
        {429, "", ERROR("insufficient_quota", "gpt-big: check your plan"), HERMES_SCOPE_KEY, true},
        {429, "", ERROR("x", "Extra usage is required for long context requests."), HERMES_SCOPE_REQUEST, true},
        {402, "", ERROR("x", "more credits, or fewer max_tokens"), HERMES_SCOPE_REQUEST, true},
        {401, "", "", HERMES_SCOPE_KEY, false},
        {401, "", ERROR("invalid_api_key", "x"), HERMES_SCOPE_KEY, true},
        {401, "", ERROR("x", "Missing scopes: api.model.read."), HERMES_SCOPE_ENDPOINT, false},
        {403, "WWW-Authenticate: Bearer error=\"insufficient_scope\"\r\n", "", HERMES_SCOPE_ENDPOINT, true},
        {403, "", ERROR("forbidden", "keys are not authorized for this route."), HERMES_SCOPE_ENDPOINT, false},
        {403, "", ERROR("x", "You do not have access to model gpt-big"), HERMES_SCOPE_MODEL, false},
        {403, "", ERROR("forbidden", "Your account is not authorized"), HERMES_SCOPE_KEY, false},
        {400, "", ERROR("invalid_request_error", "Your credit balance is too low"), HERMES_SCOPE_REQUEST, false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        const struct row row = {"", answers[i].status, answers[i].headers, answers[i].body, 0, 0, ""};
        struct hermes_judgement got = judge(&row);
        if (got.scope != answers[i].scope || got.proven != answers[i].proven)
            print_error("%d %s: got %d, %d, %s\n", row.status, row.body, (int)got.scope, got.proven, got.rule);
        assert_int_equal(got.scope, answers[i].scope);
        assert_int_equal(got.proven, answers[i].proven);
    }
}

/* Cut off anywhere, an answer is still judged, with a time that can be waited for. */
static void takes_beginnings(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        for (size_t len = 0; len < strlen(rows[i].body); len++) {
            char *copy = malloc(len + 1); /* so that a step too far is seen */
            memcpy(copy, rows[i].body, len);
            const struct hermes_answer answer = {.status = rows[i].status, .body = copy, .body_len = len};
            struct hermes_judgement got = hermes_classify(&answer, now);
            assert_true(got.until == 0 || isinf(got.until) ||
                        (got.until >= now + 1 && got.until <= now + 33 * 86400.0));
            free(copy);
        }
    }
}

static void says_what_was_given(void **state)
{
    const struct row given = {"", 429, "Retry-After: 9\r\n", "", 0, 0, ""};
    const struct row guessed = {"", 429, "", "", 0, 0, ""};
    (void)state;
    assert_true(judge(&given).given);
    assert_false(judge(&guessed).given);
    const struct hermes_answer nothing = {.status = 429};
    assert_string_equal(hermes_classify(&nothing, now).rule, "429");
}

/* The numbers stand in files. */
static void rules_have_numbers_of_their_own(void **state)
{
    size_t known = 0;
    (void)state;
    assert_int_equal(classify_rule_number("429-retry-after"), 18);
    assert_int_equal(classify_rule_number("401-revoked"), 5);
    assert_int_equal(classify_rule_number("no such rule"), 0);
    assert_int_equal(classify_rule_number(NULL), 0);
    for (unsigned i = 0; i < 256; i++) {
        const char *name = classify_rule_name(i);
        known += *name != '\0';
        assert_int_equal(classify_rule_number(name), *name == '\0' ? 0 : i);
    }
    assert_int_equal(known, 44);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(judges_as_the_table_says),
        cmocka_unit_test(says_for_what),
        cmocka_unit_test(takes_beginnings),
        cmocka_unit_test(says_what_was_given),
        cmocka_unit_test(rules_have_numbers_of_their_own),
    };
    return cmocka_run_group_tests_name("classify", tests, NULL, NULL);
}
