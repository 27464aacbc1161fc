#include "compile_options.h"

#include <string.h>
#include <unistd.h>

#include "diagnostic.h"
#include "linked_libraries.h"
#include "plain_name.h"

#define AT(member) .at = offsetof(struct compile_options, member)

/* clang-format off */
static const struct option_row rows[] = {
    {OPTION_MODE, "check", .mode = MODE_CHECK, .operands = "[FILE...]",
     .help = "Report what is wrong; write nothing. A FILE is a config.yaml or an env file to check instead of the "
             "home's; \"-\" is a config.yaml on standard input, read with the home's .env."},
    {OPTION_MODE, "diff", .mode = MODE_DIFF,
     .help = "Show what publishing would change; write nothing."},
    {OPTION_MODE, "explain", .mode = MODE_EXPLAIN, .argument = "WHAT",
     .help = "Show where a value comes from. WHAT is a provider, a variable, or the path of a setting such as "
             "model.api_key."},
    {OPTION_MODE, "status", .mode = MODE_STATUS,
     .help = "Show the active generation, its keys by fingerprint, and which of them are cooling down."},
    {OPTION_MODE, "reset", .mode = MODE_RESET, .argument = "PROVIDER|all", .operands = "[FINGERPRINT]",
     .help = "Clear cooldowns. Both those of Hermes and those that gateways reported are cleared, for one provider, "
             "for one of its keys, or for all."},
    {OPTION_MODE, "withdraw", .mode = MODE_WITHDRAW,
     .help = "Remove hermes-watch's entries from auth.json, before uninstalling. End hermes-watch and Hermes first; "
             "afterwards compiled/ may be removed."},
    {OPTION_MODE, "probe", .mode = MODE_PROBE, .operands = "[PROVIDER]",
     .help = "Ask the providers whether each key works. Each key is sent to its own provider. Apart from this, only "
             "hermes_watch.require_probe sends keys."},
    {OPTION_MODE, "explain-code", .mode = MODE_EXPLAIN_CODE, .argument = "CODE|all",
     .help = "Explain the code of a diagnostic."},
    {OPTION_MODE, "print-schema", .mode = MODE_PRINT_SCHEMA, .argument = "config|snapshot|reference",
     .help = "Print the JSON Schema of config.yaml or of the snapshot, or a list of all settings."},

    {OPTION_TEXT, "home", .argument = "DIR", AT(home),
     .help = "The Hermes home. Default: $HERMES_HOME, else ~/.hermes."},
    {OPTION_FLAG, "live", .mode = MODE_CHECK, AT(live),
     .help = "Also find keys that differ from the configuration: in the snapshot, the pool, processes, units, shell "
             "startup files, and hermes-watch."},
    {OPTION_FLAG, "strict", AT(strict),
     .help = "Treat warnings as errors: nothing is published while there are any."},
    {OPTION_LIST, "allow", .mode = MODE_COMPILE | MODE_CHECK | MODE_DIFF, .argument = "CODE", AT(allowed),
     .help = "Do not report the warnings or hints with this code; may be given more than once. In config.yaml: "
             "hermes_watch.diagnostics."},
    {OPTION_LIST, "deny", .mode = MODE_COMPILE | MODE_CHECK | MODE_DIFF, .argument = "CODE", AT(denied),
     .help = "Treat the warnings or hints with this code as errors; may be given more than once."},
    {OPTION_FLAG, "all", .mode = MODE_COMPILE | MODE_CHECK | MODE_DIFF, AT(all),
     .help = "Show every diagnostic instead of 20, and every setting in a first --diff."},
    {OPTION_CHOICE, "format", .argument = "text|json|sarif|github", AT(format),
     .help = "The format of the output. sarif and github are only for --check."},
    {OPTION_CHOICE, "color", .argument = "auto|always|never", AT(color),
     .help = "When to use color. auto: on a terminal."},
    {OPTION_FLAG, "reveal", .mode = MODE_EXPLAIN, AT(reveal),
     .help = "Show keys in plain text; only on a terminal."},
    {OPTION_FLAG, "quiet", AT(quiet),
     .help = "Print nothing but errors."},
    OPTION_COMMON,
};

static const struct option_exit exits[] = {
    {EXIT_OK, "Success."},
    {EXIT_INVALID, "The configuration is invalid, or has warnings under --strict."},
    {EXIT_USAGE, "Wrong usage, or a provider or name that does not exist."},
    {EXIT_DIFFERS, "--diff or --live found something, or --probe a key that does not work."},
    {EXIT_IO, "Input or output failed, or no provider could be asked."},
};
/* clang-format on */

const struct option_table compile_options_table = {
    .program = "hermes-compile",
    .version = HERMES_VERSION,
    .print_libraries = linked_libraries_print,
    .about = "Compiles config.yaml and .env of a Hermes home into compiled/snapshot.json, and updates the entries that "
             "follow from them in auth.json. Nothing is published while the configuration has errors, and nothing is "
             "written when nothing changed.",
    .rows = rows,
    .row_count = sizeof rows / sizeof *rows,
    .exits = exits,
    .exit_count = sizeof exits / sizeof *exits,
    .usual_mode = MODE_COMPILE,
};

static void check(const struct compile_options *options)
{
    bool of_home = options->line.operand_count == 0;
    if (options->live && (!of_home || options->format > FORMAT_JSON))
        option_table_wrong(&compile_options_table, "--live checks a home, with --format text or json");
    if (options->reveal && (options->format != FORMAT_TEXT || !isatty(STDOUT_FILENO)))
        option_table_wrong(&compile_options_table, "--reveal shows keys only on a terminal");
    if (options->format > FORMAT_JSON && options->line.mode != MODE_CHECK)
        option_table_wrong(&compile_options_table, "--format sarif and github are only for --check");
}

_Noreturn void compile_options_wrong_code(const char *name)
{
    const char *near = diagnostic_code_near(name);
    const char *shown = plain_name(name, strlen(name)) ? name : "";
    if (near != NULL)
        option_table_did_you_mean(&compile_options_table, "unknown diagnostic code %s; did you mean %s", shown, near);
    option_table_wrong(&compile_options_table, "unknown diagnostic code %s (--explain-code all prints all of them)",
                       shown);
}

static void set_rules(struct compile_options *options, const struct option_list *codes, enum diagnostic_rule rule)
{
    for (size_t i = 0; i < codes->count; i++) {
        enum diagnostic_code code = diagnostic_code_find(codes->items[i]);
        if (code == DIAGNOSTIC_CODES)
            compile_options_wrong_code(codes->items[i]);
        if (rule == RULE_ALLOW && diagnostic_code_pages[code].severity == SEVERITY_ERROR)
            option_table_wrong(&compile_options_table, "%s is an error and cannot be allowed",
                               diagnostic_code_pages[code].name);
        options->rules[code] = (unsigned char)rule;
    }
}

struct compile_options compile_options_parse(struct arena *arena, const char *commit, int argc, char **argv)
{
    struct compile_options options = {.line.commit = commit};
    options.allowed.items = arena_alloc(arena, (size_t)argc * sizeof(const char *));
    options.denied.items = arena_alloc(arena, (size_t)argc * sizeof(const char *));
    option_table_parse(&compile_options_table, argc, argv, &options.line);
    set_rules(&options, &options.allowed, RULE_ALLOW);
    set_rules(&options, &options.denied, RULE_DENY);
    check(&options);
    return options;
}
