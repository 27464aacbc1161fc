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

#include <sodium.h>
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
#include "models.h"
#include "owners.h"
#include "print_env.h"
#include "record.h"
#include "simulate.h"
#include "upstream.h"
#include "worker.h"

#include "commit.h"
#include "relay_page.h"
#include "page_policy.h"

/* DRAIN_USUAL_S: an answer of a model that reasons takes minutes; the unit's TimeoutStopSec is a little longer. */
enum { WORKERS_USUAL = 4, DRAIN_USUAL_S = 600 };

#define wrong(...) option_table_wrong(&relay_options_table, __VA_ARGS__)

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

/* What clients send to another user there holds the token. False: nobody else is there. */
static bool say_foreign(const char *home, const char *where)
{
    if (!listen_is_foreign(where))
        return false;
    (void)fputs(
        "hermes-relay: another user of this machine is listening there and receives the token that clients send; it is "
        "replaced as soon as the relay listens again\n",
        stderr);
    int error = token_distrust(home);
    if (error != 0)
        (void)complain("the token in compiled/relay.token", error);
    return true;
}

/* Where it listens: so many of RET. An exit status. */
static int find_listeners(const struct relay_options *options, const char *home, struct listening *ret, size_t *count)
{
    int found = options->listen == NULL ? listen_inherit(ret) : 0;
    int error = found < 0 ? found : 0;
    if (found == 0) {
        const char *where = options->listen != NULL ? options->listen : LISTEN_DEFAULT;
        error = listen_open(where, ret);
        if (error == -EINVAL)
            wrong("--listen takes ADDRESS:PORT or unix:/PATH");
    }
    if (error != 0)
        (void)complain(options->listen != NULL ? options->listen : LISTEN_DEFAULT, error);
    if (error == -EADDRINUSE && !say_foreign(home, options->listen != NULL ? options->listen : LISTEN_DEFAULT))
        (void)fputs("hermes-relay: is another hermes-relay running? --listen takes another port\n", stderr);
    if (error != 0)
        return EXIT_IO;
    *count = found == 0 ? 1 : (size_t)found;
    for (size_t i = 0; i < *count; i++)
        if (!ret[i].loopback && !options->allow_remote)
            wrong("other machines can reach %s; allow it with --allow-remote", ret[i].address);
    return EXIT_OK;
}

/* Its threads, and what they have in common. */
struct team {
    struct worker workers[WORKERS_MAX * LISTEN_MOST];
    pthread_t threads[WORKERS_MAX * LISTEN_MOST];
    size_t opened;
    size_t running;
};

static void wake_all(struct team *team)
{
    const uint64_t one = 1;
    for (size_t i = 0; i < team->running; i++)
        (void)!write(team->workers[i].wake, &one, sizeof one);
}

/* Whether each loop has turned since it was last asked; asks again. */
static bool all_turn(struct team *team, unsigned *rounds)
{
    bool turn = true;
    for (size_t i = 0; i < team->running; i++) {
        unsigned now = atomic_load(&team->workers[i].rounds);
        turn = turn && now != rounds[i];
        rounds[i] = now;
    }
    wake_all(team);
    return turn;
}

/* Waits for the signal to end. systemd hears from a relay whose loops turn, if it asked to. */
static void wait_for_the_end(struct team *team, const sigset_t *signals)
{
    static unsigned rounds[WORKERS_MAX * LISTEN_MOST];
    uint64_t us = 0;
    bool watched = sd_watchdog_enabled(0, &us) > 0;
    const struct timespec third = {.tv_sec = (time_t)(us / 3000000), .tv_nsec = (long)(us / 3 % 1000000 * 1000)};
    (void)all_turn(team, rounds);
    while ((watched ? sigtimedwait(signals, NULL, &third) : sigwaitinfo(signals, NULL)) < 0)
        if (watched && errno == EAGAIN && all_turn(team, rounds))
            (void)sd_notify(0, "WATCHDOG=1");
}

static size_t answers_under_way(const struct team *team)
{
    size_t count = 0;
    for (size_t i = 0; i < team->running; i++)
        for (const struct client *client = team->workers[i].front.clients; client != NULL; client = client->next)
            count += client->exchange != NULL;
    return count;
}

/* Lets what is under way end, and says what does not in time. */
static void end(struct relay *relay, struct team *team)
{
    atomic_store(&relay->draining, true);
    wake_all(team);
    for (size_t i = 0; i < team->running; i++)
        (void)pthread_join(team->threads[i], NULL);
    size_t cut = answers_under_way(team);
    if (cut > 0)
        (void)fprintf(stderr, "hermes-relay: running answers cut off after %d s: %zu; --drain gives them longer\n",
                      relay->drain_s, cut);
    for (size_t i = 0; i < team->opened; i++)
        worker_close(&team->workers[i]);
}

static void say_listening(const struct relay *relay, const struct listening *listening, size_t count)
{
    for (size_t i = 0; i < count; i++)
        (void)fprintf(stderr, "hermes-relay: listening on %s for %s\n", listening[i].address, relay->home);
    (void)sd_notifyf(0, "READY=1\nSTATUS=listening on %s", listening->address);
}

/* COUNT sockets, each with so many THREADS. */
static int serve(struct relay *relay, const struct listening *listening, size_t count, size_t threads)
{
    static struct team team;
    sigset_t signals;
    int error = 0;
    (void)sigemptyset(&signals);
    (void)sigaddset(&signals, SIGTERM);
    (void)sigaddset(&signals, SIGINT);
    (void)pthread_sigmask(SIG_BLOCK, &signals, NULL);
    for (; error == 0 && team.opened < count * threads; team.opened++)
        error = worker_open(&team.workers[team.opened], relay, &listening[team.opened / threads]);
    while (error == 0 && team.running < team.opened) {
        error = -pthread_create(&team.threads[team.running], NULL, worker_run, &team.workers[team.running]);
        team.running += error == 0;
    }
    for (size_t i = 0; i < count; i++)
        (void)close(listening[i].fd);
    if (error == 0) {
        say_listening(relay, listening, count);
        wait_for_the_end(&team, &signals);
        (void)sd_notifyf(0, "STOPPING=1\nSTATUS=waiting for running answers to end");
    }
    end(relay, &team);
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
        (void)fprintf(stderr,
                      "hermes-relay: %s does not exist or belongs to another user; run hermes-relay as its owner\n",
                      home);
        return EXIT_IO;
    }
    bool damaged;
    int error = token_open(home, ret, &damaged);
    if (error == 0 && damaged)
        (void)fputs(
            "hermes-relay: compiled/relay.token was damaged and has been replaced: clients need the new token\n",
            stderr);
    return error == 0 ? EXIT_OK : complain("the token in compiled/relay.token", error);
}

static int settle_token(const char *home, struct relay_token *token)
{
    bool fresh;
    int error = token_settle(home, token, &fresh);
    if (error == 0 && fresh)
        (void)fputs("hermes-relay: the token has been replaced, because another user was listening here: clients "
                    "need the new one in compiled/relay.token\n",
                    stderr);
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

static void draw_hop(char *hop, size_t size)
{
    unsigned char random[8];
    randombytes_buf(random, sizeof random);
    (void)sodium_bin2hex(hop, size, random, sizeof random);
}

static int run(const struct relay_options *options, const char *home)
{
    struct listening listening[LISTEN_MOST];
    size_t count = 0;
    static struct relay relay = {.lock = PTHREAD_MUTEX_INITIALIZER,
                                 .status_page = {relay_page, sizeof relay_page, ""},
                                 .login_page = {relay_login, sizeof relay_login, ""}};
    int status = find_token(home, &relay.token);
    if (status == EXIT_OK)
        status = find_listeners(options, home, listening, &count);
    if (status == EXIT_OK)
        status = settle_token(home, &relay.token);
    if (status != EXIT_OK)
        return status;
    (void)gethostname(relay.host, sizeof relay.host - 1);
    relay.home = home;
    page_policy_set(&relay.status_page);
    page_policy_set(&relay.login_page);
    memcpy(relay.address, listening[0].address, sizeof relay.address);
    relay.allow_remote = options->allow_remote;
    relay.hosts = options->hosts;
    relay.origins = options->origins;
    relay.drain_s = options->drain_s > 0 ? options->drain_s : DRAIN_USUAL_S;
    draw_hop(relay.hop, sizeof relay.hop);
    relay.started_at = clock_wall();
    relay.records = records_create();
    relay.metrics = metrics_create();
    relay.owners = owners_open(home);
    relay.models = models_create();
    if (relay.owners == NULL || relay.models == NULL || relay.records == NULL || relay.metrics == NULL ||
        upstream_start() != 0)
        return complain("cannot start", -ENOMEM);
    if (relay_hermes(&relay) == NULL)
        (void)fprintf(stderr, "hermes-relay: there is no usable snapshot yet; hermes-compile makes one\n");
    status = serve(&relay, listening, count, thread_count(options));
    hermes_close(atomic_load(&relay.hermes));
    records_destroy(relay.records);
    metrics_destroy(relay.metrics);
    owners_close(relay.owners);
    models_destroy(relay.models);
    upstream_stop();
    return status;
}

int main(int argc, char **argv)
{
    struct relay_options options = {.line.commit = HERMES_COMMIT,
                                    .hosts.items = calloc((size_t)argc, sizeof(char *)),
                                    .origins.items = calloc((size_t)argc, sizeof(char *))};
    if (options.hosts.items == NULL || options.origins.items == NULL)
        return complain("cannot start", -ENOMEM);
    option_table_parse(&relay_options_table, argc, argv, &options.line);
    protect_process();
    (void)unsetenv("SSLKEYLOGFILE"); /* libcurl would write the secrets of its connections there */
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
    free((void *)options.hosts.items);
    free((void *)options.origins.items);
    return status;
}
