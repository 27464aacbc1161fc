/* hermes-relay: an HTTP gateway that reads nothing but the snapshot of a Hermes home. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <systemd/sd-daemon.h>

#include "arena.h"
#include "bookings.h"
#include "clock.h"
#include "find_home.h"
#include "protect_process.h"
#include "relay.h"
#include "relay_options.h"
#include "listen.h"
#include "metrics.h"
#include "print_env.h"
#include "record.h"
#include "simulate.h"
#include "upstream.h"
#include "worker.h"

#include "relay_page.h"
#include "page_policy.h"

enum { WORKERS_USUAL = 4 };

static _Noreturn void wrong(const char *message)
{
    option_table_wrong(&relay_options_table, "%s", message);
}

/* Somebody truncated the table of bookings: no reason to drop every connection. */
static void on_bus_error(int number, siginfo_t *info, void *context)
{
    (void)context;
    if (!bookings_fault(info->si_addr))
        (void)signal(number, SIG_DFL); /* and it comes again */
}

/* Each connection takes one. */
static void raise_descriptor_limit(void)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &files);
    }
}

static int complain(const char *what, int error)
{
    (void)fprintf(stderr, "hermes-relay: %s: %s\n", what, strerror(-error));
    return EXIT_IO;
}

/* A token that somebody else makes in a home would lock its owner out. */
static bool is_ours(const char *home)
{
    struct stat st;
    return stat(home, &st) == 0 && st.st_uid == geteuid();
}

/* Where it listens, or an exit status. */
static int find_listener(const struct relay_options *options, struct listening *ret)
{
    int error = options->listen == NULL ? listen_inherit(ret) : -ENOENT;
    if (error == -ENOENT) {
        const char *where = options->listen != NULL ? options->listen : LISTEN_DEFAULT;
        error = listen_open(where, ret);
        if (error == -EINVAL)
            wrong("--listen takes ADDRESS:PORT or unix:/PATH");
    }
    if (error != 0)
        (void)complain(options->listen != NULL ? options->listen : LISTEN_DEFAULT, error);
    if (error == -EADDRINUSE)
        (void)fputs("hermes-relay: another hermes-relay? --listen takes another port\n", stderr);
    if (error != 0)
        return EXIT_IO;
    if (!ret->loopback && !options->allow_remote)
        wrong("other machines can reach that address; allow it with --allow-remote");
    return EXIT_OK;
}

static void drain(struct relay *relay, struct worker *workers, size_t count)
{
    atomic_store(&relay->draining, true);
    for (size_t i = 0; i < count; i++) {
        uint64_t one = 1;
        (void)!write(workers[i].wake, &one, sizeof one);
    }
}

static void wait_for_the_end(const sigset_t *signals)
{
    int number;
    while (sigwait(signals, &number) != 0)
        continue;
}

static int serve(struct relay *relay, const struct listening *listening, size_t count)
{
    static struct worker workers[WORKERS_MAX];
    pthread_t threads[WORKERS_MAX];
    size_t opened = 0;
    size_t running = 0;
    sigset_t signals;
    int error = 0;
    (void)sigemptyset(&signals);
    (void)sigaddset(&signals, SIGTERM);
    (void)sigaddset(&signals, SIGINT);
    (void)pthread_sigmask(SIG_BLOCK, &signals, NULL);
    while (error == 0 && opened < count)
        error = worker_open(&workers[opened++], relay, listening->fd);
    while (error == 0 && running < opened) {
        error = -pthread_create(&threads[running], NULL, worker_run, &workers[running]);
        running += error == 0;
    }
    (void)close(listening->fd);
    if (error == 0) {
        (void)fprintf(stderr, "hermes-relay: listening on %s for %s\n", listening->address, relay->home);
        (void)sd_notifyf(0, "READY=1\nSTATUS=listening on %s", listening->address);
        wait_for_the_end(&signals);
        (void)sd_notify(0, "STOPPING=1");
    }
    drain(relay, workers, running);
    for (size_t i = 0; i < running; i++)
        (void)pthread_join(threads[i], NULL);
    for (size_t i = 0; i < opened; i++)
        worker_close(&workers[i]);
    return error == 0 ? EXIT_OK : complain("cannot start", error);
}

static size_t thread_count(const struct relay_options *options)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    if (options->threads > 0)
        return (size_t)options->threads;
    return processors < 1 ? 1 : processors > WORKERS_USUAL ? WORKERS_USUAL : (size_t)processors;
}

/* Makes it where there is none yet. An exit status. */
static int find_token(const char *home, struct relay_token *ret)
{
    if (!is_ours(home)) {
        (void)fprintf(stderr, "hermes-relay: %s is not there, or not yours; run it as its owner\n", home);
        return EXIT_IO;
    }
    int error = token_open(home, ret);
    return error == 0 ? EXIT_OK : complain("the token in compiled/relay.token", error);
}

/* What it prints has a shell read the token. */
static int show_env(const struct relay_options *options, const char *home)
{
    struct relay_token token;
    int status = find_token(home, &token);
    explicit_bzero(&token, sizeof token);
    return status != EXIT_OK ? status : print_env(home, options->listen != NULL ? options->listen : LISTEN_DEFAULT);
}

static int run(const struct relay_options *options, const char *home)
{
    struct listening listening;
    static struct relay relay = {.lock = PTHREAD_MUTEX_INITIALIZER,
                                 .status_page = {relay_page, sizeof relay_page, ""},
                                 .login_page = {relay_login, sizeof relay_login, ""}};
    int status = find_token(home, &relay.token);
    if (status == EXIT_OK)
        status = find_listener(options, &listening);
    if (status != EXIT_OK)
        return status;
    (void)gethostname(relay.host, sizeof relay.host - 1);
    relay.home = home;
    page_policy_set(&relay.status_page);
    page_policy_set(&relay.login_page);
    memcpy(relay.address, listening.address, sizeof relay.address);
    relay.unix_socket = listening.unix_socket;
    relay.allow_remote = options->allow_remote;
    relay.started_at = clock_wall();
    relay.records = records_create();
    relay.metrics = metrics_create();
    if (relay.records == NULL || relay.metrics == NULL || upstream_start() != 0)
        return complain("cannot start", -ENOMEM);
    if (relay_hermes(&relay) == NULL)
        (void)fprintf(stderr, "hermes-relay: there is no usable snapshot yet; hermes-compile makes one\n");
    status = serve(&relay, &listening, thread_count(options));
    hermes_close(atomic_load(&relay.hermes));
    records_destroy(relay.records);
    metrics_destroy(relay.metrics);
    upstream_stop();
    return status;
}

int main(int argc, char **argv)
{
    struct relay_options options = {0};
    option_table_parse(&relay_options_table, argc, argv, &options.line);
    protect_process();
    raise_descriptor_limit();
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGIO, SIG_IGN);
    (void)sigaction(SIGBUS, &(struct sigaction){.sa_sigaction = on_bus_error, .sa_flags = SA_SIGINFO}, NULL);
    struct arena *arena = arena_create();
    const char *home = find_home(arena, options.home);
    int status = EXIT_USAGE;
    if (home == NULL)
        (void)fprintf(stderr, "hermes-relay: no home: give --home, or set HERMES_HOME or HOME\n");
    else if (options.line.mode == MODE_SIMULATE)
        status = simulate(home, options.line.subject);
    else if (options.line.mode == MODE_PRINT_ENV)
        status = show_env(&options, home);
    else
        status = run(&options, home);
    arena_destroy(arena);
    return status;
}
