#include "options.h"

#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "wrong_option.h"

static const char usage[] =
    "usage: hermes-compile [--check [FILE...] | --diff | --explain WHAT | --status | --reset PROVIDER |\n"
    "                       --probe [PROVIDER] | --withdraw] [options]\n"
    "\n"
    "Compiles config.yaml and .env of a Hermes home into compiled/snapshot.json and\n"
    "brings the credential pool in auth.json in line with it.\n"
    "\n"
    "  (no mode)        compile and publish\n"
    "  --check          say what is wrong; write nothing. FILEs are config.yaml or env files\n"
    "                   to check instead of a home's; - is a config.yaml on standard input\n"
    "  --check --live   and who disagrees: snapshot, pool, processes, units, shells, hermes-watch\n"
    "  --diff           what publishing would change; write nothing\n"
    "  --explain WHAT   where a provider's keys, a variable or a config path come from\n"
    "  --status         what is in force: generation, keys by fingerprint, cooldowns\n"
    "  --reset PROVIDER|all [FINGERPRINT]       clear cooldowns, in the pool and in our memory\n"
    "  --withdraw                               take our entries out of auth.json, for whoever leaves\n"
    "  --probe [PROVIDER]                       ask the providers whether each key works\n"
    "  --explain-code CODE                      what a diagnostic means (all: every one)\n"
    "  --print-schema config|snapshot|reference JSON Schema, or a page of all keys\n"
    "\n"
    "  --home DIR       the Hermes home (else $HERMES_HOME, else ~/.hermes)\n"
    "  --strict         warnings count as errors\n"
    "  --format FORMAT  text, json, sarif or github\n"
    "  --color WHEN     auto, always or never\n"
    "  --reveal         with --explain, to a terminal: show keys as they are\n"
    "  --quiet          only errors\n"
    "  --version, --help\n"
    "\n"
    "exit status: 0 all is well; 1 the sources are invalid; 2 wrong usage;\n"
    "             3 --diff or --live found something, or --probe a key that does not work;\n"
    "             4 input or output failed, or nobody could be asked\n";

_Noreturn void options_wrong(const char *message)
{
    (void)fprintf(stderr, "hermes-compile: %s; see --help\n", message);
    exit(EXIT_USAGE);
}

static void set_mode(struct options *options, enum mode mode, const char *subject)
{
    if (options->mode != MODE_COMPILE && options->mode != mode)
        options_wrong("one mode at a time");
    options->mode = mode;
    options->subject = subject;
}

static void set_format(struct options *options, const char *name)
{
    int format = report_format_find(name);
    if (format < 0)
        options_wrong("--format takes text, json, sarif or github");
    options->format = (enum report_format)format;
}

static void take_option(struct options *options, int option, char **argv)
{
    switch (option) {
    case 'c':
        set_mode(options, MODE_CHECK, NULL);
        break;
    case 'd':
        set_mode(options, MODE_DIFF, NULL);
        break;
    case 'e':
        set_mode(options, MODE_EXPLAIN, optarg);
        break;
    case 's':
        set_mode(options, MODE_STATUS, NULL);
        break;
    case 'R':
        set_mode(options, MODE_RESET, optarg);
        break;
    case 'W':
        set_mode(options, MODE_WITHDRAW, NULL);
        break;
    case 'p':
        set_mode(options, MODE_PROBE, NULL);
        break;
    case 'E':
        set_mode(options, MODE_EXPLAIN_CODE, optarg);
        break;
    case 'P':
        set_mode(options, MODE_PRINT_SCHEMA, optarg);
        break;
    case 'H':
        if (*optarg == '\0')
            options_wrong("--home wants a folder");
        options->home = optarg;
        break;
    case 'l':
        options->live = true;
        break;
    case 'S':
        options->strict = true;
        break;
    case 'F':
        set_format(options, optarg);
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
    default:
        options_wrong(wrong_option(argv));
    }
}

static void check_options(const struct options *options)
{
    if (options->file_count > 0 && options->mode == MODE_COMPILE)
        options_wrong("what to do is said with an option: --check FILE, --explain WHAT, --status ...");
    bool one_more = options->mode == MODE_RESET || options->mode == MODE_PROBE;
    if (options->file_count > (options->mode == MODE_CHECK ? INT_MAX : one_more))
        options_wrong("too many arguments; only --check takes files");
    if (strcmp(options->colour, "auto") != 0 && strcmp(options->colour, "always") != 0 &&
        strcmp(options->colour, "never") != 0)
        options_wrong("--color takes auto, always or never");
    if (options->live && (options->mode != MODE_CHECK || options->file_count > 0 || options->format > FORMAT_JSON))
        options_wrong("--live goes with --check of a home, as text or json");
    if (options->reveal && (options->mode != MODE_EXPLAIN || options->format != FORMAT_TEXT || !isatty(STDOUT_FILENO)))
        options_wrong("--reveal goes with --explain and only to a terminal");
    if (options->format > FORMAT_JSON && options->mode != MODE_CHECK)
        options_wrong("--format sarif and github go with --check");
}

struct options options_parse(int argc, char **argv)
{
    static const struct option known[] = {
        {"check", no_argument, NULL, 'c'},
        {"diff", no_argument, NULL, 'd'},
        {"explain", required_argument, NULL, 'e'},
        {"status", no_argument, NULL, 's'},
        {"reset", required_argument, NULL, 'R'},
        {"withdraw", no_argument, NULL, 'W'},
        {"probe", no_argument, NULL, 'p'},
        {"explain-code", required_argument, NULL, 'E'},
        {"print-schema", required_argument, NULL, 'P'},
        {"home", required_argument, NULL, 'H'},
        {"live", no_argument, NULL, 'l'},
        {"strict", no_argument, NULL, 'S'},
        {"format", required_argument, NULL, 'F'},
        {"color", required_argument, NULL, 'C'},
        {"reveal", no_argument, NULL, 'r'},
        {"quiet", no_argument, NULL, 'q'},
        {"version", no_argument, NULL, 'V'},
        {"help", no_argument, NULL, 'h'},
        {0},
    };
    struct options options = {.colour = "auto"};
    int option;
    opterr = 0;
    while ((option = getopt_long(argc, argv, "", known, NULL)) != -1)
        take_option(&options, option, argv);
    options.files = argv + optind;
    options.file_count = argc - optind;
    check_options(&options);
    return options;
}
