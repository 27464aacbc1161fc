/* One request with failover: try_each_key HOME [PROVIDER]. Each healthy key is tried once. In place of a provider,
 * standard input answers: a line with a status, and perhaps what Retry-After says ("429 20"). */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <hermes_runtime.h>

enum { MAX_ATTEMPTS = 8 };

/* Where a gateway would speak HTTP. False: there is no answer to be had. */
static bool send_request(const struct hermes_attempt *attempt, struct hermes_answer *answer, char *headers, size_t size)
{
    char line[64];
    char after[32] = "";
    (void)printf("-> %s with %s\n", attempt->credential->base_url, attempt->credential->fingerprint);
    *answer = (struct hermes_answer){.status = 0};
    if (fgets(line, sizeof line, stdin) == NULL || sscanf(line, "%d %31s", &answer->status, after) < 1)
        return false;
    (void)snprintf(headers, size, "Retry-After: %s\r\n", after);
    answer->headers = headers;
    answer->headers_len = *after == '\0' ? 0 : strlen(headers);
    return true;
}

static int request(struct hermes *hermes, const char *provider)
{
    struct hermes_attempt attempts[MAX_ATTEMPTS]; /* kept to the end: the fingerprints live in them */
    const char *tried[MAX_ATTEMPTS];
    char headers[64];
    size_t count = 0;
    int status = 0;
    for (bool again = true; again && count < MAX_ATTEMPTS; count++) {
        struct hermes_answer answer;
        struct hermes_attempt *attempt = &attempts[count];
        int error = hermes_acquire(hermes, provider, tried, count, attempt);
        if (error != 0) {
            (void)printf("%s\n", hermes_strerror(error));
            break;
        }
        tried[count] = attempt->credential->fingerprint;
        (void)send_request(attempt, &answer, headers, sizeof headers);
        struct hermes_judgement judgement = hermes_classify(&answer, (double)time(NULL));
        (void)hermes_report(hermes, attempt, &judgement);
        (void)printf("<- %d: %s\n", answer.status, judgement.rule);
        status = answer.status;
        again = judgement.verdict == HERMES_KEY_COOLING || judgement.verdict == HERMES_KEY_DEAD;
    }
    while (count > 0)
        hermes_release(hermes, &attempts[--count]);
    return status;
}

int main(int argc, char **argv)
{
    struct hermes *hermes;
    if (argc < 2) {
        (void)fputs("usage: try_each_key HOME [PROVIDER]\n", stderr);
        return 2;
    }
    int error = hermes_open(argv[1], &hermes);
    if (error != 0) {
        (void)fprintf(stderr, "try_each_key: %s\n", hermes_strerror(error));
        return 1;
    }
    int status = request(hermes, argc > 2 ? argv[2] : NULL);
    hermes_close(hermes);
    return status == 200 ? 0 : 1;
}
