#include "classify.h"

#include <limits.h>
#include <math.h>
#include <string.h>

#include "evidence.h"
#include "hermes_runtime.h"

/* How long, where the provider does not say. By the status of the answer they are what Hermes 0.18.2 takes (its table
 * of TTLs: 401 five minutes, everything else an hour); where the answer says more than its status, they are ours. */
#define HERMES_401   300.0
#define HERMES_OTHER 3600.0
#define ONE_WINDOW   60.0 /* of a limit that is counted by the minute */
#define SOON         10.0 /* an outage or overload: nobody's key is at fault, and it ends when it ends */
#define AT_LEAST     1.0  /* "again in 0 seconds" after a refusal must not become a loop */

enum needs { NOTHING, RESET, HEADER_RESET, LIMIT_RESET };

/* The first rule that fits decides. The number stands in the bookings of every home: a rule keeps it for ever, and a
 * new one takes the next that is free. */
struct rule {
    unsigned number;
    const char *name;
    int first, last; /* of the status */
    unsigned kinds;  /* one of them at least; 0: whatever */
    enum needs needs;
    enum hermes_verdict verdict;
    double seconds;
    int scope; /* hermes_scope */
};

enum {
    ALL = HERMES_SCOPE_KEY,
    MODEL = HERMES_SCOPE_MODEL,
    ENDPOINT = HERMES_SCOPE_ENDPOINT,
    REQUEST = HERMES_SCOPE_REQUEST
};

static const struct rule rules[] = {
    {1, "no-answer", 0, 0, 0, NOTHING, HERMES_PROVIDER_OUT, SOON, ALL},
    {2, "redirect", 300, 399, 0, NOTHING, HERMES_REQUEST_WRONG, 0, ALL},

    {3, "401-empty-balance", 401, 401, SAYS_BALANCE, NOTHING, HERMES_KEY_COOLING, HERMES_OTHER, ALL},
    {33, "401-organization", 401, 401, SAYS_ORGANIZATION, NOTHING, HERMES_REQUEST_WRONG, 0, ALL},
    {34, "401-model", 401, 401, SAYS_MODEL, NOTHING, HERMES_KEY_COOLING, HERMES_OTHER, MODEL},
    {35, "401-scope", 401, 401, SAYS_SCOPE, NOTHING, HERMES_KEY_COOLING, HERMES_OTHER, ENDPOINT},
    {4, "401-reset", 401, 401, 0, RESET, HERMES_KEY_COOLING, 0, ALL}, /* what comes back is not dead */
    {5, "401-revoked", 401, 401, SAYS_REVOKED, NOTHING, HERMES_KEY_DEAD, INFINITY, ALL},
    {6, "401", 401, 401, 0, NOTHING, HERMES_KEY_COOLING, HERMES_401, ALL},

    {36, "402-this-request", 402, 402, SAYS_THIS_MUCH, NOTHING, HERMES_KEY_COOLING, AT_LEAST, REQUEST},
    {7, "402-retry-after", 402, 402, 0, RESET, HERMES_KEY_COOLING, 0, ALL},
    {8, "402", 402, 402, 0, NOTHING, HERMES_KEY_COOLING, HERMES_OTHER, ALL},

    {44, "403-flagged", 403, 403, SAYS_FLAGGED, NOTHING, HERMES_REQUEST_WRONG, 0, ALL},
    {9, "403-empty-balance", 403, 403, SAYS_BALANCE, NOTHING, HERMES_KEY_COOLING, HERMES_OTHER, ALL},
    {10, "403-reset", 403, 403, 0, RESET, HERMES_KEY_COOLING, 0, ALL},
    {11, "403-region", 403, 403, SAYS_REGION, NOTHING, HERMES_PROVIDER_OUT, HERMES_OTHER, ALL},
    {37, "403-organization", 403, 403, SAYS_ORGANIZATION, NOTHING, HERMES_REQUEST_WRONG, 0, ALL},
    {38, "403-model", 403, 403, SAYS_MODEL, NOTHING, HERMES_KEY_COOLING, HERMES_OTHER, MODEL},
    {39, "403-scope", 403, 403, SAYS_SCOPE, NOTHING, HERMES_KEY_COOLING, HERMES_OTHER, ENDPOINT},
    {12, "403-request", 403, 403, SAYS_REQUEST, NOTHING, HERMES_REQUEST_WRONG, 0, ALL},
    {13, "403-transient", 403, 403, SAYS_AGAIN | SAYS_RATE | SAYS_PAGE, NOTHING, HERMES_KEY_COOLING, ONE_WINDOW, ALL},
    {14, "403", 403, 403, 0, NOTHING, HERMES_KEY_COOLING, HERMES_OTHER, ALL},

    {15, "429-too-large", 429, 429, SAYS_TOO_LARGE, NOTHING, HERMES_REQUEST_WRONG, 0, ALL},
    {40, "429-this-request", 429, 429, SAYS_THIS_MUCH, NOTHING, HERMES_KEY_COOLING, AT_LEAST, REQUEST},
    {16, "429-empty-balance", 429, 429, SAYS_BALANCE, NOTHING, HERMES_KEY_COOLING, HERMES_OTHER, ALL},
    {17, "429-overloaded", 429, 429, SAYS_OVERLOADED, NOTHING, HERMES_PROVIDER_OUT, SOON, ALL},
    {18, "429-retry-after", 429, 429, 0, HEADER_RESET, HERMES_KEY_COOLING, 0, ALL},
    {19, "429-ratelimit-reset", 429, 429, 0, LIMIT_RESET, HERMES_KEY_COOLING, 0, ALL},
    {20, "429-body-reset", 429, 429, 0, RESET, HERMES_KEY_COOLING, 0, ALL},
    {41, "429-concurrent", 429, 429, SAYS_CONCURRENT, NOTHING, HERMES_KEY_COOLING, AT_LEAST, ALL},
    {21, "429-usage-limit", 429, 429, SAYS_USAGE, NOTHING, HERMES_KEY_COOLING, HERMES_OTHER, ALL},
    {22, "429-per-second", 429, 429, SAYS_SECOND, NOTHING, HERMES_KEY_COOLING, AT_LEAST, ALL},
    {23, "429-per-minute", 429, 429, SAYS_MINUTE, NOTHING, HERMES_KEY_COOLING, ONE_WINDOW, ALL},
    {24, "429", 429, 429, 0, NOTHING, HERMES_KEY_COOLING, HERMES_OTHER, ALL},

    {25, "400-revoked", 400, 400, SAYS_REVOKED, NOTHING, HERMES_KEY_DEAD, INFINITY, ALL}, /* Google's API_KEY_INVALID */
    {43, "400-wrong-key", 400, 400, SAYS_WRONG_KEY, NOTHING, HERMES_KEY_COOLING, AT_LEAST, REQUEST}, /* xAI's */
    {42, "400-credit", 400, 400, SAYS_CREDIT, NOTHING, HERMES_KEY_COOLING, AT_LEAST, REQUEST},
    {26, "empty-balance", 400, 599, SAYS_BALANCE, NOTHING, HERMES_KEY_COOLING, HERMES_OTHER, ALL},
    {27, "408", 408, 408, 0, NOTHING, HERMES_PROVIDER_OUT, SOON, ALL},
    {28, "4xx", 400, 499, 0, NOTHING, HERMES_REQUEST_WRONG, 0, ALL},
    {29, "501", 501, 501, 0, NOTHING, HERMES_REQUEST_WRONG, 0, ALL},
    {30, "5xx-reset", 500, 599, 0, RESET, HERMES_PROVIDER_OUT, 0, ALL},
    {31, "5xx", 500, 599, 0, NOTHING, HERMES_PROVIDER_OUT, SOON, ALL},
    {32, "no-http", INT_MIN, INT_MAX, 0, NOTHING, HERMES_PROVIDER_OUT, SOON, ALL}, /* a status that is none */
};

enum { RULES = sizeof rules / sizeof *rules };

unsigned classify_rule_number(const char *name)
{
    for (unsigned i = 0; name != NULL && i < RULES; i++)
        if (strcmp(rules[i].name, name) == 0)
            return rules[i].number;
    return 0;
}

bool classify_rule_given(const char *name)
{
    for (unsigned i = 0; i < RULES; i++)
        if (strcmp(rules[i].name, name) == 0)
            return rules[i].needs != NOTHING;
    return false;
}

/* Those by the status alone; what says more than that is no guess. */
bool classify_rule_spares_only_key(const char *name)
{
    return strcmp(name, "429") == 0 || strcmp(name, "403") == 0 || strcmp(name, "429-usage-limit") == 0;
}

const char *classify_rule_name(unsigned number)
{
    for (unsigned i = 0; i < RULES; i++)
        if (rules[i].number == number)
            return rules[i].name;
    return "";
}

/* What is said of kinds in an answer of STATUS. Where the request itself is refused, a message may quote it, so that
 * only a code counts, and a beginning that is always the same. */
static unsigned kinds_at(int status, const struct evidence *evidence)
{
    bool words = status == 401 || status == 402 || status == 403 || status == 429;
    return evidence->codes | (words ? evidence->words : evidence->words & (SAYS_CREDIT | SAYS_WRONG_KEY));
}

/* The status that an error inside a success means. */
static int meant_status(const struct evidence *evidence)
{
    static const struct {
        unsigned kinds;
        int status;
    } meanings[] = {{SAYS_BALANCE, 402},           {SAYS_REVOKED | SAYS_AUTH, 401},
                    {SAYS_RATE | SAYS_USAGE, 429}, {SAYS_OVERLOADED | SAYS_TROUBLE, 503},
                    {SAYS_FORBIDDEN, 403},         {SAYS_REQUEST | SAYS_TOO_LARGE, 400}};
    unsigned kinds = evidence->codes != 0 ? evidence->codes : evidence->words;
    if (evidence->status != 0)
        return evidence->status;
    for (size_t i = 0; i < sizeof meanings / sizeof *meanings; i++)
        if ((kinds & meanings[i].kinds) != 0)
            return meanings[i].status;
    return 500;
}

static bool fits(const struct rule *rule, int status, const struct evidence *evidence)
{
    enum evidence_source source = evidence->source;
    if (status < rule->first || status > rule->last ||
        (rule->kinds != 0 && (kinds_at(status, evidence) & rule->kinds) == 0))
        return false;
    switch (rule->needs) {
    case NOTHING:
        return true;
    case RESET: /* limits are told with every answer: those of another cause explain nothing */
        return source == RESET_RETRY_AFTER || source == RESET_BODY;
    case HEADER_RESET:
        return source == RESET_RETRY_AFTER;
    case LIMIT_RESET:
        return source == RESET_RATELIMIT;
    }
    return false;
}

/* A limit, or a refusal, that names the model which was asked, or says that it is one of "this model". */
static enum hermes_scope scope_of(const struct rule *rule, int status, const struct evidence *evidence)
{
    bool of_account = status == 402 || (rule->kinds & (SAYS_BALANCE | SAYS_REVOKED)) != 0;
    bool of_model = evidence->names_model || (evidence->words & SAYS_MODEL) != 0;
    if (rule->verdict != HERMES_KEY_COOLING || rule->scope != ALL || of_account || !of_model)
        return (enum hermes_scope)rule->scope;
    return status == 403 || status == 429 ? HERMES_SCOPE_MODEL : HERMES_SCOPE_KEY;
}

static struct hermes_judgement judge(const struct rule *rule, int status, const struct evidence *evidence, double now)
{
    struct hermes_judgement judgement = {.verdict = rule->verdict, .rule = rule->name, .status = status};
    bool lasts = rule->verdict == HERMES_KEY_COOLING || rule->verdict == HERMES_PROVIDER_OUT;
    judgement.given =
        lasts && (rule->needs != NOTHING || evidence->source == RESET_RETRY_AFTER || evidence->source == RESET_BODY);
    judgement.proven = judgement.given || status == 402 || status == 429 || (evidence->codes & rule->kinds) != 0;
    judgement.scope = scope_of(rule, status, evidence);
    double seconds = judgement.given ? evidence->reset - now : rule->seconds;
    if (lasts || rule->verdict == HERMES_KEY_DEAD)
        judgement.until = now + (seconds > AT_LEAST ? seconds : AT_LEAST);
    return judgement;
}

struct hermes_judgement hermes_classify(const struct hermes_answer *answer, double now)
{
    struct evidence evidence = evidence_of(answer, now);
    int status = answer->status;
    if (status >= 100 && status < 300) {
        if (!evidence.error)
            return (struct hermes_judgement){.verdict = HERMES_KEY_GOOD, .rule = "good", .status = status};
        status = meant_status(&evidence);
    }
    size_t i = 0;
    while (!fits(&rules[i], status, &evidence))
        i++; /* the last rule fits everything */
    return judge(&rules[i], status, &evidence, now);
}
