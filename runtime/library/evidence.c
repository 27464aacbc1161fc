#include "evidence.h"

#include <math.h>
#include <string.h>
#include <strings.h>

#include "json_token.h"
#include "reset_time.h"

enum {
    ERROR_LIMIT = 65536,   /* bytes of an error's body that are looked at */
    SUCCESS_LIMIT = 16384, /* a success longer than this is one: errors are short */
    TEXT_LIMIT = 2048,     /* of one message */
    NAME_LIMIT = 32,
    MODEL_SHORTEST = 3, /* a shorter name may stand anywhere */
    DEPTH = 8,          /* of objects in an error */
};

/* --- Words --- */

enum manner { CODE, PHRASE, BEGINNING }; /* a whole code or type; a part of a message; how it begins */

/* What providers write, in lower case. Hermes's own list of dead keys is the first row; the rest is what the public
 * documentation of OpenAI, Anthropic, Google, OpenRouter, Moonshot, Zhipu, MiniMax, DashScope and DeepSeek names. */
static const struct {
    unsigned kind;
    enum manner manner;
    const char *words; /* separated by '|' */
} vocabulary[] = {
    {SAYS_REVOKED, CODE,
     "token_invalidated|token_revoked|invalid_token|invalid_grant|unauthorized_client|refresh_token_reused"},
    {SAYS_REVOKED, CODE,
     "invalid_api_key|api_key_invalid|incorrect_api_key|invalidapikey|account_deactivated|key_revoked|2049"},
    {SAYS_REVOKED, PHRASE,
     "incorrect api key|invalid api key|invalid x-api-key|api key not valid|api key not found|api key is invalid|"
     "key has been revoked|key was revoked|key is revoked|token has been revoked|api key expired|api key has expired|"
     "key has been disabled|key is disabled|account has been deactivated|user not found"},
    {SAYS_BALANCE, CODE,
     "insufficient_quota|insufficient_balance|insufficient_credits|insufficient_user_quota|billing_hard_limit_reached|"
     "billing_error|billing_not_active|budget_exceeded|payment_required|exceeded_current_quota_error|arrearage|1113|"
     "1008"},
    {SAYS_BALANCE, PHRASE,
     "insufficient balance|insufficient credit|insufficient fund|insufficient account balance|insufficient quota|"
     "credit balance is too low|balance is insufficient|balance not enough|not enough balance|not enough credit|"
     "out of credit|no credits|more credits|credits exhausted|credits have been exhausted|balance exhausted|"
     "negative balance|top up|recharge|billing hard limit|\xe4\xbd\x99\xe9\xa2\x9d\xe4\xb8\x8d\xe8\xb6\xb3|"
     "\xe6\xac\xa0\xe8\xb4\xb9"},
    {SAYS_RATE, CODE,
     "rate_limit_exceeded|rate_limit_error|rate_limit_reached_error|rate_limited|too_many_requests|resource_exhausted|"
     "throttling|throttlingexception|requests|tokens|1002|1039|1302|1303|1305"},
    {SAYS_RATE, PHRASE, "rate limit|too many requests"},
    {SAYS_USAGE, CODE, "usage_limit_reached|usage_limit_exceeded|quota_exceeded|1308"},
    {SAYS_USAGE, PHRASE, "usage limit|weekly limit|daily limit|monthly limit"},
    {SAYS_OVERLOADED, CODE, "overloaded_error|engine_overloaded_error|engine_overloaded|server_overloaded|overloaded"},
    {SAYS_TROUBLE, CODE,
     "server_error|api_error|internal_error|internal_server_error|internal|service_unavailable|unavailable|"
     "bad_gateway|timeout_error|deadline_exceeded|1000|1001|1024|1033"},
    {SAYS_OVERLOADED, PHRASE, "overloaded|at capacity|over capacity"},
    {SAYS_AUTH, CODE, "authentication_error|invalid_authentication_error|unauthenticated|unauthorized|1004"},
    {SAYS_FORBIDDEN, CODE, "permission_error|permission_denied|forbidden"},
    {SAYS_REQUEST, CODE,
     "invalid_request_error|invalid_argument|not_found_error|not_found|model_not_found|request_too_large|"
     "context_length_exceeded|content_filter|content_policy_violation|2013"},
    {SAYS_REQUEST, PHRASE,
     "model not found|moderation|flagged|content policy|maximum context length|prompt is too long"},
    {SAYS_SCOPE, CODE,
     "missing_scope|missing_scopes|insufficient_scope|insufficient_permissions|access_token_scope_insufficient|"
     "endpoint_not_allowed|operation_not_allowed"},
    {SAYS_SCOPE, PHRASE,
     "lacks the required data action|missing scope|insufficient scope|required scope|insufficient permissions for this "
     "operation|for this route|"
     "for this endpoint|specified resource|access this resource|perform this operation|organization verification|"
     "organization must be verified|verify your organization"},
    {SAYS_MODEL, CODE,
     "model_not_found|model_not_allowed|model_not_available|model_access_denied|key_model_access_denied|"
     "team_model_access_denied|model.accessdenied|accessdenied.unpurchased"},
    {SAYS_MODEL, PHRASE,
     "access to model|access to the model|access to this model|for this model|use this model|not entitled|entitlement|"
     "in your plan|on your plan|by your plan"},
    {SAYS_ORGANIZATION, CODE,
     "mismatched_organization|mismatched_project|invalid_organization|organization_not_found|invalid_project|"
     "project_not_found"},
    {SAYS_ORGANIZATION, PHRASE,
     "organization header|project header|match organization|match project|no such organization|no such project"},
    {SAYS_CONCURRENT, CODE, "concurrency_limit_exceeded|too_many_concurrent_requests|concurrent_requests|1302"},
    {SAYS_CONCURRENT, PHRASE, "concurrent|concurrency|in parallel|simultaneous"},
    {SAYS_THIS_MUCH, PHRASE, "long context|fewer max_tokens|lower max_tokens|reduce max_tokens"},
    {SAYS_CREDIT, BEGINNING, "your credit balance is too low|you have reached your specified api usage limits"},
    {SAYS_WRONG_KEY, BEGINNING,
     "incorrect api key provided|invalid api key|this organization has been disabled|organization has been restricted"},
    {SAYS_FLAGGED, PHRASE,
     "requires moderation|input was flagged|prompt was flagged|content was flagged|content violates"},
    {SAYS_TOO_LARGE, PHRASE, "request too large"},
    {SAYS_REGION, CODE, "unsupported_country_region_territory"},
    {SAYS_REGION, PHRASE, "country, region|not available in your country|not available in your region"},
    {SAYS_AGAIN, PHRASE, "try again|temporar|retry|rate limit|too many requests"},
    {SAYS_SECOND, PHRASE, "per second|(rps)"},
    {SAYS_MINUTE, PHRASE, "per minute|per min|perminute|(rpm)|(tpm)|requests/min|tokens/min"},
};

static bool contains(const char *text, size_t len, const char *word, size_t size)
{
    for (size_t i = 0; i + size <= len; i++)
        if (strncasecmp(text + i, word, size) == 0)
            return true;
    return false;
}

static bool says(enum manner manner, const char *text, size_t len, const char *word, size_t size)
{
    if (manner == PHRASE)
        return memmem(text, len, word, size) != NULL;
    return (manner == CODE ? len == size : len >= size) && memcmp(text, word, size) == 0;
}

/* The kinds of all words that TEXT is, as CODE, or has in it. */
static unsigned kinds_of(const char *text, size_t len, bool code)
{
    unsigned kinds = 0;
    char lower[TEXT_LIMIT];
    len = len < sizeof lower ? len : sizeof lower;
    for (size_t i = 0; i < len; i++)
        lower[i] = (char)(text[i] >= 'A' && text[i] <= 'Z' ? text[i] | 0x20 : text[i]);
    for (size_t i = 0; i < sizeof vocabulary / sizeof *vocabulary; i++) {
        if ((vocabulary[i].manner == CODE) != code)
            continue;
        for (const char *word = vocabulary[i].words; *word != '\0'; word += *word == '|') {
            size_t size = strcspn(word, "|");
            kinds |= says(vocabulary[i].manner, lower, len, word, size) ? vocabulary[i].kind : 0;
            word += size;
        }
    }
    return kinds;
}

static bool continues(const char *at, const char *end)
{
    bool joint = at < end && strchr("-._:/", *at) != NULL && *at != '\0';
    at += joint;
    return at < end && ((*at >= '0' && *at <= '9') || (*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z'));
}

/* Whether TEXT has the name of MODEL in it, and not as the beginning of a longer one. */
static bool names(const char *text, size_t len, const char *model)
{
    size_t size = model == NULL ? 0 : strlen(model);
    for (size_t i = 0; size >= MODEL_SHORTEST && i + size <= len; i++)
        if (strncasecmp(text + i, model, size) == 0 && !continues(text + i + size, text + len))
            return true;
    return false;
}

/* --- Headers --- */

/* The value of the line that NAME begins, in any case; NULL when there is none. */
static const char *header(const struct hermes_answer *answer, const char *name, size_t name_len, size_t *ret_len)
{
    const char *at = answer->headers;
    const char *end = at == NULL ? NULL : at + answer->headers_len;
    while (at < end) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        const char *stop = newline == NULL ? end : newline;
        if ((size_t)(stop - at) > name_len && at[name_len] == ':' && strncasecmp(at, name, name_len) == 0) {
            *ret_len = (size_t)(stop - at) - name_len - 1;
            return at + name_len + 1;
        }
        at = newline == NULL ? end : newline + 1;
    }
    return NULL;
}

static double header_time(const struct hermes_answer *answer, const char *name, double now, bool milliseconds)
{
    size_t len;
    const char *value = header(answer, name, strlen(name), &len);
    return value == NULL ? NAN : reset_time_parse(value, len, now, milliseconds);
}

/* What remains of the limit whose reset stands under NAME: the header of the same name with `remaining` in it. -1 when
 * it does not say. */
static int remaining(const struct hermes_answer *answer, const char *name, size_t len, size_t reset_at)
{
    char other[96];
    size_t value_len;
    size_t tail = len - reset_at - strlen("reset");
    if (len + strlen("remaining") >= sizeof other)
        return -1;
    memcpy(other, name, reset_at);
    memcpy(other + reset_at, "remaining", strlen("remaining"));
    memcpy(other + reset_at + strlen("remaining"), name + reset_at + strlen("reset"), tail);
    const char *value = header(answer, other, reset_at + strlen("remaining") + tail, &value_len);
    if (value == NULL)
        return -1;
    for (size_t i = 0; i < value_len; i++)
        if (value[i] >= '1' && value[i] <= '9')
            return 1;
    return 0;
}

/* The next line of the headers, from *AT on. False: there is none. */
static bool next_line(const struct hermes_answer *answer, const char **at, const char **ret, size_t *ret_len)
{
    const char *end = answer->headers == NULL ? NULL : answer->headers + answer->headers_len;
    if (*at == end)
        return false;
    const char *newline = memchr(*at, '\n', (size_t)(end - *at));
    *ret = *at;
    *ret_len = (size_t)((newline == NULL ? end : newline) - *at);
    *at = newline == NULL ? end : newline + 1;
    return true;
}

/* The latest of two moments, where NAN is none. */
static void note_reset(double *latest, double reset)
{
    if (isnan(*latest) || reset > *latest)
        *latest = reset;
}

/* Anthropic's windows for a subscription, `anthropic-ratelimit-unified-5h-status` and the like: when the last of those
 * that rejected the request ends; where none says so, what stands for all of them. */
static double unified_reset(const struct hermes_answer *answer, double now)
{
    static const char window[] = "anthropic-ratelimit-unified-";
    const size_t size = sizeof window - 1;
    double latest = NAN;
    const char *line;
    size_t len;
    char name[96];
    for (const char *at = answer->headers; next_line(answer, &at, &line, &len);) {
        const char *colon = memchr(line, ':', len);
        size_t name_len = colon == NULL ? 0 : (size_t)(colon - line);
        bool status = name_len > size + 7 && name_len < sizeof name - 1 && strncasecmp(line, window, size) == 0 &&
                      line[size] >= '0' && line[size] <= '9' && strncasecmp(colon - 7, "-status", 7) == 0;
        if (!status || !contains(colon, len - name_len, "rejected", 8))
            continue;
        memcpy(name, line, name_len - 6);
        strcpy(name + name_len - 6, "reset");
        note_reset(&latest, header_time(answer, name, now, false));
    }
    return isnan(latest) ? header_time(answer, "anthropic-ratelimit-unified-reset", now, false) : latest;
}

/* The value of the parameter NAME or OTHER in LEN bytes of `a=1;b=2, c=3`; -1: it has none. */
static double parameter(const char *text, size_t len, const char *name, const char *other)
{
    for (size_t at = 0; at < len;) {
        size_t size = 0;
        while (at < len && strchr(" \t\r,;", text[at]) != NULL)
            at++;
        while (at + size < len && strchr(",;", text[at + size]) == NULL)
            size++;
        const char *equals = memchr(text + at, '=', size);
        size_t name_len = equals == NULL ? 0 : (size_t)(equals - text) - at;
        bool meant = (name_len == strlen(name) && strncasecmp(text + at, name, name_len) == 0) ||
                     (name_len == strlen(other) && strncasecmp(text + at, other, name_len) == 0);
        double reset = meant ? reset_time_parse(equals + 1, size - name_len - 1, 0, false) : NAN;
        if (!isnan(reset))
            return reset;
        at += size;
    }
    return -1;
}

/* The field of the IETF's drafts: `RateLimit: "default";r=0;t=30` (an item a policy), once `limit=9, remaining=0,
 * reset=30`. */
static double field_reset(const struct hermes_answer *answer, double now)
{
    size_t len;
    double latest = NAN;
    const char *value = header(answer, "ratelimit", strlen("ratelimit"), &len);
    bool items = value != NULL && memchr(value, ';', len) != NULL;
    for (size_t at = 0, size; value != NULL && at < len; at += size + 1) {
        const char *comma = items ? memchr(value + at, ',', len - at) : NULL;
        size = comma == NULL ? len - at : (size_t)(comma - value) - at;
        double left = parameter(value + at, size, "r", "remaining");
        double seconds = parameter(value + at, size, "t", "reset");
        if (left <= 0 && seconds >= 0)
            note_reset(&latest, now + seconds);
    }
    return latest;
}

/* `x-ratelimit-`, `x-rate-limit-`, Mistral's `ratelimitbysize-`. */
static bool is_of_limit(const char *name, size_t len)
{
    return contains(name, len, "ratelimit", strlen("ratelimit")) ||
           contains(name, len, "rate-limit", strlen("rate-limit"));
}

/* The latest reset of the limits that are used up, by x-ratelimit-*, ratelimit-* and anthropic-ratelimit-*; where none
 * says what remains, of all. */
static double ratelimit_reset(const struct hermes_answer *answer, double now)
{
    double latest[2] = {NAN, NAN}; /* of those used up; of those that do not say */
    const char *line;
    size_t line_len;
    double unified = unified_reset(answer, now);
    for (const char *at = answer->headers; isnan(unified) && next_line(answer, &at, &line, &line_len);) {
        const char *colon = memchr(line, ':', line_len);
        size_t len = colon == NULL ? 0 : (size_t)(colon - line);
        size_t reset_at = 0;
        while (reset_at + strlen("reset") <= len && strncasecmp(line + reset_at, "reset", strlen("reset")) != 0)
            reset_at++;
        if (reset_at + strlen("reset") > len || !is_of_limit(line, len))
            continue;
        double reset = reset_time_parse(colon + 1, line_len - len - 1, now, false);
        int left = remaining(answer, line, len, reset_at);
        if (left <= 0)
            note_reset(&latest[-left], reset);
    }
    if (isnan(unified) && isnan(latest[0]))
        latest[0] = field_reset(answer, now);
    return !isnan(unified) ? unified : isnan(latest[0]) ? latest[1] : latest[0];
}

/* `WWW-Authenticate: Bearer error="insufficient_scope"` */
static unsigned challenge_kinds(const struct hermes_answer *answer)
{
    size_t len;
    const char *value = header(answer, "www-authenticate", strlen("www-authenticate"), &len);
    const char *error = value == NULL ? NULL : memmem(value, len, "error=\"", 7);
    const char *end = error == NULL ? NULL : memchr(error + 7, '"', (size_t)(value + len - error) - 7);
    return end == NULL ? 0 : kinds_of(error + 7, (size_t)(end - error) - 7, true);
}

/* --- Body --- */

static bool token_is(struct json_token token, const char *text)
{
    return json_token_is(token, text, strlen(text));
}

enum field { FIELD_OTHER, FIELD_CODE, FIELD_TEXT, FIELD_RESET, FIELD_RESET_MS, FIELD_MODEL };

/* Names with `_` and `-` left out and in lower case. */
static const struct {
    const char *name;
    enum field field;
} fields[] = {
    {"code", FIELD_CODE},
    {"type", FIELD_CODE},
    {"status", FIELD_CODE},
    {"statuscode", FIELD_CODE},
    {"errorcode", FIELD_CODE},
    {"errortype", FIELD_CODE},
    {"reason", FIELD_CODE},
    {"error", FIELD_CODE},
    {"message", FIELD_TEXT},
    {"msg", FIELD_TEXT},
    {"detail", FIELD_TEXT},
    {"description", FIELD_TEXT},
    {"errordescription", FIELD_TEXT},
    {"errormessage", FIELD_TEXT},
    {"errormsg", FIELD_TEXT},
    {"statusmsg", FIELD_TEXT},
    {"title", FIELD_TEXT},
    {"raw", FIELD_TEXT},
    {"resetsat", FIELD_RESET},
    {"resetat", FIELD_RESET},
    {"resettime", FIELD_RESET},
    {"retryuntil", FIELD_RESET},
    {"resetsinseconds", FIELD_RESET},
    {"resetinseconds", FIELD_RESET},
    {"resetafterseconds", FIELD_RESET},
    {"resetafter", FIELD_RESET},
    {"resetsin", FIELD_RESET},
    {"retryafter", FIELD_RESET},
    {"retryafterseconds", FIELD_RESET},
    {"retrydelay", FIELD_RESET},
    {"quotaresetdelay", FIELD_RESET},
    {"quotaresettimestamp", FIELD_RESET},
    {"xratelimitreset", FIELD_RESET},
    {"retryafterms", FIELD_RESET_MS},
    {"resetsinms", FIELD_RESET_MS},
    {"quotaid", FIELD_MODEL},
    {"model", FIELD_MODEL},
};

static enum field field_of(struct json_token name)
{
    char plain[NAME_LIMIT] = "";
    size_t len = 0;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.bytes[i];
        if (c == '_' || c == '-')
            continue;
        if (len == sizeof plain)
            return FIELD_OTHER;
        plain[len++] = (char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
    }
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        if (*fields[i].name == *plain && strlen(fields[i].name) == len && memcmp(fields[i].name, plain, len) == 0)
            return fields[i].field;
    return FIELD_OTHER;
}

static void later(struct evidence *evidence, double reset, enum evidence_source source)
{
    if (isnan(reset) || (evidence->source != RESET_UNKNOWN && evidence->reset > reset))
        return;
    evidence->reset = reset;
    evidence->source = source;
}

/* A code that is an HTTP status. */
static int status_of(struct json_token value)
{
    bool digits = value.len == 3 && value.bytes[0] >= '4' && value.bytes[0] <= '5';
    for (size_t i = 1; digits && i < 3; i++)
        digits = value.bytes[i] >= '0' && value.bytes[i] <= '9';
    return digits ? (value.bytes[0] - '0') * 100 + (value.bytes[1] - '0') * 10 + (value.bytes[2] - '0') : 0;
}

/* Nothing that could be a part of a text or of a key. */
static bool is_plain_code(struct json_token value)
{
    size_t letters = 0;
    for (size_t i = 0; i < value.len; i++) {
        char lower = (char)(value.bytes[i] | 0x20);
        letters += (lower >= 'a' && lower <= 'z') || value.bytes[i] == '_';
    }
    return value.kind == JSON_TEXT && letters > 0 && letters == value.len;
}

/* An error's own code is kept for those who are told of it; where it has none, its type. */
static void keep_code(struct evidence *evidence, struct json_token name, struct json_token value)
{
    bool code = token_is(name, "code");
    if ((!code && !token_is(name, "type")) || (!code && evidence->code[0] != '\0') || !is_plain_code(value) ||
        value.len >= sizeof evidence->code)
        return;
    memcpy(evidence->code, value.bytes, value.len);
    evidence->code[value.len] = '\0';
}

static void read_text(struct evidence *evidence, const struct hermes_answer *answer, const char *text, size_t len,
                      double now)
{
    len = len < TEXT_LIMIT ? len : TEXT_LIMIT;
    evidence->words |= kinds_of(text, len, false);
    evidence->names_model = evidence->names_model || names(text, len, answer->model);
    later(evidence, reset_time_in_text(text, len, now), RESET_BODY);
}

static void read_field(struct evidence *evidence, const struct hermes_answer *answer, struct json_token name,
                       struct json_token value, double now)
{
    enum field field = field_of(name);
    if (field == FIELD_RESET || field == FIELD_RESET_MS)
        later(evidence, reset_time_parse(value.bytes, value.len, now, field == FIELD_RESET_MS), RESET_BODY);
    if (field == FIELD_CODE) {
        if (evidence->status == 0)
            evidence->status = status_of(value);
        evidence->codes |= kinds_of(value.bytes, value.len, true);
        keep_code(evidence, name, value);
    }
    if (value.kind == JSON_TEXT && (field == FIELD_CODE || field == FIELD_TEXT))
        read_text(evidence, answer, value.bytes, value.len, now);
    if (field == FIELD_MODEL)
        evidence->names_model = evidence->names_model || names(value.bytes, value.len, answer->model) ||
                                contains(value.bytes, value.len, "permodel", 8);
}

/* Does this member of the body's object say that the body is an error? REST stands behind the value's first token. */
static bool says_error(struct json_token name, struct json_token value, struct json_tokens rest)
{
    struct json_token code;
    bool empty = value.len == 0 || token_is(value, "null") || token_is(value, "false") || token_is(value, "0");
    if (token_is(name, "error"))
        return value.kind == JSON_OPEN ? json_token_next(&rest).kind != JSON_CLOSE : !empty;
    if (token_is(name, "type"))
        return token_is(value, "error") || token_is(value, "response.failed");
    if (token_is(name, "object"))
        return token_is(value, "error");
    if (token_is(name, "success"))
        return value.kind == JSON_SCALAR && token_is(value, "false");
    if (!token_is(name, "base_resp")) /* MiniMax answers 200 and puts what went wrong there */
        return false;
    while (json_token_child(&rest, &name, &code) && !token_is(name, "status_code"))
        if (!json_token_skip(&rest, code))
            return false;
    return code.kind == JSON_SCALAR && !token_is(code, "0");
}

static bool is_error(const char *bytes, size_t len)
{
    struct json_tokens tokens = json_tokens(bytes, len);
    struct json_token name;
    struct json_token value = json_token_next(&tokens);
    if (*value.bytes == '[') /* Google wraps a stream's events in a list */
        value = json_token_next(&tokens);
    while (json_token_child(&tokens, &name, &value)) {
        if (name.kind == JSON_NAME && says_error(name, value, tokens))
            return true;
        if (!json_token_skip(&tokens, value))
            return false;
    }
    return false;
}

/* Where an object stands; what it says itself counts, but in a response that carries its error. */
enum place { NOWHERE, ROOT, RESPONSE, FAULT, DETAIL };

/* The places of the dialects: OpenAI's and Anthropic's `error`, the `response` of a stream's event, Google's `details`
 * and their `metadata` and `violations`, OpenRouter's `metadata` and its `headers`, Azure's `innererror`, MiniMax's
 * `base_resp`, Cloudflare's `errors`, and a `detail` that is an object. */
static enum place place_of(enum place parent, struct json_token name, bool list)
{
    static const struct {
        enum place parent;
        const char *name;
        bool list; /* it may be one */
        enum place place;
    } places[] = {{ROOT, "error", false, FAULT},
                  {ROOT, "response", false, RESPONSE},
                  {ROOT, "base_resp", false, FAULT},
                  {ROOT, "errors", true, FAULT},
                  {ROOT, "detail", false, FAULT},
                  {RESPONSE, "error", false, FAULT},
                  {RESPONSE, "status_details", false, RESPONSE},
                  {FAULT, "error", false, FAULT},
                  {FAULT, "innererror", false, FAULT},
                  {FAULT, "details", true, DETAIL},
                  {FAULT, "metadata", false, DETAIL},
                  {DETAIL, "metadata", false, DETAIL},
                  {DETAIL, "headers", false, DETAIL},
                  {DETAIL, "violations", true, DETAIL},
                  {DETAIL, "quotaDimensions", false, DETAIL}};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        if (places[i].parent == parent && (!list || places[i].list) && token_is(name, places[i].name))
            return places[i].place;
    return NOWHERE;
}

struct reading {
    struct evidence *evidence;
    const struct hermes_answer *answer;
    double now;
};

static void read_container(struct reading *r, struct json_tokens inside, enum place place, int depth)
{
    struct json_token name;
    struct json_token value;
    while (json_token_child(&inside, &name, &value)) {
        bool open = value.kind == JSON_OPEN;
        bool element = name.kind != JSON_NAME; /* of a list that stands at a place */
        enum place there = !open ? NOWHERE : element ? place : place_of(place, name, *value.bytes == '[');
        if (there != NOWHERE && depth < DEPTH)
            read_container(r, inside, there, depth + 1);
        else if (!open && !element && place != RESPONSE)
            read_field(r->evidence, r->answer, name, value, r->now);
        if (!json_token_skip(&inside, value))
            return;
    }
}

static void read_json(struct evidence *evidence, const struct hermes_answer *answer, const char *bytes, size_t len,
                      double now)
{
    struct reading r = {evidence, answer, now};
    struct json_tokens tokens = json_tokens(bytes, len);
    if (json_token_next(&tokens).kind == JSON_OPEN)
        read_container(&r, tokens, ROOT, 0);
}

static bool begins(const char *line, size_t len, const char *field)
{
    size_t size = strlen(field);
    return memcmp(line, field, len < size ? len : size) == 0;
}

/* The first event of a stream that has data: its name is looked at, *BYTES becomes its data. False: it is no stream. */
static bool first_event(struct evidence *evidence, const char **bytes, size_t *len)
{
    const char *end = *bytes + *len;
    for (const char *at = *bytes; at < end;) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        size_t line = (size_t)((newline == NULL ? end : newline) - at);
        if (line >= 5 && begins(at, line, "data:")) {
            *bytes = at + 5;
            *len = line - 5;
            return true;
        }
        bool event = line > 6 && begins(at, line, "event:");
        if (!event && line > 1 && *at != ':' && !begins(at, line, "id:") && !begins(at, line, "retry:"))
            return false;
        evidence->error |= event && contains(at + 6, line - 6, "error", 5);
        at = newline == NULL ? end : newline + 1;
    }
    return false;
}

static void read_body(struct evidence *evidence, const struct hermes_answer *answer, double now)
{
    const char *bytes = answer->body;
    size_t len = bytes == NULL ? 0 : answer->body_len;
    bool success = answer->status >= 200 && answer->status < 300;
    if (success && len > SUCCESS_LIMIT)
        return;
    len = len < ERROR_LIMIT ? len : ERROR_LIMIT;
    bool stream = len > 0 && *bytes != '{' && *bytes != '[' && *bytes != '<' && first_event(evidence, &bytes, &len);
    while (len > 0 && (*bytes == ' ' || *bytes == '\t' || *bytes == '\r' || *bytes == '\n')) {
        bytes++;
        len--;
    }
    if (len == 0)
        return;
    if (*bytes == '{' || *bytes == '[') {
        evidence->error = evidence->error || is_error(bytes, len);
        if (!success || evidence->error)
            read_json(evidence, answer, bytes, len, now);
    } else if (*bytes == '<') {
        evidence->words |= SAYS_PAGE;
    } else if (!success || stream) {
        read_text(evidence, answer, bytes, len, now);
    }
}

struct evidence evidence_of(const struct hermes_answer *answer, double now)
{
    struct evidence evidence = {.reset = NAN};
    read_body(&evidence, answer, now);
    if (answer->status >= 200 && answer->status < 300 && !evidence.error)
        return evidence; /* limits are told with every answer */
    evidence.codes |= challenge_kinds(answer);
    double exact = header_time(answer, "retry-after-ms", now, true);
    later(&evidence, isnan(exact) ? header_time(answer, "retry-after", now, false) : exact, RESET_RETRY_AFTER);
    if (evidence.source == RESET_UNKNOWN)
        later(&evidence, ratelimit_reset(answer, now), RESET_RATELIMIT);
    return evidence;
}
