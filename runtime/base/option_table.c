#include "option_table.h"

#include <getopt.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "near_name.h"
#include "option_help.h"
#include "plain_name.h"
#include "snapshot_format.h"

enum { LONGEST = 24, LONGEST_OTHER = 16, ROWS_MAX = 40, FIRST_LONG = 256 /* what getopt returns for row 0 */ };

static _Noreturn __attribute__((format(printf, 3, 0))) void wrong(const struct option_table *table, const char *end,
                                                                  const char *format, va_list args)
{
    (void)fprintf(stderr, "%s: ", table->program);
    (void)vfprintf(stderr, format, args);
    (void)fputs(end, stderr);
    exit(EXIT_USAGE);
}

_Noreturn void option_table_wrong(const struct option_table *table, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    wrong(table, "; see --help\n", format, args);
}

void option_table_did_you_mean(const struct option_table *table, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    wrong(table, "?\n", format, args);
}

/* --- what could be meant --- */

/* WORD (LEN bytes, without its dashes) may be repeated where it is near an option, and else if it is short: it cannot
 * be a key, or a part of one. */
static bool plain(const char *word, size_t len)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_";
    return len <= LONGEST && strspn(word, letters) >= len && plain_name(word, len);
}

static const char *near_option(const struct option_table *table, const char *word, bool only_modes)
{
    struct near_name near = {.written = word};
    for (size_t i = 0; i < table->row_count; i++)
        if (table->rows[i].kind == OPTION_MODE ? only_modes || !table->commands : !only_modes)
            near_name_consider(&near, table->rows[i].name);
    return near.best;
}

static _Noreturn void unknown_word(const struct option_table *table, const char *kind, const char *dashes,
                                   const char *word)
{
    bool only_modes = *dashes == '\0';
    char name[LONGEST + 1];
    size_t len = strcspn(word, "=");
    if (!plain(word, len))
        option_table_wrong(table, "unknown %s", kind);
    (void)snprintf(name, sizeof name, "%.*s", (int)len, word);
    const char *near = near_option(table, name, only_modes);
    if (near == NULL && !only_modes && table->commands && near_option(table, name, true) != NULL)
        option_table_did_you_mean(table, "unknown %s %s%s; did you mean %s", kind, dashes, name,
                                  near_option(table, name, true));
    if (near != NULL)
        option_table_did_you_mean(table, "unknown %s %s%s; did you mean %s%s", kind, dashes, name,
                                  only_modes && table->commands ? "" : "--", near);
    option_table_wrong(table, len > LONGEST_OTHER ? "unknown %s" : "unknown %s %s%s", kind, dashes, name);
}

/* What getopt has just refused. It stays at a word `-abc` until that is read to its end. */
static const char *refused_word(char **argv)
{
    const char *before = argv[optind - 1];
    bool letter = optopt > 0 && optopt < FIRST_LONG;
    return letter && (before[0] != '-' || before[strlen(before) - 1] != optopt) ? argv[optind] : before;
}

static _Noreturn void wrong_option(const struct option_table *table, char **argv, const struct option_row *known)
{
    const char *word = refused_word(argv);
    size_t len = strcspn(word, "=");
    if (known != NULL)
        option_table_wrong(table, "--%s %s", known->name, word[len] == '=' ? "takes no value" : "needs a value");
    if (strncmp(word, "--", 2) == 0)
        unknown_word(table, "option", "--", word + 2);
    if (strcmp(word, "-v") == 0)
        option_table_did_you_mean(table, "unknown option -v; did you mean -V");
    if (len == 2)
        option_table_wrong(table, "unknown option -%c", word[1]);
    unknown_word(table, "option", "-", word + 1);
}

/* --- values --- */

/* The index of VALUE among the words of CHOICES ("a|b|c"), or -1. */
static int choice_of(const char *choices, const char *value)
{
    size_t len = strlen(value);
    int index = 0;
    for (const char *word = choices;; word += 1, index++) {
        size_t size = strcspn(word, "|");
        if (size == len && memcmp(word, value, len) == 0)
            return index;
        word += size;
        if (*word == '\0')
            return -1;
    }
}

/* "text, json or sarif" */
static void list_choices(const char *choices, char *out, size_t size)
{
    size_t used = 0;
    while (*choices != '\0' && used < size) {
        size_t len = strcspn(choices, "|");
        bool last = choices[len] == '\0';
        bool last_but_one = !last && strchr(choices + len + 1, '|') == NULL;
        used += (size_t)snprintf(out + used, size - used, "%.*s%s", (int)len, choices,
                                 last           ? ""
                                 : last_but_one ? " or "
                                                : ", ");
        choices += len + !last;
    }
}

static void check_value(const struct option_table *table, const struct option_row *row, const char *value)
{
    char choices[128] = "";
    if (*value == '\0')
        option_table_wrong(table, "--%s needs a value that is not empty", row->name);
    if (row->argument[strcspn(row->argument, "ABCDEFGHIJKLMNOPQRSTUVWXYZ")] != '\0' ||
        choice_of(row->argument, value) >= 0)
        return;
    list_choices(row->argument, choices, sizeof choices);
    option_table_wrong(table, "--%s takes %s", row->name, choices);
}

static int number_of(const struct option_table *table, const struct option_row *row, const char *value)
{
    char *end;
    long number = strtol(value, &end, 10);
    if (*end != '\0' || number < 1 || number > row->most)
        option_table_wrong(table, "--%s takes a number from 1 to %d", row->name, row->most);
    return (int)number;
}

static void set_mode(const struct option_table *table, const struct option_row *row, const char *value,
                     struct option_line *line)
{
    if (line->mode != 0 && line->mode != row->mode)
        for (size_t i = 0; i < table->row_count; i++)
            if (table->rows[i].kind == OPTION_MODE && table->rows[i].mode == line->mode)
                option_table_wrong(table, "--%s and --%s cannot be combined", table->rows[i].name, row->name);
    line->mode = row->mode;
    line->subject = value;
}

static void print_version(const struct option_table *table, const char *commit)
{
    (void)printf("%s %s (commit %s)\nsnapshot format %d\n", table->program, table->version, commit, SNAPSHOT_FORMAT);
    table->print_libraries();
    (void)putchar('\n');
}

static void take(const struct option_table *table, const struct option_row *row, const char *value,
                 struct option_line *line)
{
    void *at = (char *)line + row->at;
    struct option_list *list = at;
    if (value != NULL)
        check_value(table, row, value);
    switch (row->kind) {
    case OPTION_MODE:
        set_mode(table, row, value, line);
        return;
    case OPTION_FLAG:
        *(bool *)at = true;
        return;
    case OPTION_TEXT:
        *(const char **)at = value;
        return;
    case OPTION_CHOICE:
        *(int *)at = choice_of(row->argument, value);
        return;
    case OPTION_NUMBER:
        *(int *)at = number_of(table, row, value);
        return;
    case OPTION_LIST:
        list->items[list->count++] = value;
        return;
    case OPTION_VERSION:
        print_version(table, line->commit);
        exit(EXIT_OK);
    case OPTION_HELP:
        option_help(table, stdout);
        exit(EXIT_OK);
    }
}

/* --- the whole line --- */

static const struct option_row *mode_row(const struct option_table *table, unsigned mode)
{
    for (size_t i = 0; i < table->row_count; i++)
        if (table->rows[i].kind == OPTION_MODE && table->rows[i].mode == mode)
            return &table->rows[i];
    return NULL;
}

/* "--check or --diff", of the modes in BITS that are options. */
static void list_modes(const struct option_table *table, unsigned bits, char *out, size_t size)
{
    size_t used = 0;
    for (size_t i = 0; i < table->row_count && used < size; i++) {
        const struct option_row *row = &table->rows[i];
        if (row->kind == OPTION_MODE && (row->mode & bits) != 0)
            used += (size_t)snprintf(out + used, size - used, "%s%s%s", used > 0 ? " or " : "",
                                     option_help_dashes(table, row), row->name);
    }
}

static void check_combination(const struct option_table *table, const bool *given, unsigned mode)
{
    char modes[128] = "";
    const struct option_row *now = mode_row(table, mode);
    for (size_t i = 0; i < table->row_count; i++) {
        const struct option_row *row = &table->rows[i];
        if (!given[i] || row->kind == OPTION_MODE || row->mode == 0 || (row->mode & mode) != 0)
            continue;
        if (now != NULL && (row->mode & table->usual_mode) != 0)
            option_table_wrong(table, "--%s and --%s cannot be combined", row->name, now->name);
        list_modes(table, row->mode, modes, sizeof modes);
        option_table_wrong(table, "--%s is only for %s", row->name, modes);
    }
}

static void check_operands(const struct option_table *table, const struct option_line *line)
{
    const struct option_row *row = mode_row(table, line->mode);
    const char *operands = row == NULL ? NULL : row->operands;
    int most = operands == NULL ? 0 : strstr(operands, "...") != NULL ? INT_MAX : 1;
    if (line->operand_count <= most)
        return;
    if (row == NULL)
        unknown_word(table, table->rows[0].kind == OPTION_MODE ? "mode" : "argument", "", line->operands[0]);
    option_table_wrong(table, most == 0 ? "unexpected argument after %s%s" : "%s%s takes one argument only",
                       option_help_dashes(table, row), row->name);
}

static void fill_getopt(const struct option_table *table, struct option *known, char *letters)
{
    size_t used = 0;
    for (size_t i = 0; i < table->row_count; i++) {
        const struct option_row *row = &table->rows[i];
        bool command = table->commands && row->kind == OPTION_MODE;
        known[i] = (struct option){command ? "" : row->name, row->argument != NULL ? required_argument : no_argument,
                                   NULL, FIRST_LONG + (int)i};
        if (row->letter != 0)
            letters[used++] = row->letter;
    }
    letters[used] = '\0';
}

static const struct option_row *row_of(const struct option_table *table, int option)
{
    if (option >= FIRST_LONG && option < FIRST_LONG + (int)table->row_count)
        return &table->rows[option - FIRST_LONG];
    for (size_t i = 0; option > 0 && i < table->row_count; i++)
        if (table->rows[i].letter == option)
            return &table->rows[i];
    return NULL;
}

/* The first word of the line, where modes are commands. */
static void take_command(const struct option_table *table, struct option_line *line)
{
    for (size_t i = 0; line->operand_count > 0 && i < table->row_count; i++) {
        const struct option_row *row = &table->rows[i];
        if (row->kind != OPTION_MODE || strcmp(row->name, line->operands[0]) != 0)
            continue;
        line->mode = row->mode;
        line->operands++;
        line->operand_count--;
        return;
    }
    if (line->operand_count > 0)
        unknown_word(table, "command", "", line->operands[0]);
}

void option_table_parse(const struct option_table *table, int argc, char **argv, struct option_line *line)
{
    struct option known[ROWS_MAX + 1] = {0};
    char letters[ROWS_MAX + 1];
    bool given[ROWS_MAX] = {false};
    fill_getopt(table, known, letters);
    opterr = 0;
    for (int option; (option = getopt_long(argc, argv, letters, known, NULL)) != -1;) {
        const struct option_row *row = row_of(table, option);
        if (row == NULL)
            wrong_option(table, argv, row_of(table, optopt));
        given[row - table->rows] = true;
        take(table, row, optarg, line);
    }
    line->operands = argv + optind;
    line->operand_count = argc - optind;
    if (table->commands)
        take_command(table, line);
    line->mode = line->mode == 0 ? table->usual_mode : line->mode;
    check_combination(table, given, line->mode);
    check_operands(table, line);
}
