#include "option_help.h"

#include <string.h>

#include "fold_text.h"

enum { COLUMN = 22, LONGEST_NAME = 128 };

const char *option_help_dashes(const struct option_table *table, const struct option_row *row)
{
    return table->commands && row->kind == OPTION_MODE ? "" : "--";
}

static void print_pair(const char *name, const char *text, FILE *stream)
{
    int used = fprintf(stream, "  %s", name);
    if (used > COLUMN - 2) {
        (void)fputc('\n', stream);
        used = 0;
    }
    (void)fprintf(stream, "%*s", COLUMN - used, "");
    fold_text(text, COLUMN, stream);
}

static void print_row(const struct option_table *table, const struct option_row *row, FILE *stream)
{
    char name[LONGEST_NAME];
    char letter[8] = "";
    if (row->letter != 0)
        (void)snprintf(letter, sizeof letter, "-%c, ", row->letter);
    (void)snprintf(name, sizeof name, "%s%s%s%s%s%s%s", letter, option_help_dashes(table, row), row->name,
                   row->argument != NULL ? " " : "", row->argument != NULL ? row->argument : "",
                   row->operands != NULL ? " " : "", row->operands != NULL ? row->operands : "");
    print_pair(name, row->help, stream);
}

static void print_rows(const struct option_table *table, bool modes, FILE *stream)
{
    for (size_t i = 0; i < table->row_count; i++)
        if ((table->rows[i].kind == OPTION_MODE) == modes)
            print_row(table, &table->rows[i], stream);
}

void option_help(const struct option_table *table, FILE *stream)
{
    bool modes = table->rows[0].kind == OPTION_MODE;
    (void)fprintf(stream, "Usage: %s %s[OPTION]...\n\n", table->program,
                  table->commands ? "COMMAND "
                  : modes         ? "[MODE] "
                                  : "");
    fold_text(table->about, 0, stream);
    if (modes) {
        (void)fputs(table->commands ? "\nCommands:\n" : "\nModes (at most one):\n", stream);
        print_rows(table, true, stream);
    }
    (void)fputs("\nOptions:\n", stream);
    print_rows(table, false, stream);
    (void)fputs("\nExit status:\n", stream);
    for (size_t i = 0; i < table->exit_count; i++) {
        char number[8];
        (void)snprintf(number, sizeof number, "%d", (int)table->exits[i].status);
        print_pair(number, table->exits[i].meaning, stream);
    }
}
