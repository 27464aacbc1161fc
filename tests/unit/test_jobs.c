/* Jobs beside the loop: a few at once, none forgotten, each told of in the loop. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "jobs.h"

enum { COUNT = 40, AGAIN = 3, MOST = 4 };

struct counted {
    struct job job;
    int starts;
    int ends;
};

static struct jobs *jobs;
static struct counted all[COUNT];
static sem_t gate;
static atomic_int running;
static atomic_int most;
static int ended;

static void work(struct job *job)
{
    int now = ++running;
    for (int seen = most; now > seen && !atomic_compare_exchange_weak(&most, &seen, now);)
        ;
    ((struct counted *)job)->starts++;
    (void)sem_wait(&gate);
    running--;
}

static void done(struct job *job)
{
    struct counted *c = (struct counted *)job;
    ended++;
    if (++c->ends < AGAIN)
        jobs_start(jobs, job);
}

static void a_few_at_once_and_none_forgotten(void **state)
{
    sd_event *event = NULL;
    (void)state;
    assert_return_code(sem_init(&gate, 0, 0), 0);
    assert_true(sd_event_new(&event) >= 0);
    assert_int_equal(jobs_open(&jobs, event), 0);
    for (int i = 0; i < COUNT; i++) {
        all[i].job = (struct job){.work = work, .done = done};
        jobs_start(jobs, &all[i].job);
    }
    assert_true(jobs_busy(jobs));
    assert_int_equal(ended, 0); /* nobody waited for one */
    for (int i = 0; i < COUNT * AGAIN; i++)
        (void)sem_post(&gate);
    while (ended < COUNT * AGAIN)
        assert_true(sd_event_run(event, UINT64_MAX) > 0);
    assert_false(jobs_busy(jobs));
    for (int i = 0; i < COUNT; i++)
        assert_int_equal(all[i].starts, AGAIN);
    assert_in_range(most, 1, MOST);
    jobs_close(jobs);
    (void)sd_event_unref(event);
    (void)sem_destroy(&gate);
}

struct asked {
    struct job job;
    pid_t process;
    int descriptor;
    char *memory;
    bool done;
};

static void ask(struct job *job)
{
    struct asked *a = (struct asked *)job;
    a->process = getpid();
    a->descriptor = open("/dev/null", O_RDONLY | O_CLOEXEC);
    a->memory = strdup("kept");
}

static void ask_apart(struct job *job)
{
    job_ask(job, ask);
}

static void be_done(struct job *job)
{
    ((struct asked *)job)->done = true;
}

/* Another process asks, and all that it has found is ours. */
static void what_is_apart_is_asked_by_another_process(void **state)
{
    sd_event *event = NULL;
    const char *preloaded = getenv("LD_PRELOAD");
    (void)state;
    if (preloaded != NULL && strstr(preloaded, "vgpreload") != NULL)
        skip(); /* valgrind knows no process that shares more than memory */
    assert_true(sd_event_new(&event) >= 0);
    assert_int_equal(jobs_open(&jobs, event), 0);
    for (int apart = 0; apart < 2; apart++) {
        struct asked a = {.job = {.work = ask_apart, .done = be_done, .apart = apart == 1}};
        jobs_start(jobs, &a.job);
        while (!a.done)
            assert_true(sd_event_run(event, UINT64_MAX) > 0);
        assert_int_equal(a.process != getpid(), apart);
        assert_string_equal(a.memory, "kept");
        assert_int_equal(close(a.descriptor), 0);
        free(a.memory);
    }
    jobs_close(jobs);
    (void)sd_event_unref(event);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_few_at_once_and_none_forgotten),
                                       cmocka_unit_test(what_is_apart_is_asked_by_another_process)};
    return cmocka_run_group_tests_name("job", tests, NULL, NULL);
}
