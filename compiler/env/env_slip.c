#include "env_slip.h"

#include <string.h>

#include "plain_name.h"

#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define NAME  UPPER "abcdefghijklmnopqrstuvwxyz0123456789_"

static size_t span(const char *line, size_t len, size_t at, const char *of)
{
    size_t count = 0;
    while (at + count < len && line[at + count] != '\0' && strchr(of, line[at + count]) != NULL)
        count++;
    return count;
}

static bool starts(const char *line, size_t len, const char *word)
{
    return len >= strlen(word) && memcmp(line, word, strlen(word)) == 0;
}

static bool is_conflict(const char *line, size_t len)
{
    static const char *const marks[] = {"<<<<<<<", "|||||||", "=======", ">>>>>>>"};
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
        if (starts(line, len, marks[i]) && (len == 7 || line[7] == ' '))
            return true;
    return false;
}

/* A name in upper case, which is what variables of keys are called. */
static bool is_name(const char *text, size_t len)
{
    return len > 2 && len <= 64 && strchr(UPPER, *text) != NULL && memchr(text, '_', len) != NULL &&
           plain_name(text, len);
}

/* Behind a command that sets a variable in another language, and its options. */
static size_t command_length(const char *line, size_t len)
{
    static const char *const commands[] = {"set ",   "setenv ", "setx ",     "declare ", "typeset ",
                                           "local ", "export ", "readonly ", "env ",     "let "};
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        size_t at = strlen(commands[i]);
        if (!starts(line, len, commands[i]))
            continue;
        at += span(line, len, at, " \t");
        while (at < len && line[at] == '-') { /* set -gx, declare -x */
            at += span(line, len, at, NAME "-");
            at += span(line, len, at, " \t");
        }
        return at;
    }
    return 0;
}

static struct env_slip with_name(struct env_slip slip, const char *line, size_t len, size_t at)
{
    size_t width = span(line, len, at, NAME);
    if (is_name(line + at, width)) {
        slip.name = line + at;
        slip.name_len = width;
    }
    return slip;
}

/* NAME="... where no quote closes it, or NAME="..." with something behind it. */
static bool find_quote(const char *line, size_t len, size_t equals, struct env_slip *slip)
{
    size_t open = equals + 1 + span(line, len, equals + 1, " \t");
    if (open >= len || (line[open] != '"' && line[open] != '\''))
        return false;
    const char *close = memchr(line + open + 1, line[open], len - open - 1);
    size_t behind = close == NULL ? len : (size_t)(close - line) + 1;
    behind += span(line, len, behind, " \t");
    *slip = close == NULL ? (struct env_slip){.message = "this quote is never closed: Hermes ignores the line",
                                              .help = "close it, or remove it",
                                              .at = open}
                          : (struct env_slip){.message = "text after the closing quote: Hermes ignores the line",
                                              .help = strchr(",;", line[behind < len ? behind : len - 1]) != NULL
                                                          ? "remove it: a line ends with its value"
                                                          : "put all of the value between the quotes",
                                              .at = behind < len ? behind : open};
    return true;
}

static struct env_slip find_unnamed(const char *line, size_t len)
{
    if (*line == '=')
        return (struct env_slip){.message = "there is no name before this `=`: Hermes ignores the line",
                                 .help = "write NAME=value"};
    if (*line == '{' || *line == '}' || *line == '"')
        return (struct env_slip){.message = "this looks like JSON: Hermes ignores the line",
                                 .help = "an env file has lines of NAME=value"};
    if (*line == '[' && line[len - 1] == ']')
        return (struct env_slip){.message = "an env file has no sections: Hermes ignores the line",
                                 .help = "remove it"};
    if (memchr(line, ' ', len) == NULL && memchr(line, '=', len) == NULL && memchr(line, ':', len) == NULL)
        return (struct env_slip){.message = "there is no `=` in this line: Hermes ignores it",
                                 .help =
                                     "write NAME=value, or join it with the line above if it belongs to that value"};
    return (struct env_slip){.message = "this is not NAME=value: Hermes ignores the line",
                             .help = "write NAME=value, or # before a comment"};
}

struct env_slip env_slip_find(const char *line, size_t len)
{
    struct env_slip slip;
    if (is_conflict(line, len))
        return (struct env_slip){.message =
                                     "a merge conflict that is not resolved: Hermes ignores this line, and of the "
                                     "two sides the second counts",
                                 .help = "keep one of the two sides, and delete the lines <<<<<<<, ======= and >>>>>>>",
                                 .characters = 7,
                                 .conflict = true};
    size_t at = command_length(line, len);
    size_t width = span(line, len, at, NAME);
    size_t behind = at + width + span(line, len, at + width, " \t");
    bool exports = starts(line, len, "export ");
    if (width > 0 && behind < len && line[behind] == '=' && (at == 0 || exports) &&
        find_quote(line, len, behind, &slip))
        return with_name(slip, line, len, at);
    if (at > 0 && !exports && is_name(line + at, width))
        return with_name((struct env_slip){.message = "a command of a shell: Hermes ignores the line",
                                           .help = "write %s=value",
                                           .characters = span(line, len, 0, NAME)},
                         line, len, at);
    if (is_name(line + at, width) && behind < len && line[behind] == ':')
        return with_name(
            (struct env_slip){.message = "an env file has `=` where this colon is: Hermes ignores the line",
                              .help = "write %s=value",
                              .at = behind},
            line, len, at);
    if (is_name(line + at, width))
        return with_name((struct env_slip){.message = "there is no `=` after this name: Hermes ignores the line",
                                           .help = "write %s=value",
                                           .at = at,
                                           .characters = width},
                         line, len, at);
    slip = find_unnamed(line, len);
    const char *quoted = *line == '{' || *line == '"' ? memchr(line, '"', len) : NULL;
    return quoted == NULL ? slip : with_name(slip, line, len, (size_t)(quoted - line) + 1);
}
