/* print_options PROGRAM PAGE OUT: what the build makes of a program's table of options. It is not installed.
 *
 * OUT.1 is PAGE with its lines @SYNOPSIS@, @MODES@, @OPTIONS@, @EXIT_STATUS@ and @CODES@ replaced (mdoc); OUT.bash,
 * OUT.zsh and OUT.fish are the completions for these shells. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compile_options.h"
#include "diagnostic_code.h"
#include "fleet_options.h"
#include "option_help.h"
#include "provider_table.h"
#include "watch_options.h"
#ifdef HERMES_RELAY
#include "relay_options.h"
#endif

static const struct option_table *const tables[] = {
    &compile_options_table,
    &fleet_options_table,
    &watch_options_table,
#ifdef HERMES_RELAY
    &relay_options_table,
#endif
};

enum { WORD_MAX = 64 };

/* The next of the words of *ARGUMENT, which are parted by "|"; false behind the last. */
static bool next_word(const char **argument, char *word)
{
    if (*argument == NULL || **argument == '\0')
        return false;
    size_t len = strcspn(*argument, "|");
    (void)snprintf(word, WORD_MAX, "%.*s", (int)len, *argument);
    *argument += len + ((*argument)[len] == '|');
    return true;
}

static bool is_placeholder(const char *word)
{
    return isupper((unsigned char)*word) != 0;
}

static bool is_mode(const struct option_row *row)
{
    return row->kind == OPTION_MODE;
}

static size_t first_sentence(const char *text)
{
    const char *end = strstr(text, ". ");
    return end == NULL ? strlen(text) - 1 : (size_t)(end - text);
}

/* --- mdoc --- */

static void man_character(char c)
{
    if (c == '-' || c == '\\')
        (void)fputs(c == '-' ? "\\-" : "\\e", stdout);
    else
        (void)putchar(c);
}

/* TEXT, a sentence a line, with options in bold. */
static void man_text(const char *text)
{
    if (*text == '.' || *text == '\'')
        (void)fputs("\\&", stdout);
    for (const char *at = text; *at != '\0'; at++) {
        bool option = strncmp(at, "--", 2) == 0 && (at == text || at[-1] == ' ');
        size_t len = option ? 2 + strspn(at + 2, "abcdefghijklmnopqrstuvwxyz-") : 1;
        (void)fputs(option ? "\\fB" : "", stdout);
        for (size_t i = 0; i < len; i++)
            man_character(at[i]);
        (void)fputs(option ? "\\fR" : "", stdout);
        at += len - 1;
        if (strncmp(at, ". ", 2) == 0 && isupper((unsigned char)at[2])) {
            (void)putchar('\n');
            at++;
        }
    }
    (void)putchar('\n');
}

static void man_placeholder(const char *word)
{
    (void)fputs(" Ar ", stdout);
    for (; *word != '\0'; word++)
        (void)putchar(tolower((unsigned char)*word));
}

static void man_argument(const char *argument)
{
    char word[WORD_MAX];
    while (next_word(&argument, word)) {
        if (is_placeholder(word))
            man_placeholder(word);
        else
            (void)printf(" Cm %s", word);
        (void)fputs(*argument != '\0' ? " |" : "", stdout);
    }
}

/* "[FILE...]" or "[NAME]" */
static void man_operands(const char *operands)
{
    char word[WORD_MAX];
    if (operands == NULL)
        return;
    (void)snprintf(word, sizeof word, "%.*s", (int)strcspn(operands + 1, ".]"), operands + 1);
    (void)fputs(" Op", stdout);
    man_placeholder(word);
    (void)fputs(strstr(operands, "...") != NULL ? " ..." : "", stdout);
}

static void man_synopsis(const struct option_table *table)
{
    if (!table->commands)
        (void)puts(".Nm\n.Op Ar option ...");
    for (size_t i = 0; i < table->row_count; i++) {
        const struct option_row *row = &table->rows[i];
        if (!is_mode(row))
            continue;
        (void)printf(table->commands ? ".Nm\n.Cm %s" : ".Nm\n.Fl -%s", row->name);
        man_argument(row->argument);
        (void)putchar('\n');
        if (row->operands != NULL) {
            (void)putchar('.');
            man_operands(row->operands);
            (void)putchar('\n');
        }
        (void)puts(".Op Ar option ...");
    }
}

static void man_rows(const struct option_table *table, bool modes)
{
    (void)puts(".Bl -tag -width Ds");
    for (size_t i = 0; i < table->row_count; i++) {
        const struct option_row *row = &table->rows[i];
        if (is_mode(row) != modes)
            continue;
        (void)fputs(".It", stdout);
        if (row->letter != 0)
            (void)printf(" Fl %c ,", row->letter);
        (void)printf(table->commands && modes ? " Cm %s" : " Fl -%s", row->name);
        man_argument(row->argument);
        man_operands(row->operands);
        (void)putchar('\n');
        man_text(row->help);
    }
    (void)puts(".El");
}

static void man_exits(const struct option_table *table)
{
    (void)puts(".Bl -tag -width 2n -compact");
    for (size_t i = 0; i < table->exit_count; i++) {
        (void)printf(".It %d\n", (int)table->exits[i].status);
        man_text(table->exits[i].meaning);
    }
    (void)puts(".El");
}

static void man_codes(void)
{
    (void)puts(".Bl -tag -width Ds -compact");
    for (size_t i = 0; i < DIAGNOSTIC_CODES; i++) {
        (void)printf(".It Li %s\n", diagnostic_code_pages[i].name);
        man_text(diagnostic_code_pages[i].title);
    }
    (void)puts(".El");
}

static void print_man(const struct option_table *table)
{
    char line[512];
    while (fgets(line, sizeof line, stdin) != NULL) {
        if (strcmp(line, "@SYNOPSIS@\n") == 0)
            man_synopsis(table);
        else if (strcmp(line, "@MODES@\n") == 0)
            man_rows(table, true);
        else if (strcmp(line, "@OPTIONS@\n") == 0)
            man_rows(table, false);
        else if (strcmp(line, "@EXIT_STATUS@\n") == 0)
            man_exits(table);
        else if (strcmp(line, "@CODES@\n") == 0)
            man_codes();
        else
            (void)fputs(line, stdout);
    }
}

/* --- completions --- */

/* All words that ARGUMENT allows, parted by spaces. */
static void print_words(const char *argument)
{
    char word[WORD_MAX];
    const char *space = "";
    while (next_word(&argument, word)) {
        if (strcmp(word, "CODE") == 0) {
            for (size_t i = 0; i < DIAGNOSTIC_CODES; i++, space = " ")
                (void)printf("%s%s", space, diagnostic_code_pages[i].name);
        } else if (strcmp(word, "PROVIDER") == 0) {
            for (size_t i = 0; i < provider_table_count; i++, space = " ")
                (void)printf("%s%s", space, provider_table[i].id);
        } else if (!is_placeholder(word)) {
            (void)printf("%s%s", space, word);
            space = " ";
        }
    }
}

static bool wants(const char *argument, const char *placeholder)
{
    return argument != NULL && strstr(argument, placeholder) != NULL;
}

static void bash_completer(const char *argument)
{
    if (wants(argument, "DIR") || wants(argument, "FILE")) {
        (void)printf("compgen -%c", wants(argument, "DIR") ? 'd' : 'f');
    } else {
        (void)fputs("compgen -W '", stdout);
        print_words(argument);
        (void)putchar('\'');
    }
}

/* The options that go with MODES, a mode's bit or the usual one's. */
static void bash_options(const struct option_table *table, unsigned mode)
{
    for (size_t i = 0; i < table->row_count; i++) {
        const struct option_row *row = &table->rows[i];
        if (is_mode(row) ? mode == table->usual_mode : row->mode == 0 || (row->mode & mode) != 0)
            (void)printf(" %s%s", option_help_dashes(table, row), row->name);
    }
}

static void bash_values(const struct option_table *table)
{
    for (size_t i = 0; i < table->row_count; i++) {
        if (table->rows[i].argument == NULL)
            continue;
        (void)printf("    --%s)\n        mapfile -t COMPREPLY < <(", table->rows[i].name);
        bash_completer(table->rows[i].argument);
        (void)puts(" -- \"$cur\")\n        return ;;");
    }
}

static void bash_modes(const struct option_table *table)
{
    for (size_t i = 0; i < table->row_count; i++) {
        const struct option_row *row = &table->rows[i];
        if (!is_mode(row))
            continue;
        (void)printf("        %s%s)\n            options='", option_help_dashes(table, row), row->name);
        bash_options(table, row->mode);
        (void)puts("'");
        if (row->operands != NULL) {
            (void)fputs("            operands() { ", stdout);
            bash_completer(row->operands);
            (void)puts(" -- \"$1\"; }");
        }
        (void)puts("            ;;");
    }
}

static void print_bash(const struct option_table *table)
{
    (void)printf("# bash completion for %s\n"
                 "_%s() {\n"
                 "    local cur prev word options\n"
                 "    if declare -F _get_comp_words_by_ref >/dev/null; then\n"
                 "        _get_comp_words_by_ref -n = cur prev\n"
                 "    else\n"
                 "        cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}\n"
                 "    fi\n"
                 "    case $prev in\n",
                 table->program, table->program);
    bash_values(table);
    (void)fputs("    esac\n"
                "    operands() { ",
                stdout);
    (void)fputs(table->commands ? "compgen -W \"$options\" -- \"$1\"" : ":", stdout);
    (void)fputs("; }\n    options='", stdout);
    bash_options(table, table->usual_mode);
    (void)fputs("'\n"
                "    for word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n"
                "        case $word in\n",
                stdout);
    bash_modes(table);
    (void)printf("        esac\n"
                 "    done\n"
                 "    if [[ $cur == -* ]]; then\n"
                 "        mapfile -t COMPREPLY < <(compgen -W \"$options\" -- \"$cur\")\n"
                 "    else\n"
                 "        mapfile -t COMPREPLY < <(operands \"$cur\")\n"
                 "    fi\n"
                 "    unset -f operands\n"
                 "}\n"
                 "complete -F _%s %s\n",
                 table->program, table->program);
}

/* In single quotes of a shell, where TEXT of _arguments needs its colons and brackets escaped. */
static void quoted(const char *text, size_t len, bool zsh)
{
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '\'')
            (void)fputs("'\\''", stdout);
        else if (zsh && strchr("[]:\\", text[i]) != NULL)
            (void)printf("\\%c", text[i]);
        else
            (void)putchar(text[i]);
    }
}

static void zsh_action(const char *argument)
{
    if (wants(argument, "DIR"))
        (void)fputs("_files -/", stdout);
    else if (wants(argument, "FILE"))
        (void)fputs("_files", stdout);
    else {
        (void)putchar('(');
        print_words(argument);
        (void)putchar(')');
    }
}

/* The options that cannot stand beside ROW. */
static void zsh_exclusions(const struct option_table *table, const struct option_row *row)
{
    bool any = false;
    for (size_t i = 0; i < table->row_count; i++) {
        const struct option_row *other = &table->rows[i];
        if (table->commands && is_mode(other))
            continue;
        bool modes = is_mode(row) && is_mode(other);
        bool apart = (is_mode(row) && other->mode != 0 && (other->mode & row->mode) == 0) ||
                     (is_mode(other) && row->mode != 0 && (other->mode & row->mode) == 0);
        if ((other == row && row->kind != OPTION_LIST) || modes || apart)
            any = printf("%s--%s", any ? " " : "'(", other->name) > 0;
    }
    (void)fputs(any ? ")'" : "", stdout);
}

static void zsh_commands(const struct option_table *table)
{
    const char *space = "";
    (void)fputs(" \\\n    '1:command:(", stdout);
    for (size_t i = 0; i < table->row_count; i++) {
        if (!is_mode(&table->rows[i]))
            continue;
        (void)printf("%s%s", space, table->rows[i].name);
        space = " ";
    }
    (void)fputs(")'", stdout);
}

static void print_zsh(const struct option_table *table)
{
    (void)printf("#compdef %s\n_arguments -s -S", table->program);
    for (size_t i = 0; i < table->row_count; i++) {
        const struct option_row *row = &table->rows[i];
        if (table->commands && is_mode(row))
            continue;
        (void)fputs(" \\\n    ", stdout);
        zsh_exclusions(table, row);
        if (row->letter != 0)
            (void)printf("{-%c,--%s}'", row->letter, row->name);
        else
            (void)printf("'%s--%s%s", row->kind == OPTION_LIST ? "*" : "", row->name, row->argument != NULL ? "=" : "");
        (void)putchar('[');
        quoted(row->help, first_sentence(row->help), true);
        (void)putchar(']');
        if (row->argument != NULL) {
            (void)printf(":%s:", row->name);
            zsh_action(row->argument);
        }
        (void)putchar('\'');
    }
    if (table->commands)
        zsh_commands(table);
    for (size_t i = 0; i < table->row_count; i++)
        if (wants(table->rows[i].operands, "FILE"))
            (void)fputs(" \\\n    '*:file:_files'", stdout);
    (void)putchar('\n');
}

static void fish_value(const struct option_row *row)
{
    if (wants(row->argument, "DIR")) {
        (void)fputs(" -x -a '(__fish_complete_directories)'", stdout);
    } else if (row->argument != NULL) {
        (void)fputs(" -x -a '", stdout);
        print_words(row->argument);
        (void)putchar('\'');
    }
}

/* Where ROW does not go with every mode: the modes that must not, or must, stand in the line. */
static void fish_condition(const struct option_table *table, const struct option_row *row)
{
    bool among = !is_mode(row) && row->mode != 0 && (row->mode & table->usual_mode) == 0;
    bool any = false;
    const char *sees = table->commands ? "__fish_seen_subcommand_from" : "__fish_seen_argument";
    if (table->commands && is_mode(row)) {
        (void)fputs(" -n __fish_use_subcommand", stdout);
        return;
    }
    for (size_t i = 0; i < table->row_count; i++) {
        const struct option_row *mode = &table->rows[i];
        bool fits = (mode->mode & row->mode) != 0;
        if (!is_mode(mode) || (!is_mode(row) && (row->mode == 0 || fits != among)))
            continue;
        if (!any)
            (void)printf(" -n '%s%s", among ? "" : "not ", sees);
        (void)printf(" %s%s", table->commands ? "" : "-l ", mode->name);
        any = true;
    }
    (void)fputs(any ? "'" : "", stdout);
}

static void print_fish(const struct option_table *table)
{
    (void)printf("complete -c %s -f\n", table->program);
    for (size_t i = 0; i < table->row_count; i++) {
        const struct option_row *row = &table->rows[i];
        (void)printf("complete -c %s", table->program);
        fish_condition(table, row);
        if (row->letter != 0)
            (void)printf(" -s %c", row->letter);
        (void)printf(table->commands && is_mode(row) ? " -a %s" : " -l %s", row->name);
        fish_value(row);
        (void)fputs(" -d '", stdout);
        quoted(row->help, first_sentence(row->help), false);
        (void)puts("'");
        if (wants(row->operands, "FILE"))
            (void)printf("complete -c %s -n '__fish_seen_%s %s' -F\n", table->program,
                         table->commands ? "subcommand_from" : "argument -l", row->name);
    }
}

static bool print_all(const struct option_table *table, const char *out)
{
    static const struct {
        const char *ending;
        void (*print)(const struct option_table *table);
    } files[] = {{"1", print_man}, {"bash", print_bash}, {"zsh", print_zsh}, {"fish", print_fish}};
    char path[4096];
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        (void)snprintf(path, sizeof path, "%s.%s", out, files[i].ending);
        if (freopen(path, "w", stdout) == NULL)
            return false;
        files[i].print(table);
        if (fflush(stdout) != 0)
            return false;
    }
    return true;
}

int main(int argc, char **argv)
{
    for (size_t i = 0; argc == 4 && i < sizeof tables / sizeof *tables; i++)
        if (strcmp(tables[i]->program, argv[1]) == 0 && freopen(argv[2], "r", stdin) != NULL)
            return print_all(tables[i], argv[3]) ? EXIT_SUCCESS : EXIT_FAILURE;
    (void)fputs("usage: print_options PROGRAM PAGE OUT\n", stderr);
    return EXIT_FAILURE;
}
