/* hermes-http: sends the HTTP requests that stand on its standard input, and says on standard output what was answered.
 * hermes-compile and hermes-watch run it, so that neither of them links libcurl. Keys come on standard input alone: an
 * argument and an environment are everybody's to read.
 *
 *     {"in_order": false, "requests": [{"url": "https://...", "auth": "bearer", "secret": "...",
 *       "headers": {"X-Team": "a"}, "body": "...", "proxy": "http://...", "no_proxy": "...", "ca_file": "...",
 *       "verify": true}]}
 *
 * A request with a body is a POST of JSON. "in_order": one after the other, and none behind one that was not taken.
 *
 *     {"answers": [{"state": "works", "status": 200, "rule": "...", "until": 1795478458, "error": "..."}, null]}
 *
 * An answer for each request in its place; null: it was not sent. TLS is verified, a redirect is an answer and not
 * followed, and what this user's environment or files say of proxies, netrc and the like is not asked. */
#include <math.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cjson/cJSON.h>
#include <curl/curl.h>
#include <sodium.h>

#include "clock.h"
#include "curl_library.h"
#include "egress.h"
#include "hermes_runtime.h"
#include "http_only.h"
#include "key_header.h"
#include "option_table.h"
#include "protect_process.h"

#include "commit.h"

enum {
    LIMIT_S = 5,          /* for one request, the look-up of its name included */
    AT_ONCE = 16,         /* requests in flight */
    MAX_KEPT = 64 * 1024, /* of an answer's headers, and of its body */
    LONGEST_INPUT = 64 * 1024 * 1024,
};

static const struct option_row rows[] = {OPTION_COMMON};

static const struct option_exit exits[] = {
    {EXIT_OK, "There is an answer for each request."},
    {EXIT_USAGE, "Standard input does not hold requests, or the answers could not be written."},
};

static void print_libraries(void)
{
    curl_library_print();
    (void)printf(", cJSON %s, libsodium %s", cJSON_Version(), sodium_version_string());
}

static const struct option_table command = {
    .program = "hermes-http",
    .version = HERMES_VERSION,
    .print_libraries = print_libraries,
    .about =
        "Sends the HTTP requests that hermes-compile and hermes-watch give it as JSON on standard input, and prints "
        "the answers. It is not meant to be run by hand.",
    .rows = rows,
    .row_count = sizeof rows / sizeof *rows,
    .exits = exits,
    .exit_count = sizeof exits / sizeof *exits,
    .usual_mode = 1,
};

struct bytes {
    char *at;
    size_t len;
};

struct exchange {
    const cJSON *request;
    CURL *curl;
    struct curl_slist *headers;
    struct bytes head;
    struct bytes body;
    cJSON *answer; /* NULL: not sent yet */
};

static const char *text_of(const cJSON *object, const char *name)
{
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));
}

/* --- one request --- */

static size_t keep(struct bytes *bytes, const char *more, size_t len)
{
    size_t room = MAX_KEPT - bytes->len;
    size_t kept = len < room ? len : room;
    char *grown = realloc(bytes->at, bytes->len + kept + 1);
    if (grown == NULL)
        return 0;
    memcpy(grown + bytes->len, more, kept);
    bytes->at = grown;
    bytes->len += kept;
    return kept; /* less than there was ends the transfer: nobody needs the rest */
}

static size_t take_body(char *data, size_t size, size_t count, void *exchange)
{
    return keep(&((struct exchange *)exchange)->body, data, size * count);
}

/* Without the status line, and of the last answer only: a 100 may stand before it. */
static size_t take_header(char *data, size_t size, size_t count, void *exchange)
{
    struct bytes *head = &((struct exchange *)exchange)->head;
    if (size * count >= 5 && memcmp(data, "HTTP/", 5) == 0)
        head->len = 0;
    else if (size * count > 2)
        (void)keep(head, data, size * count);
    return size * count;
}

static bool add_header(struct exchange *e, const char *name, const char *value)
{
    size_t size = strlen(name) + strlen(value) + 3;
    char *line = malloc(size);
    if (line == NULL)
        return false;
    (void)snprintf(line, size, "%s: %s", name, value);
    bool clean = true;
    for (const char *c = line; *c != '\0'; c++)
        clean = clean && ((unsigned char)*c >= ' ' || *c == '\t') && *c != 127;
    struct curl_slist *longer = clean ? curl_slist_append(e->headers, line) : NULL;
    free(line);
    if (longer == NULL)
        return false;
    e->headers = longer;
    return true;
}

/* Whether the configuration has a header of that NAME, whatever its case. */
static bool has_header(const struct exchange *e, const char *name)
{
    const cJSON *header;
    cJSON_ArrayForEach(header, cJSON_GetObjectItemCaseSensitive(e->request, "headers"))
    {
        if (strcasecmp(header->string, name) == 0)
            return true;
    }
    return false;
}

static bool add_key(struct exchange *e, const char *auth, const char *secret)
{
    if (auth == NULL || secret == NULL || *secret == '\0')
        return true;
    const struct key_header key = key_header(auth, secret);
    if (has_header(e, key.name))
        return true;
    char *value = NULL;
    bool added = asprintf(&value, "%s%s", key.scheme, secret) >= 0 && add_header(e, key.name, value);
    free(value);
    if (added && strcmp(auth, "x-api-key") == 0)
        added = add_header(e, "anthropic-version", ANTHROPIC_VERSION);
    return added && (key.beta == NULL || add_header(e, "anthropic-beta", key.beta));
}

static bool add_headers(struct exchange *e)
{
    const cJSON *header;
    const char *body = text_of(e->request, "body");
    if (!add_key(e, text_of(e->request, "auth"), text_of(e->request, "secret")))
        return false;
    cJSON_ArrayForEach(header, cJSON_GetObjectItemCaseSensitive(e->request, "headers"))
    {
        const char *value = cJSON_GetStringValue(header);
        if (value != NULL && !add_header(e, header->string, value))
            return false;
    }
    return body == NULL || add_header(e, "Content-Type", "application/json");
}

static bool set_options(struct exchange *e, const char *url)
{
    CURL *curl = e->curl;
    const char *proxy = text_of(e->request, "proxy");
    const char *no_proxy = text_of(e->request, "no_proxy");
    const char *ca_file = text_of(e->request, "ca_file");
    char path[PATH_MAX];
    bool verified = !cJSON_IsFalse(cJSON_GetObjectItemCaseSensitive(e->request, "verify"));
    const char *body = text_of(e->request, "body");
    bool set = curl_easy_setopt(curl, CURLOPT_URL, url) == CURLE_OK && http_only(curl) == CURLE_OK &&
               curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
               curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, verified ? 1L : 0L) == CURLE_OK &&
               curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, verified ? 2L : 0L) == CURLE_OK &&
               curl_easy_setopt(curl, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED) == CURLE_OK &&
               curl_easy_setopt(curl, CURLOPT_PROXY, proxy != NULL ? proxy : "") == CURLE_OK &&
               curl_easy_setopt(curl, CURLOPT_NOPROXY, no_proxy != NULL ? no_proxy : "") == CURLE_OK &&
               curl_easy_setopt(curl, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L) == CURLE_OK &&
               curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, LIMIT_S * 1000L) == CURLE_OK &&
               curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
               curl_easy_setopt(curl, CURLOPT_HTTPHEADER, e->headers) == CURLE_OK &&
               curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body) == CURLE_OK &&
               curl_easy_setopt(curl, CURLOPT_WRITEDATA, e) == CURLE_OK &&
               curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, take_header) == CURLE_OK &&
               curl_easy_setopt(curl, CURLOPT_HEADERDATA, e) == CURLE_OK &&
               curl_easy_setopt(curl, CURLOPT_USERAGENT, "hermes-watch/" HERMES_VERSION) == CURLE_OK &&
               curl_easy_setopt(curl, CURLOPT_PRIVATE, e) == CURLE_OK;
    if (ca_file != NULL && (ca_file = egress_ca_file(ca_file, path)) != NULL)
        set = set && curl_easy_setopt(curl, CURLOPT_CAINFO, ca_file) == CURLE_OK;
    if (body != NULL)
        set = set && curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body) == CURLE_OK;
    return set;
}

/* --- what was answered --- */

/* LIMITED and UNREACHABLE say nothing against a key; UNCLEAR says nothing of it at all. */
static const char *state_of(int status, const struct hermes_judgement *judged)
{
    enum hermes_verdict verdict = judged->verdict;
    bool refusal = status == 401 || status == 403;
    if (status == 0)
        return "unreachable";
    if (refusal && judged->scope != HERMES_SCOPE_KEY)
        return "works"; /* it is known: it may only not list models */
    if (refusal && verdict == HERMES_REQUEST_WRONG)
        return "unclear";
    if (status == 401 || status == 403 || verdict == HERMES_KEY_DEAD)
        return "refused";
    if (verdict == HERMES_KEY_COOLING)
        return "limited";
    if (verdict == HERMES_PROVIDER_OUT)
        return "unreachable";
    return status / 100 == 2 && verdict == HERMES_KEY_GOOD ? "works" : "unclear";
}

static void end(struct exchange *e, CURLcode code, const char *words)
{
    long status = 0;
    if (e->curl != NULL)
        (void)curl_easy_getinfo(e->curl, CURLINFO_RESPONSE_CODE, &status);
    const struct hermes_answer answer = {.status = (int)status,
                                         .headers = e->head.at != NULL ? e->head.at : "",
                                         .headers_len = e->head.len,
                                         .body = e->body.at != NULL ? e->body.at : "",
                                         .body_len = e->body.len};
    struct hermes_judgement judged = hermes_classify(&answer, clock_wall());
    e->answer = cJSON_CreateObject();
    (void)cJSON_AddStringToObject(e->answer, "state", state_of((int)status, &judged));
    (void)cJSON_AddNumberToObject(e->answer, "status", (double)status);
    if (status != 0 && judged.rule != NULL)
        (void)cJSON_AddStringToObject(e->answer, "rule", judged.rule);
    if (judged.until > 0 && isfinite(judged.until))
        (void)cJSON_AddNumberToObject(e->answer, "until", judged.until);
    if (status == 0)
        (void)cJSON_AddStringToObject(e->answer, "error", words != NULL ? words : curl_easy_strerror(code));
}

static bool taken(const struct exchange *e)
{
    const cJSON *status = cJSON_GetObjectItemCaseSensitive(e->answer, "status");
    return cJSON_IsNumber(status) && status->valueint / 100 == 2;
}

/* --- all of them --- */

/* False: it cannot be sent, and the answer says so. */
static bool begin(CURLM *multi, struct exchange *e)
{
    const char *url = text_of(e->request, "url");
    e->curl = curl_easy_init();
    if (e->curl != NULL && url != NULL && add_headers(e) && set_options(e, url) &&
        curl_multi_add_handle(multi, e->curl) == CURLM_OK)
        return true;
    end(e, CURLE_OK, "not sent: a control character, or something that is not a URL");
    return false;
}

static void collect(CURLM *multi, size_t *flying)
{
    int left;
    for (CURLMsg *message; (message = curl_multi_info_read(multi, &left)) != NULL;) {
        struct exchange *e = NULL;
        if (message->msg != CURLMSG_DONE)
            continue;
        CURLcode code = message->data.result;
        CURL *curl = message->easy_handle;
        (void)curl_easy_getinfo(curl, CURLINFO_PRIVATE, (char **)&e);
        end(e, code, NULL);
        (void)curl_multi_remove_handle(multi, curl);
        --*flying;
    }
}

static void send_all(struct exchange *exchanges, size_t count, bool in_order)
{
    CURLM *multi = curl_multi_init();
    size_t flying = 0;
    size_t next = 0;
    int running;
    while (multi != NULL && (flying > 0 || next < count)) {
        while (next < count && flying < (in_order ? 1 : AT_ONCE)) {
            if (in_order && next > 0 && !taken(&exchanges[next - 1]))
                count = next; /* those behind it wait for another time */
            else
                flying += begin(multi, &exchanges[next++]);
        }
        if (curl_multi_perform(multi, &running) != CURLM_OK)
            return;
        collect(multi, &flying);
        if (flying > 0)
            (void)curl_multi_poll(multi, NULL, 0, 1000, NULL);
    }
}

static char *read_input(size_t *ret_len)
{
    size_t len = 0;
    size_t capacity = 65536;
    char *bytes = malloc(capacity);
    for (size_t got; bytes != NULL && (got = fread(bytes + len, 1, capacity - len, stdin)) > 0;) {
        len += got;
        if (len < capacity)
            continue;
        capacity *= 2;
        bytes = capacity > LONGEST_INPUT ? NULL : realloc(bytes, capacity);
    }
    *ret_len = len;
    return bytes;
}

static int answer_all(const cJSON *job)
{
    const cJSON *requests = cJSON_GetObjectItemCaseSensitive(job, "requests");
    int count = cJSON_GetArraySize(requests);
    if (!cJSON_IsArray(requests) || count == 0)
        return EXIT_USAGE;
    struct exchange *exchanges = calloc((size_t)count, sizeof *exchanges);
    cJSON *answers = cJSON_CreateArray();
    if (exchanges == NULL || answers == NULL)
        return EXIT_USAGE;
    for (int i = 0; i < count; i++)
        exchanges[i].request = cJSON_GetArrayItem(requests, i);
    (void)alarm((unsigned)(count / AT_ONCE + 2) * LIMIT_S * 2); /* should libcurl hang all the same */
    send_all(exchanges, (size_t)count, cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(job, "in_order")));
    for (int i = 0; i < count; i++)
        (void)cJSON_AddItemToArray(answers, exchanges[i].answer != NULL ? exchanges[i].answer : cJSON_CreateNull());
    char *text = cJSON_PrintUnformatted(answers);
    if (text == NULL || printf("{\"answers\":%s}\n", text) < 0 || fflush(stdout) != 0)
        return EXIT_USAGE;
    return EXIT_OK;
}

int main(int argc, char **argv)
{
    size_t len;
    struct option_line line = {.commit = HERMES_COMMIT};
    protect_process();
    option_table_parse(&command, argc, argv, &line);
    (void)signal(SIGPIPE, SIG_IGN);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* nobody would hear the answer */
    if (isatty(STDIN_FILENO))
        option_table_wrong(&command, "there are no requests on standard input");
    char *input = read_input(&len);
    cJSON *job = input == NULL ? NULL : cJSON_ParseWithLength(input, len);
    if (job == NULL || curl_global_init(CURL_GLOBAL_DEFAULT) != 0)
        _exit(EXIT_USAGE);
    int status = answer_all(job);
    /* Not by way of libcurl's cleaning up: it would wait for a look-up that nobody waits for any more. The kernel wipes
     * the pages. */
    _exit(status);
}
