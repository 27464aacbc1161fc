/* What the runtime library costs a request: bench_runtime HOME [ROUNDS]. Each line is the median of nine interleaved
 * runs, in nanoseconds of the processor and as a ratio to a peer measured in the same run: one stat of the snapshot. */
#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include <hermes_runtime.h>

enum { RUNS = 9, MAX_CASES = 12 };

struct bench {
    struct hermes *hermes;
    const struct hermes_view *view;
    char snapshot[4096];
    long rounds;
};

static double now_ns(clockid_t clock)
{
    struct timespec now;
    (void)clock_gettime(clock, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static void one_stat(struct bench *bench)
{
    struct stat st;
    (void)stat(bench->snapshot, &st);
}

static void refresh(struct bench *bench)
{
    (void)hermes_refresh(bench->hermes);
}

static void acquire_and_report(struct bench *bench)
{
    static const struct hermes_judgement good = {.verdict = HERMES_KEY_GOOD, .rule = "good", .status = 200};
    struct hermes_attempt attempt;
    if (hermes_acquire(bench->hermes, NULL, NULL, 0, &attempt) != 0)
        exit(1);
    (void)hermes_report(bench->hermes, &attempt, &good);
    hermes_release(bench->hermes, &attempt);
}

static void whole_request(struct bench *bench)
{
    static const char body[] = "{\"id\":\"x\",\"object\":\"chat.completion\",\"choices\":[{\"index\":0,\"message\":{"
                               "\"role\":\"assistant\",\"content\":\"Hello there\"}}],\"usage\":{\"total_tokens\":9}}";
    const struct hermes_answer answer = {.status = 200, .body = body, .body_len = sizeof body - 1};
    struct hermes_attempt attempt;
    (void)hermes_refresh(bench->hermes);
    if (hermes_acquire(bench->hermes, NULL, NULL, 0, &attempt) != 0)
        exit(1);
    struct hermes_judgement judgement = hermes_classify(&answer, 1795600000);
    (void)hermes_report(bench->hermes, &attempt, &judgement);
    hermes_release(bench->hermes, &attempt);
}

static void classify_a_limit(struct bench *bench)
{
    static const char headers[] = "content-type: application/json\r\nretry-after: 20\r\nx-request-id: abc\r\n";
    static const char body[] =
        "{\"error\":{\"code\":\"rate_limit_exceeded\",\"type\":\"tokens\",\"message\":\"Rate limit "
        "reached on tokens per min (TPM). Please try again in 20s.\"}}";
    const struct hermes_answer answer = {.status = 429,
                                         .headers = headers,
                                         .headers_len = sizeof headers - 1,
                                         .body = body,
                                         .body_len = sizeof body - 1};
    (void)bench;
    if (hermes_classify(&answer, 1795600000).verdict != HERMES_KEY_COOLING)
        exit(1);
}

static void provider(struct bench *bench)
{
    if (hermes_provider(bench->view, hermes_default_provider(bench->view)) == NULL)
        exit(1);
}

static void configuration(struct bench *bench)
{
    size_t len;
    if (hermes_config(bench->view, "model.provider", &len) == NULL)
        exit(1);
}

static const struct {
    const char *name;
    void (*run)(struct bench *bench);
} cases[] = {
    {"one stat (the peer)", one_stat},        {"refresh, nothing new", refresh},
    {"acquire + report", acquire_and_report}, {"refresh + acquire + classify 200 + report", whole_request},
    {"classify a 429", classify_a_limit},     {"provider by id", provider},
    {"configuration value", configuration},
};
enum { CASES = sizeof cases / sizeof *cases };

static int compare(const void *a, const void *b)
{
    double left = *(const double *)a;
    double right = *(const double *)b;
    return (left > right) - (left < right);
}

static void *acquire_often(void *data)
{
    struct bench *bench = data;
    for (long i = 0; i < bench->rounds; i++)
        acquire_and_report(bench);
    return NULL;
}

static double contended(struct bench *bench)
{
    pthread_t threads[2];
    double start = now_ns(CLOCK_PROCESS_CPUTIME_ID);
    for (int i = 0; i < 2; i++)
        if (pthread_create(&threads[i], NULL, acquire_often, bench) != 0)
            exit(1);
    for (int i = 0; i < 2; i++)
        (void)pthread_join(threads[i], NULL);
    return (now_ns(CLOCK_PROCESS_CPUTIME_ID) - start) / (double)(2 * bench->rounds);
}

int main(int argc, char **argv)
{
    static double times[CASES][RUNS];
    struct bench bench = {.rounds = argc > 2 ? atol(argv[2]) : 200000};
    int error = argc < 2 ? HERMES_ABSENT : hermes_open(argv[1], &bench.hermes);
    if (error != 0) {
        (void)fprintf(stderr, "bench_runtime: %s\n", hermes_strerror(error));
        return 1;
    }
    (void)snprintf(bench.snapshot, sizeof bench.snapshot, "%s/compiled/snapshot.json", argv[1]);
    bench.view = hermes_hold(bench.hermes);
    for (int run = 0; run < RUNS; run++)
        for (size_t i = 0; i < CASES; i++) {
            double start = now_ns(CLOCK_THREAD_CPUTIME_ID);
            for (long k = 0; k < bench.rounds; k++)
                cases[i].run(&bench);
            times[i][run] = (now_ns(CLOCK_THREAD_CPUTIME_ID) - start) / (double)bench.rounds;
        }
    for (size_t i = 0; i < CASES; i++)
        qsort(times[i], RUNS, sizeof(double), compare);
    for (size_t i = 0; i < CASES; i++)
        (void)printf("%-44s %8.1f ns  %6.2f\n", cases[i].name, times[i][RUNS / 2],
                     times[i][RUNS / 2] / times[0][RUNS / 2]);
    double both = contended(&bench);
    (void)printf("%-44s %8.1f ns  %6.2f\n", "acquire + report, two threads at once", both, both / times[0][RUNS / 2]);
    hermes_view_unref(bench.view);
    hermes_close(bench.hermes);
    return 0;
}
