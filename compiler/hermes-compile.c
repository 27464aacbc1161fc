/* hermes-compile: compiles a Hermes home's config.yaml and env files into one snapshot. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check_files.h"
#include "compile_options.h"
#include "compile_proven.h"
#include "diagnostic_code.h"
#include "drift.h"
#include "explain.h"
#include "find_home.h"
#include "fleet_resets.h"
#include "fold_text.h"
#include "hermes_runtime.h"
#include "json_write.h"
#include "print_schema.h"
#include "probe.h"
#include "protect_process.h"
#include "provider_table.h"
#include "report.h"
#include "reset.h"
#include "shown.h"
#include "snapshot_format.h"
#include "status.h"
#include "withdraw.h"

#include "commit.h"

/* Hermes waits this long for auth.lock. */
enum { READ_WAIT_MS = 2000, LOCK_WAIT_MS = 15000, SHOWN_AT_ONCE = 20, SUMMARY_LINES = 36 };

extern char **environ;

static bool use_colour(const struct compile_options *options)
{
    const char *none = getenv("NO_COLOR");
    const char *force = getenv("CLICOLOR_FORCE");
    if (options->color != COLOR_AUTO)
        return options->color == COLOR_ALWAYS;
    if (none != NULL && *none != '\0')
        return false;
    return (force != NULL && strcmp(force, "0") != 0 && *force != '\0') || isatty(STDERR_FILENO);
}

static void print_diagnostics(const struct compile_options *options, const struct diagnostics *list)
{
    bool colour = use_colour(options);
    bool asks =
        options->line.mode == MODE_EXPLAIN || options->line.mode == MODE_STATUS || options->line.mode == MODE_PROBE;
    bool all = options->strict || (!options->quiet && !asks);
    size_t hidden = all ? list->hidden : list->hidden_errors;
    for (size_t i = 0; i < list->count; i++)
        if (all || list->items[i]->severity == SEVERITY_ERROR)
            diagnostic_print(list->items[i], colour, stderr);
    if (hidden > 0)
        (void)fprintf(stderr, "... and %zu more; --all shows them\n", hidden);
}

static int outcome_status(const struct compile_options *options, enum compile_outcome outcome, size_t warnings)
{
    switch (outcome) {
    case COMPILE_VALID:
        return options->strict && warnings > 0 ? EXIT_INVALID : EXIT_OK;
    case COMPILE_INVALID:
        return EXIT_INVALID;
    default:
        return EXIT_IO;
    }
}

static int print_text(const struct text *text)
{
    (void)fwrite(text->bytes, 1, text->len, stdout);
    return EXIT_OK;
}

/* --- what was asked for, as JSON --- */

static void put_changes(struct text *out, const struct compilation *c)
{
    plan_json(out, &c->plan);
    json_write_name(out, "pool");
    text_putc(out, '[');
    for (const char *line = c->publication.pool_plan.bytes; line != NULL && *line != '\0';
         line += strcspn(line, "\n") + 1) {
        json_write_item(out);
        json_write_string(out, line, strcspn(line, "\n"));
    }
    text_putc(out, ']');
}

static int report_status_json(const struct compilation *c, const char *home)
{
    struct text out = {.arena = c->arena};
    text_putc(&out, '{');
    int error = status_put_json(&out, c, home);
    report_json(&out, &c->diagnostics);
    text_puts(&out, "}\n");
    (void)print_text(&out);
    return error == 0 ? EXIT_OK : EXIT_IO;
}

static int report_json_of(const struct compile_options *options, const struct compilation *c, const struct drift *drift)
{
    struct text out = {.arena = c->arena};
    text_putc(&out, '{');
    bool found =
        options->line.mode != MODE_EXPLAIN || (c->config != NULL && explain_json(&out, c, options->line.subject));
    if (options->line.mode == MODE_COMPILE) {
        json_write_number(&out, "generation", (unsigned long long)c->generation);
        json_write_truth(&out, "published", c->publication.published);
        json_write_truth(&out, "projected", c->publication.projected);
    }
    if (options->line.mode == MODE_COMPILE || options->line.mode == MODE_DIFF)
        put_changes(&out, c);
    if (options->live)
        drift_json(&out, drift);
    report_json(&out, &c->diagnostics);
    text_puts(&out, "}\n");
    (void)print_text(&out);
    int status = outcome_status(options, c->outcome, c->diagnostics.warnings);
    return status == EXIT_OK && !found ? EXIT_USAGE : status;
}

/* --- and as text --- */

static void print_changes(const struct compilation *c)
{
    if (c->plan.lines.len > 0)
        (void)fputs(c->plan.lines.bytes, stdout);
    if (c->publication.pool_plan.len > 0)
        (void)fputs(c->publication.pool_plan.bytes, stdout);
}

static bool is_setting(const struct change *change)
{
    return strcmp(change->what, "config") == 0 || strcmp(change->what, "variable") == 0;
}

/* Nothing of the configuration was in a snapshot before, and nothing of it changes for Hermes: what counts are the
 * keys. */
static void print_first_changes(const struct compilation *c)
{
    size_t settings = 0;
    size_t shown = 0;
    size_t hidden = 0;
    const char *line = c->plan.lines.bytes;
    for (size_t i = 0; i < c->plan.count && line != NULL; i++) {
        size_t len = strcspn(line, "\n");
        bool setting = is_setting(&c->plan.changes[i]);
        settings += setting;
        hidden += !setting && shown >= SUMMARY_LINES / 2;
        if (!setting && shown++ < SUMMARY_LINES / 2)
            (void)printf("%.*s\n", (int)len, line);
        line += len + (line[len] == '\n');
    }
    shown = 0;
    for (line = c->publication.pool_plan.bytes; line != NULL && *line != '\0'; line += strcspn(line, "\n") + 1) {
        hidden += shown >= SUMMARY_LINES / 2;
        if (shown++ < SUMMARY_LINES / 2)
            (void)printf("%.*s\n", (int)strcspn(line, "\n"), line);
    }
    if (hidden > 0)
        (void)printf("... and %zu more changes\n", hidden);
    (void)printf("the snapshot also records %zu settings, which stay as they are (--all lists them)\n", settings);
    (void)fputs("undo it with: hermes-compile --withdraw\n", stdout);
}

static void report_compile(const struct compile_options *options, const struct compilation *c)
{
    bool written = c->publication.published || c->publication.projected;
    const char *why = c->diagnostics.errors == 0 ? " (--strict: there are warnings)" : "";
    if (options->quiet || (c->generation == 0 && c->outcome != COMPILE_INVALID))
        return;
    if (c->outcome != COMPILE_VALID && !written && c->generation == 0) {
        (void)fprintf(stderr, "nothing published%s: there is no generation yet\n", why);
    } else if (c->outcome != COMPILE_VALID && !written) {
        (void)fprintf(stderr, "nothing published%s; generation %lld stays active\n", why, c->generation);
    } else if (!written) {
        (void)printf("generation %lld: nothing changed\n", c->generation);
    } else {
        (void)printf("generation %lld:\n", c->generation);
        print_changes(c);
    }
}

/* The gravest one's code, the first of them. */
static const char *code_to_explain(const struct diagnostics *list)
{
    const struct diagnostic *worst = NULL;
    for (size_t i = 0; i < list->count; i++)
        if (list->items[i]->severity > SEVERITY_HINT && (worst == NULL || list->items[i]->severity > worst->severity))
            worst = list->items[i];
    return worst == NULL ? NULL : diagnostic_code_pages[worst->code].name;
}

static void report_count(const struct compile_options *options, const struct diagnostics *list)
{
    const char *code = code_to_explain(list);
    if (options->quiet)
        return;
    (void)fprintf(stderr, "%zu error%s, %zu warning%s\n", list->errors, list->errors == 1 ? "" : "s", list->warnings,
                  list->warnings == 1 ? "" : "s");
    if (code != NULL && (list->errors > 0 || options->strict))
        (void)fprintf(stderr, "for more about this, run: hermes-compile --explain-code %s\n", code);
}

/* NAME is no KIND; NEAR is what it may have meant, or NULL. */
static void say_unknown(struct arena *arena, const char *kind, const char *name, const char *near)
{
    (void)fprintf(stderr, "hermes-compile: \"%s\" is not a %s; %s%s%s\n", shown_name(arena, name), kind,
                  near == NULL ? "--status lists the providers" : "did you mean \"", near == NULL ? "" : near,
                  near == NULL ? "" : "\"?");
}

static int report_explain(const struct compile_options *options, const struct compilation *c)
{
    if (c->config == NULL || explain(c, options->line.subject, options->reveal, stdout))
        return EXIT_OK;
    say_unknown(c->arena, "provider, variable or config path of the sources", options->line.subject,
                explain_near(c, options->line.subject));
    return EXIT_USAGE;
}

static int report_status(const struct compilation *c, const char *home)
{
    int error = status_print(c, home, stdout);
    if (error == 0)
        return EXIT_OK;
    if (c->sources.count == 0) /* it was said that there is no such home */
        return EXIT_IO;
    (void)fprintf(stderr, "hermes-compile: %s/" SNAPSHOT_FILE ": %s\n", home, hermes_strerror(error));
    return EXIT_IO;
}

static int report_text(const struct compile_options *options, const struct compilation *c, const char *home)
{
    print_diagnostics(options, &c->diagnostics);
    int status = outcome_status(options, c->outcome, c->diagnostics.warnings);
    int found = EXIT_OK;
    if (options->line.mode == MODE_COMPILE)
        report_compile(options, c);
    else if (options->line.mode == MODE_CHECK)
        report_count(options, &c->diagnostics);
    else if (options->line.mode == MODE_DIFF && status == EXIT_OK && c->plan.first && !options->all)
        print_first_changes(c);
    else if (options->line.mode == MODE_DIFF && status == EXIT_OK)
        print_changes(c);
    else if (options->line.mode == MODE_EXPLAIN)
        found = report_explain(options, c);
    else if (options->line.mode == MODE_STATUS)
        return report_status(c, home);
    return status != EXIT_OK ? status : found;
}

/* Diagnostics in a format of other programs go to standard output: they are what was asked for. */
static void report_diagnostics(const struct compile_options *options, struct arena *arena,
                               const struct diagnostics *list)
{
    struct text out = {.arena = arena};
    if (options->format == FORMAT_SARIF)
        report_sarif(&out, list);
    else
        report_github(&out, list);
    (void)print_text(&out);
}

static int report(const struct compile_options *options, const struct compilation *c, const char *home)
{
    int status;
    struct drift drift = {0};
    if (options->live && c->outcome == COMPILE_VALID)
        drift = drift_find(c, home, (const char *const *)environ);
    if (options->format == FORMAT_TEXT) {
        status = report_text(options, c, home);
        drift_print(&drift, stdout);
    } else if (options->format == FORMAT_JSON && options->line.mode == MODE_STATUS) {
        status = report_status_json(c, home);
    } else if (options->format == FORMAT_JSON) {
        status = report_json_of(options, c, &drift);
    } else {
        report_diagnostics(options, c->arena, &c->diagnostics);
        status = outcome_status(options, c->outcome, c->diagnostics.warnings);
    }
    bool differs =
        drift.count > 0 || (options->line.mode == MODE_DIFF && (c->plan.changed || c->publication.pool_plan.len > 0));
    return status == EXIT_OK && differs ? EXIT_DIFFERS : status;
}

/* --- whether keys work --- */

static bool add_probes(struct probes *probes, const struct providers *providers, const char *name)
{
    const struct provider *only = name == NULL ? NULL : provider_named(providers, name);
    for (size_t i = 0; i < providers->count; i++)
        for (size_t k = 0; k < providers->items[i]->credential_count; k++)
            if (name == NULL || only == providers->items[i])
                probes_add(probes, providers->items[i], &providers->items[i]->credentials[k]);
    return name == NULL || only != NULL;
}

static int probes_status(const struct probes *probes)
{
    bool answered = false;
    bool all_work = true;
    for (size_t i = 0; i < probes->count; i++) {
        answered = answered || probes->items[i].status != 0;
        all_work = all_work && probes->items[i].state == PROBE_WORKS;
    }
    return !answered ? EXIT_IO : all_work ? EXIT_OK : EXIT_DIFFERS;
}

static int report_probes(const struct compile_options *options, struct compilation *c)
{
    struct probes probes = {.arena = c->arena};
    int status = outcome_status(options, c->outcome, 0);
    const char *name = options->line.operand_count > 0 ? options->line.operands[0] : NULL;
    if (status == EXIT_OK && !add_probes(&probes, &c->providers, name)) {
        struct near_name near = {.written = name};
        providers_consider(&c->providers, &near);
        say_unknown(c->arena, "provider of the sources", name, near.best);
        return EXIT_USAGE;
    }
    probes_ask_and_wait(&probes, &c->environment);
    if (options->format == FORMAT_JSON) {
        struct text out = {.arena = c->arena};
        text_putc(&out, '{');
        probes_json(&out, &probes);
        report_json(&out, &c->diagnostics);
        text_puts(&out, "}\n");
        (void)print_text(&out);
    } else {
        print_diagnostics(options, &c->diagnostics);
        probes_print(&probes, stdout);
        if (status == EXIT_OK && probes.count == 0)
            (void)fputs("hermes-compile: there is no key to check\n", stderr);
    }
    return status != EXIT_OK ? status : probes_status(&probes);
}

static const char *home_of(const struct compile_options *options, struct arena *arena)
{
    const char *home = find_home(arena, options->home);
    if (home == NULL)
        option_table_wrong(&compile_options_table, "no home: give --home, or set HERMES_HOME or HOME");
    return home;
}

static int compile_a_home(const struct compile_options *options, struct arena *arena)
{
    struct compilation c;
    bool for_tools = options->format == FORMAT_SARIF || options->format == FORMAT_GITHUB;
    const char *home = home_of(options, arena);
    compile_proven(&c, &(struct compile_request){
                           .home = home,
                           .managed = compile_find_managed(),
                           .label_base = for_tools ? find_home_working_directory(arena) : home,
                           .write = options->line.mode == MODE_COMPILE,
                           .strict = options->strict && options->line.mode == MODE_COMPILE,
                           .only_check = options->line.mode == MODE_CHECK && !options->live,
                           .name_leaves = options->line.mode == MODE_DIFF,
                           .rules = options->rules,
                           .all = options->all,
                           .read_wait_ms = READ_WAIT_MS,
                           .lock_wait_ms = LOCK_WAIT_MS,
                           .shell = (const char *const *)environ,
                       });
    if (!options->all)
        diagnostics_cut(&c.diagnostics, SHOWN_AT_ONCE);
    int status = options->line.mode == MODE_PROBE ? report_probes(options, &c) : report(options, &c, home);
    compilation_finish(&c);
    return status;
}

static int check_some_files(const struct compile_options *options, struct arena *arena)
{
    const char *home = find_home(arena, options->home);
    struct file_checks checks = check_files(arena, options->line.operands, options->line.operand_count,
                                            home == NULL ? "/" : home, READ_WAIT_MS, options->rules, options->all);
    if (!options->all)
        diagnostics_cut(&checks.all, SHOWN_AT_ONCE);
    if (options->format == FORMAT_TEXT) {
        print_diagnostics(options, &checks.all);
        report_count(options, &checks.all);
    } else if (options->format == FORMAT_JSON) {
        struct text out = {.arena = arena};
        text_putc(&out, '{');
        report_json(&out, &checks.all);
        text_puts(&out, "}\n");
        (void)print_text(&out);
    } else {
        report_diagnostics(options, arena, &checks.all);
    }
    int status = outcome_status(options, checks.outcome, checks.all.warnings);
    check_files_finish(&checks);
    return status;
}

/* The id of the provider that NAME means: one of the sources, of what is known of keys, or of the table. NULL after a
 * message. */
static const char *provider_to_reset(struct arena *arena, const char *home, const char *name)
{
    struct compilation c;
    compile_home(
        &c, &(struct compile_request){
                .home = home, .managed = compile_find_managed(), .only_check = true, .read_wait_ms = READ_WAIT_MS});
    const struct provider *provider = provider_named(&c.providers, name);
    const struct provider_row *row = provider_table_find(name);
    const char *id = provider != NULL ? provider->id : row != NULL ? row->id : NULL;
    for (size_t i = 0; id == NULL && i < c.publication.cooldowns.count; i++)
        if (strcmp(c.publication.cooldowns.items[i].provider, name) == 0)
            id = name;
    if (id == NULL) {
        struct near_name near = {.written = name};
        providers_consider(&c.providers, &near);
        provider_table_consider(&near);
        say_unknown(arena, "provider", name, near.best);
    }
    id = id == NULL ? NULL : arena_strdup(arena, id);
    compilation_finish(&c);
    return id;
}

static int reset(const struct compile_options *options, struct arena *arena)
{
    struct diagnostics diagnostics = {.arena = arena};
    struct text lines = {.arena = arena};
    struct reset what = {.fingerprint = options->line.operand_count > 0 ? options->line.operands[0] : NULL};
    if (what.fingerprint != NULL && !fingerprint_valid(what.fingerprint))
        option_table_wrong(&compile_options_table, "a fingerprint is sha256: and 16 hex digits");
    const char *home = home_of(options, arena);
    if (strcmp(options->line.subject, "all") != 0) {
        what.provider = provider_to_reset(arena, home, options->line.subject);
        if (what.provider == NULL)
            return EXIT_USAGE;
    }
    bool done = reset_home(arena, home, &what, LOCK_WAIT_MS, &lines, &diagnostics);
    int error = done ? fleet_resets_add(arena, home, what.provider, what.fingerprint) : 0;
    if (error != 0)
        (void)fprintf(stderr, "hermes-compile: the fleet does not learn of this reset: %s\n", strerror(-error));
    print_diagnostics(options, &diagnostics);
    if (!options->quiet && done)
        (void)fputs(lines.len > 0 ? lines.bytes : "nothing was cooling\n", stdout);
    return done ? EXIT_OK : EXIT_IO;
}

static int withdraw(const struct compile_options *options, struct arena *arena)
{
    struct diagnostics diagnostics = {.arena = arena};
    struct text lines = {.arena = arena};
    const char *home = home_of(options, arena);
    bool done = withdraw_home(arena, home, LOCK_WAIT_MS, &lines, &diagnostics);
    print_diagnostics(options, &diagnostics);
    if (!options->quiet && done)
        (void)fputs(lines.len > 0 ? lines.bytes : "auth.json has no entry of hermes-watch\n", stdout);
    return done ? EXIT_OK : EXIT_IO;
}

static void print_page(const struct diagnostic_page *page)
{
    (void)printf("%s: %s\n\n", page->name, page->title);
    fold_text(page->text, 0, stdout);
}

static int explain_code(const char *name)
{
    enum diagnostic_code code = diagnostic_code_find(name);
    bool all = strcmp(name, "all") == 0;
    if (code < DIAGNOSTIC_CODES)
        print_page(&diagnostic_code_pages[code]);
    for (size_t i = 0; all && i < DIAGNOSTIC_CODES; i++) {
        (void)fputs(i == 0 ? "" : "\n", stdout);
        print_page(&diagnostic_code_pages[i]);
    }
    if (all || code < DIAGNOSTIC_CODES)
        return EXIT_OK;
    compile_options_wrong_code(name);
}

static int run(const struct compile_options *options, struct arena *arena)
{
    if (options->line.mode == MODE_EXPLAIN_CODE)
        return explain_code(options->line.subject);
    if (options->line.mode == MODE_PRINT_SCHEMA) {
        (void)print_schema(options->line.subject, stdout);
        return EXIT_OK;
    }
    if (options->line.mode == MODE_RESET)
        return reset(options, arena);
    if (options->line.mode == MODE_WITHDRAW)
        return withdraw(options, arena);
    return options->line.mode == MODE_CHECK && options->line.operand_count > 0 ? check_some_files(options, arena)
                                                                               : compile_a_home(options, arena);
}

int main(int argc, char **argv)
{
    protect_process();
    struct arena *arena = arena_create();
    struct compile_options options = compile_options_parse(arena, HERMES_COMMIT, argc, argv);
    int status = run(&options, arena);
    if (fflush(stdout) != 0 || ferror(stdout) || ferror(stderr))
        status = EXIT_IO;
    arena_destroy(arena);
    return status;
}
