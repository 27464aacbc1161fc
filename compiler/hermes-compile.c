/* hermes-compile: compiles a Hermes home's config.yaml and env files into one snapshot. */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "compile.h"
#include "explain.h"
#include "hermes_runtime.h"
#include "status.h"

/* Exit status, as the README's table has it. */
enum { EXIT_OK = 0, EXIT_INVALID = 1, EXIT_USAGE = 2, EXIT_DIFFERS = 3, EXIT_IO = 4 };

/* Hermes waits this long for auth.lock. */
enum { READ_WAIT_MS = 2000, LOCK_WAIT_MS = 15000 };

enum mode { MODE_COMPILE, MODE_CHECK, MODE_DIFF, MODE_EXPLAIN, MODE_STATUS };

struct options {
    enum mode mode;
    const char *home;
    const char *subject;
    const char *colour;
    bool strict;
    bool quiet;
    bool reveal;
};

extern char **environ;

static const char usage[] =
    "usage: hermes-compile [--check | --diff | --explain WHAT | --status] [options]\n"
    "\n"
    "Compiles config.yaml and .env of a Hermes home into compiled/snapshot.json and\n"
    "brings the credential pool in auth.json in line with it.\n"
    "\n"
    "  (no mode)        compile and publish\n"
    "  --check          say what is wrong; write nothing\n"
    "  --diff           what publishing would change; write nothing\n"
    "  --explain WHAT   where a provider's keys, a variable or a config path come from\n"
    "  --status         what is in force: generation, keys by fingerprint, cooldowns\n"
    "\n"
    "  --home DIR       the Hermes home (else $HERMES_HOME, else ~/.hermes)\n"
    "  --strict         warnings count as errors\n"
    "  --color WHEN     auto, always or never\n"
    "  --reveal         with --explain, to a terminal: show keys as they are\n"
    "  --quiet          only errors\n"
    "  --version, --help\n"
    "\n"
    "exit status: 0 all is well; 1 the sources are invalid; 2 wrong usage;\n"
    "             3 --diff found changes; 4 input or output failed\n";

static _Noreturn void wrong_usage(const char *message)
{
    (void)fprintf(stderr, "hermes-compile: %s\n%s", message, usage);
    exit(EXIT_USAGE);
}

static void set_mode(struct options *options, enum mode mode)
{
    if (options->mode != MODE_COMPILE && options->mode != mode)
        wrong_usage("one mode at a time");
    options->mode = mode;
}

static void parse_options(struct options *options, int argc, char **argv)
{
    static const struct option known[] = {
        {"check", no_argument, NULL, 'c'},         {"diff", no_argument, NULL, 'd'},
        {"explain", required_argument, NULL, 'e'}, {"status", no_argument, NULL, 's'},
        {"home", required_argument, NULL, 'H'},    {"strict", no_argument, NULL, 'S'},
        {"color", required_argument, NULL, 'C'},   {"reveal", no_argument, NULL, 'r'},
        {"quiet", no_argument, NULL, 'q'},         {"version", no_argument, NULL, 'V'},
        {"help", no_argument, NULL, 'h'},          {0},
    };
    int option;
    opterr = 0;
    while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
        switch (option) {
        case 'c':
            set_mode(options, MODE_CHECK);
            break;
        case 'd':
            set_mode(options, MODE_DIFF);
            break;
        case 'e':
            set_mode(options, MODE_EXPLAIN);
            options->subject = optarg;
            break;
        case 's':
            set_mode(options, MODE_STATUS);
            break;
        case 'H':
            options->home = optarg;
            break;
        case 'S':
            options->strict = true;
            break;
        case 'C':
            options->colour = optarg;
            break;
        case 'r':
            options->reveal = true;
            break;
        case 'q':
            options->quiet = true;
            break;
        case 'V':
            (void)puts("hermes-compile " HERMES_VERSION);
            exit(EXIT_OK);
        case 'h':
            (void)fputs(usage, stdout);
            exit(EXIT_OK);
        default: /* the argument is not repeated: somebody may have typed a key */
            wrong_usage("unknown option, or an option without its value");
        }
    }
    if (optind < argc)
        wrong_usage("too many arguments");
    if (strcmp(options->colour, "auto") != 0 && strcmp(options->colour, "always") != 0 &&
        strcmp(options->colour, "never") != 0)
        wrong_usage("--color takes auto, always or never");
    if (options->reveal && (options->mode != MODE_EXPLAIN || !isatty(STDOUT_FILENO)))
        wrong_usage("--reveal goes with --explain and only to a terminal");
}

static bool use_colour(const struct options *options)
{
    const char *none = getenv("NO_COLOR");
    const char *force = getenv("CLICOLOR_FORCE");
    if (strcmp(options->colour, "auto") != 0)
        return strcmp(options->colour, "always") == 0;
    if (none != NULL && *none != '\0')
        return false;
    return (force != NULL && strcmp(force, "0") != 0 && *force != '\0') || isatty(STDERR_FILENO);
}

static void print_diagnostics(const struct options *options, const struct compilation *c)
{
    bool colour = use_colour(options);
    for (size_t i = 0; i < c->diagnostics.count; i++) {
        const struct diagnostic *d = c->diagnostics.items[i];
        bool asked = !options->quiet && options->mode != MODE_EXPLAIN && options->mode != MODE_STATUS;
        if (d->severity == SEVERITY_ERROR || asked || options->strict)
            diagnostic_print(d, colour, stderr);
    }
}

static int outcome_status(const struct options *options, const struct compilation *c)
{
    switch (c->outcome) {
    case COMPILE_VALID:
        return options->strict && c->diagnostics.warnings > 0 ? EXIT_INVALID : EXIT_OK;
    case COMPILE_INVALID:
        return EXIT_INVALID;
    default:
        return EXIT_IO;
    }
}

static void print_changes(const struct compilation *c)
{
    if (c->plan.lines.len > 0)
        (void)fputs(c->plan.lines.bytes, stdout);
    if (c->pool_plan.len > 0)
        (void)fputs(c->pool_plan.bytes, stdout);
}

static int report_compile(const struct options *options, const struct compilation *c)
{
    if (options->quiet || c->generation == 0 || c->outcome == COMPILE_INVALID)
        return outcome_status(options, c);
    if (!c->published && !c->projected) {
        (void)printf("generation %lld: nothing changed\n", c->generation);
    } else {
        (void)printf("generation %lld:\n", c->generation);
        print_changes(c);
    }
    return outcome_status(options, c);
}

static int report_check(const struct options *options, const struct compilation *c)
{
    if (!options->quiet)
        (void)fprintf(stderr, "%zu error%s, %zu warning%s\n", c->diagnostics.errors,
                      c->diagnostics.errors == 1 ? "" : "s", c->diagnostics.warnings,
                      c->diagnostics.warnings == 1 ? "" : "s");
    return outcome_status(options, c);
}

static int report_diff(const struct options *options, const struct compilation *c)
{
    int status = outcome_status(options, c);
    if (status != EXIT_OK)
        return status;
    print_changes(c);
    return c->plan.changed || c->pool_plan.len > 0 ? EXIT_DIFFERS : EXIT_OK;
}

static int report_explain(const struct options *options, const struct compilation *c)
{
    if (c->config == NULL)
        return outcome_status(options, c);
    if (explain(c, options->subject, options->reveal, stdout))
        return outcome_status(options, c);
    (void)fputs("hermes-compile: there is no such provider, variable or config path in the sources\n", stderr);
    return EXIT_INVALID;
}

static int report_status(const struct compilation *c, const char *home)
{
    int error = print_status(c, home, stdout);
    if (error == 0)
        return EXIT_OK;
    (void)fprintf(stderr, "hermes-compile: %s: %s\n", home, hermes_strerror(error));
    return EXIT_IO;
}

static int report(const struct options *options, const struct compilation *c, const char *home)
{
    switch (options->mode) {
    case MODE_COMPILE:
        return report_compile(options, c);
    case MODE_CHECK:
        return report_check(options, c);
    case MODE_DIFF:
        return report_diff(options, c);
    case MODE_EXPLAIN:
        return report_explain(options, c);
    default:
        return report_status(c, home);
    }
}

/* Keys must not end in a core file, and a lease that a writer breaks must not kill. */
static void protect_process(void)
{
    const struct rlimit none = {0, 0};
    (void)setrlimit(RLIMIT_CORE, &none);
    (void)signal(SIGIO, SIG_IGN);
#ifndef __SANITIZE_ADDRESS__
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
#endif
}

int main(int argc, char **argv)
{
    struct options options = {.colour = "auto"};
    struct compilation c;
    protect_process();
    parse_options(&options, argc, argv);
    struct arena *arena = arena_create();
    const char *home = compile_find_home(arena, options.home);
    if (home == NULL)
        wrong_usage("no home: give --home, or set HERMES_HOME or HOME");
    compile_home(&c, &(struct compile_request){
                         .home = home,
                         .managed = compile_find_managed(),
                         .write = options.mode == MODE_COMPILE,
                         .read_wait_ms = READ_WAIT_MS,
                         .lock_wait_ms = LOCK_WAIT_MS,
                         .shell = (const char *const *)environ,
                     });
    print_diagnostics(&options, &c);
    int status = report(&options, &c, home);
    if (fflush(stdout) != 0 || ferror(stdout))
        status = EXIT_IO;
    compilation_finish(&c);
    arena_destroy(arena);
    return status;
}
