#include "classify.h"

#include <math.h>
#include <string.h>
#include <strings.h>
#include <stdlib.h>

#include "hermes_runtime.h"

struct rule {
    const char *name;
    int status;
    enum hermes_verdict verdict;
    double seconds;
};

/* Seconds: as long as Hermes 0.18.2 leaves a key out for that status. */
static const struct rule rules[] = {
    {"", -1, HERMES_KEY_GOOD, 0},           {"no-answer", 0, HERMES_PROVIDER_OUT, 10},
    {"401", 401, HERMES_KEY_COOLING, 300},  {"402", 402, HERMES_KEY_COOLING, 3600},
    {"403", 403, HERMES_KEY_COOLING, 3600}, {"429", 429, HERMES_KEY_COOLING, 3600},
};
enum { RULES = sizeof rules / sizeof *rules };

unsigned classify_rule_number(const char *name)
{
    for (unsigned i = 1; name != NULL && i < RULES; i++)
        if (strcmp(rules[i].name, name) == 0)
            return i;
    return 0;
}

const char *classify_rule_name(unsigned number)
{
    return number < RULES ? rules[number].name : "";
}

struct hermes_judgement hermes_classify(const struct hermes_answer *answer, double now)
{
    struct hermes_judgement judgement = {.rule = "good", .status = answer->status};
    for (unsigned i = 1; i < RULES; i++) {
        if (rules[i].status != answer->status)
            continue;
        judgement.verdict = rules[i].verdict;
        judgement.until = now + rules[i].seconds;
        judgement.rule = rules[i].name;
        return judgement;
    }
    if (answer->status >= 500) {
        judgement.verdict = HERMES_PROVIDER_OUT;
        judgement.until = now + 10;
        judgement.rule = "5xx";
    } else if (answer->status >= 300) {
        judgement.verdict = HERMES_REQUEST_WRONG;
        judgement.rule = "4xx";
    }
    return judgement;
}
