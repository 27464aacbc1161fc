/* hermes-relay: an HTTP gateway that reads nothing but the snapshot of a Hermes home. */
#include <errno.h>
#include <getopt.h>
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
#include "listen.h"
#include "metrics.h"
#include "print_env.h"
#include "record.h"
#include "simulate.h"
#include "upstream.h"
#include "worker.h"

#include "relay_page.h"
#include "page_policy.h"
#include "wrong_option.h"

enum { EXIT_OK = 0, EXIT_INVALID = 1, EXIT_USAGE = 2, EXIT_IO = 4, WORKERS_MAX = 16, WORKERS_USUAL = 4 };

static const char usage[] =
    "usage: hermes-relay [--home DIR] [--listen ADDR:PORT|unix:PATH] [--allow-remote] [--threads N]\n"
    "       hermes-relay [--home DIR] --simulate 'KEY=STATUS[:SECONDS] ...'\n"
    "       hermes-relay [--home DIR] --print-env\n"
    "\n"
    "An HTTP gateway for OpenAI- and Anthropic-style clients that reads nothing but the home's snapshot.\n"
    "\n"
    "  --home DIR       the Hermes home; else $HERMES_HOME, else ~/.hermes\n"
    "  --listen WHERE   " LISTEN_DEFAULT " unless told otherwise, or the socket that systemd hands over\n"
    "  --allow-remote   an address that other machines can reach is meant\n"
    "  --threads N      event loops; else one a processor, at most 4\n"
    "  --simulate WHAT  which key would serve if keys had been answered so: a fingerprint, its beginning, or a\n"
    "                   variable's name, and the status of HTTP, with the seconds of its Retry-After\n"
    "  --print-env      the lines that point a client, or Hermes itself, at the relay\n"
    "  --version, --help\n"
    "\n"
    "Clients send the token in compiled/relay.token as their API key.\n"
    "Exit status: 0 ended as asked; 1 no key would serve (--simulate); 2 wrong usage; 4 input or output failed.\n";

struct options {
    const char *home;
    const char *listen;
    const char *simulate;
    bool print_env;
    bool allow_remote;
    int threads;
};

static _Noreturn void wrong(const char *message)
{
    (void)fprintf(stderr, "hermes-relay: %s; see --help\n", message);
    exit(EXIT_USAGE);
}

static int number_of_threads(const char *text)
{
    char *end;
    long number = strtol(text, &end, 10);
    if (*text == '\0' || *end != '\0' || number < 1 || number > WORKERS_MAX)
        wrong("--threads wants a number from 1 to 16");
    return (int)number;
}

static struct options parse_options(int argc, char **argv)
{
    static const struct option known[] = {{"home", required_argument, NULL, 'H'},
                                          {"listen", required_argument, NULL, 'l'},
                                          {"simulate", required_argument, NULL, 's'},
                                          {"print-env", no_argument, NULL, 'e'},
                                          {"allow-remote", no_argument, NULL, 'r'},
                                          {"threads", required_argument, NULL, 't'},
                                          {"version", no_argument, NULL, 'V'},
                                          {"help", no_argument, NULL, 'h'},
                                          {0}};
    struct options options = {0};
    opterr = 0;
    for (int option; (option = getopt_long(argc, argv, "", known, NULL)) != -1;) {
        switch (option) {
        case 'H':
            options.home = optarg;
            break;
        case 'l':
            options.listen = optarg;
            break;
        case 's':
            options.simulate = optarg;
            break;
        case 'e':
            options.print_env = true;
            break;
        case 'r':
            options.allow_remote = true;
            break;
        case 't':
            options.threads = number_of_threads(optarg);
            break;
        case 'V':
            (void)puts("hermes-relay " HERMES_VERSION);
            exit(EXIT_OK);
        case 'h':
            (void)fputs(usage, stdout);
            exit(EXIT_OK);
        default:
            wrong(wrong_option(argv));
        }
    }
    if (optind < argc)
        wrong("too many arguments");
    return options;
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
static int find_listener(const struct options *options, struct listening *ret)
{
    int error = options->listen == NULL ? listen_inherit(ret) : -ENOENT;
    if (error == -ENOENT) {
        const char *where = options->listen != NULL ? options->listen : LISTEN_DEFAULT;
        error = listen_open(where, ret);
        if (error == -EINVAL)
            wrong("--listen wants ADDR:PORT or unix:/PATH");
    }
    if (error != 0)
        (void)complain(options->listen != NULL ? options->listen : LISTEN_DEFAULT, error);
    if (error == -EADDRINUSE)
        (void)fputs("hermes-relay: another hermes-relay? --listen takes another port\n", stderr);
    if (error != 0)
        return EXIT_IO;
    if (!ret->loopback && !options->allow_remote)
        wrong("other machines can reach that address; --allow-remote says that this is meant");
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

static size_t thread_count(const struct options *options)
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
static int show_env(const struct options *options, const char *home)
{
    struct relay_token token;
    int status = find_token(home, &token);
    explicit_bzero(&token, sizeof token);
    return status != EXIT_OK ? status : print_env(home, options->listen != NULL ? options->listen : LISTEN_DEFAULT);
}

static int run(const struct options *options, const char *home)
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
    struct options options = parse_options(argc, argv);
    protect_process();
    raise_descriptor_limit();
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGIO, SIG_IGN);
    (void)sigaction(SIGBUS, &(struct sigaction){.sa_sigaction = on_bus_error, .sa_flags = SA_SIGINFO}, NULL);
    struct arena *arena = arena_create();
    const char *home = find_home(arena, options.home);
    int status = EXIT_USAGE;
    if (home == NULL)
        (void)fprintf(stderr, "hermes-relay: there is no home: --home says which\n");
    else if (options.simulate != NULL)
        status = simulate(home, options.simulate);
    else if (options.print_env)
        status = show_env(&options, home);
    else
        status = run(&options, home);
    arena_destroy(arena);
    return status;
}
