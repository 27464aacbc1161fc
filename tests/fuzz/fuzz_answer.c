/* Any answer of a provider: the first byte picks the status, a NUL parts the headers from the body. */
#include <math.h>

#include "fuzz.h"
#include "hermes_runtime.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const int statuses[] = {0, 200, 302, 400, 401, 402, 403, 404, 408, 429, 500, 501, 503, 529, 999, -1};
    const double now = 1795600000.0;
    if (size == 0)
        return 0;
    const char *headers = (const char *)data + 1;
    const char *parted = memchr(headers, '\0', size - 1);
    size_t headers_len = parted == NULL ? 0 : (size_t)(parted - headers);
    const char *body = parted == NULL ? headers : parted + 1;
    const struct hermes_answer answer = {.status = statuses[*data % 16],
                                         .headers = headers,
                                         .headers_len = headers_len,
                                         .body = body,
                                         .body_len = size - 1 - headers_len - (parted == NULL ? 0 : 1),
                                         .model = "gpt-x"};
    struct hermes_judgement got = hermes_classify(&answer, now);
    bool lasts = got.verdict == HERMES_KEY_COOLING || got.verdict == HERMES_PROVIDER_OUT;
    must(got.rule != NULL && *got.rule != '\0', "a judgement without a rule");
    must(!lasts || (got.until >= now + 1 && got.until <= now + 33 * 86400.0), "a time that nobody can wait for");
    must(lasts || got.until == (got.verdict == HERMES_KEY_DEAD ? INFINITY : 0), "a time where there is none");
    must(got.verdict == HERMES_KEY_GOOD || got.status < 200 || got.status > 299, "a success that is none");
    return 0;
}
