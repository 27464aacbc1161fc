#include <string.h>

#include "blank.h"
#include "drift_looks.h"
#include "path_matches.h"
#include "safe_read.h"
#include "shell_word.h"

struct startup_file {
    struct drift *drift;
    const char *path;
    const char *shown; /* ~/.bashrc */
    const char *text;
    size_t len;
    const char *line; /* that is read */
    size_t line_len;
    bool exports; /* every assignment counts: it is no shell's file, or says `set -a` */
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static size_t name_length(const char *text, size_t len)
{
    size_t name = 0;
    while (name < len && ((text[name] >= 'A' && text[name] <= 'Z') || (text[name] >= 'a' && text[name] <= 'z') ||
                          text[name] == '_' || (name > 0 && text[name] >= '0' && text[name] <= '9')))
        name++;
    return name;
}

/* Where a word of a shell ends, quotes taken together. */
static size_t word_length(const char *text, size_t len)
{
    char quote = '\0';
    size_t i = 0;
    for (; i < len && (quote != '\0' || strchr(" \t;&|)", text[i]) == NULL); i++) {
        if (quote == '\0' ? text[i] == '"' || text[i] == '\'' : text[i] == quote)
            quote = quote == '\0' ? text[i] : '\0';
        else if (text[i] == '\\' && quote != '\'' && i + 1 < len)
            i++;
    }
    return i;
}

/* The value of a word; NULL when it takes a shell to know it. */
static const char *plain_value(struct arena *arena, const char *word, size_t len, size_t *ret_len)
{
    struct text out = {.arena = arena};
    char quote = '\0';
    text_append(&out, "", 0);
    for (size_t i = 0; i < len; i++) {
        char c = word[i];
        if (quote == '\0' ? c == '"' || c == '\'' : c == quote)
            quote = quote == '\0' ? c : '\0';
        else if (quote != '\'' && (c == '$' || c == '`'))
            return NULL;
        else if (c == '\\' && quote != '\'' && i + 1 < len)
            text_putc(&out, word[++i]);
        else
            text_putc(&out, c);
    }
    *ret_len = out.len;
    return out.bytes;
}

static bool in_comment(const struct startup_file *file, const char *at)
{
    while (at > file->text && at[-1] != '\n')
        at--;
    return at[strspn(at, " \t")] == '#';
}

/* How often the file gives NAME a value, or seems to. */
static size_t times_set(const struct startup_file *file, const char *name, size_t len)
{
    size_t count = 0;
    const char *end = file->text + file->len;
    for (const char *at = file->text; (at = memmem(at, (size_t)(end - at), name, len)) != NULL; at += len) {
        bool starts = at == file->text || (name_length(at - 1, 1) == 0 && strchr("0123456789$", at[-1]) == NULL);
        count += starts && at + len < end && (at[len] == '=' || at[len] == ' ') && !in_comment(file, at);
    }
    return count;
}

/* Behind the last code before the line that is read, without comments. Whether a quote goes on there. */
static size_t code_before(const struct startup_file *file, bool *ret_quoted)
{
    const char *text = file->text;
    const size_t before = (size_t)(file->line - text);
    char quote = '\0';
    size_t end = 0;
    for (size_t i = 0; i < before; i++) {
        const bool word_starts = i == 0 || strchr(" \t\n;&|(", text[i - 1]) != NULL;
        if (quote == '\0' && text[i] == '#' && word_starts)
            i += strcspn(text + i, "\n");
        else if (quote == '\0' ? text[i] == '\'' || text[i] == '"' : text[i] == quote)
            quote = quote == '\0' ? text[i] : '\0';
        else if (text[i] == '\\' && quote != '\'' && i + 1 < before && text[i + 1] != '\n')
            i++;
        if (i < before && strchr(" \t\n", text[i]) == NULL)
            end = i + 1;
    }
    *ret_quoted = quote != '\0';
    return end;
}

/* Text in which deleting a line of its own could change what others mean: a here-document, a quote that goes on, a
 * block or a command that would be left without an end. */
static bool inside_something(const struct startup_file *file)
{
    static const char *const openers[] = {"then", "do", "else", "{", "(", "\\", "|", "&", ")"};
    bool quoted;
    const size_t before = code_before(file, &quoted);
    if (quoted || memmem(file->text, file->len, "<<", 2) != NULL)
        return true;
    for (size_t i = 0; i < sizeof openers / sizeof *openers; i++) {
        size_t len = strlen(openers[i]);
        if (before >= len && memcmp(file->text + before - len, openers[i], len) == 0)
            return true;
    }
    return false;
}

static bool takes_word(const char **at, size_t *left, const char *word)
{
    size_t len = strlen(word);
    if (*left <= len || memcmp(*at, word, len) != 0 || !is_blank((*at)[len]))
        return false;
    *at = blank_strip(*at + len, *left - len, left);
    return true;
}

/* `then`, and what else begins a block in the line of its first command. */
static bool takes_opener(const char **at, size_t *left)
{
    return takes_word(at, left, "then") || takes_word(at, left, "do") || takes_word(at, left, "else") ||
           takes_word(at, left, "{");
}

/* The line sets NAME to a plain word and does nothing else; a comment may follow. */
static bool alone(const struct startup_file *file, const char *name, const char *word, size_t word_len)
{
    static const char of_commands[] = "abcdefghijklmnopqrstuvwxyzUWG -\t";
    static const char of_values[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._~+/=:@%,-'\"";
    const char *end = file->line + file->line_len;
    size_t rest;
    size_t len;
    const char *first = blank_strip(file->line, file->line_len, &len);
    const char *behind = blank_strip(word + word_len, (size_t)(end - word) - word_len, &rest);
    return !takes_opener(&first, &len) && strspn(file->line, of_commands) >= (size_t)(name - file->line) &&
           strspn(word, of_values) >= word_len && (rest == 0 || (*behind == '#' && behind > word + word_len));
}

static void assign(struct startup_file *file, unsigned line, const char *name, size_t name_len, const char *word,
                   size_t word_len)
{
    struct drift *drift = file->drift;
    struct arena *arena = drift->arena;
    struct assignment seen = {.where = arena_printf(arena, "%s:%u", file->shown, line),
                              .name = arena_strndup(arena, name, name_len),
                              .by_hand =
                                  arena_printf(arena, "edit line %u of %s and remove {} from it", line, file->shown)};
    seen.value = plain_value(arena, word, word_len, &seen.len);
    if (seen.value == NULL && memmem(word, word_len, name, name_len) != NULL)
        return; /* `export X="$X"` */
    if (seen.value != NULL && times_set(file, name, name_len) == 1 && !inside_something(file) &&
        alone(file, name, word, word_len)) {
        const char *path = shell_word(arena, file->path);
        const char *start = arena_printf(arena, "^%.*s{}%c", (int)(name - file->line), file->line, name[name_len]);
        seen.print = arena_printf(arena, "sed -n 's/%s\\([^[:blank:]]*\\).*/{}=\\1/p' %s", start, path);
        seen.drop = arena_printf(arena,
                                 "sed -i --follow-symlinks -e 's/%s[^[:blank:]]*[[:blank:]]\\{1,\\}#/#/' "
                                 "-e '/%s[^[:blank:]]*[[:blank:]]*$/d' %s",
                                 start, start, path);
    }
    drift_assignment(drift, &seen);
}

/* `export A=1 B=2`, `declare -x A=1`, `set -gx A 1`, `setenv A 1`, and `A=1` where every assignment counts or where A
 * is exported in another line. AT stands at the first word of a command. */
static void read_command(struct startup_file *file, unsigned line, const char *at, size_t left)
{
    bool exported =
        takes_word(&at, &left, "export") ||
        ((takes_word(&at, &left, "declare") || takes_word(&at, &left, "typeset")) && takes_word(&at, &left, "-x"));
    bool by_blank =
        !exported &&
        (takes_word(&at, &left, "setenv") ||
         (takes_word(&at, &left, "set") &&
          (takes_word(&at, &left, "-gx") || takes_word(&at, &left, "-Ux") || takes_word(&at, &left, "-x"))));
    while (left > 0) {
        size_t name = name_length(at, left);
        if (name == 0 || name == left || at[name] != (by_blank ? ' ' : '='))
            return;
        const char *value = at + name + 1;
        size_t len = word_length(value, left - name - 1);
        bool counts = exported || by_blank || file->exports ||
                      memmem(file->text, file->len, arena_printf(file->drift->arena, "export %.*s\n", (int)name, at),
                             name + 8) != NULL;
        if (counts)
            assign(file, line, at, name, value, len);
        left -= name + 1 + len;
        at = blank_strip(value + len, left, &left);
    }
}

/* The commands of a line: those behind `;`, `&&`, `||`, `then` and `do` as well. A comment ends it. */
static void read_line(struct startup_file *file, unsigned number, const char *line, size_t len)
{
    for (line = blank_strip(line, len, &len); len > 0 && *line != '#';) {
        while (takes_opener(&line, &len))
            ;
        size_t end = 0;
        while (end < len) {
            end += word_length(line + end, len - end);
            if (end >= len || strchr(";&|", line[end]) != NULL)
                break;
            end++;
            if (end < len && line[end] == '#' && is_blank(line[end - 1]))
                break;
        }
        read_command(file, number, line, end > len ? len : end);
        if (end >= len || line[end] == '#')
            return;
        while (end < len && strchr(";&| \t", line[end]) != NULL)
            end++;
        line += end;
        len -= end;
    }
}

void drift_startup_text(struct drift *drift, const char *path, const char *text, size_t len, bool shell)
{
    size_t home = strlen(drift->user_home);
    bool below = home > 0 && strncmp(path, drift->user_home, home) == 0 && path[home] == '/';
    struct startup_file file = {.drift = drift,
                                .path = path,
                                .shown = below ? arena_printf(drift->arena, "~%s", path + home) : path,
                                .text = text,
                                .len = len};
    file.exports =
        !shell || memmem(text, len, "set -a\n", 7) != NULL || memmem(text, len, "set -o allexport", 16) != NULL;
    unsigned number = 1;
    for (size_t at = 0; at < len; number++) {
        size_t line = strcspn(text + at, "\n");
        file.line = text + at;
        file.line_len = line;
        read_line(&file, number, text + at, line);
        at += line + 1;
    }
}

static void look_at(struct drift *drift, const char *path, bool shell)
{
    struct safe_read read = safe_read(drift->arena, path, 0);
    if (read.status == SAFE_READ_OK)
        drift_startup_text(drift, path, read.bytes, read.len, shell);
}

static void look_at_all(struct drift *drift, const char *pattern, bool shell)
{
    struct path_matches found = path_matches(drift->arena, pattern);
    for (size_t i = 0; i < found.count; i++)
        look_at(drift, found.items[i], shell);
}

void drift_startup_files(struct drift *drift)
{
    static const char *const of_user[] = {".bashrc",
                                          ".bash_profile",
                                          ".bash_login",
                                          ".bash_aliases",
                                          ".profile",
                                          ".zshrc",
                                          ".zprofile",
                                          ".zshenv",
                                          ".zlogin",
                                          ".kshrc",
                                          ".cshrc",
                                          ".tcshrc",
                                          ".xprofile",
                                          ".xsessionrc",
                                          ".config/fish/config.fish",
                                          ".config/fish/conf.d/*.fish"};
    static const char *const of_system[] = {"/etc/profile", "/etc/profile.d/*.sh", "/etc/bash.bashrc",
                                            "/etc/zsh/zshenv", "/etc/zsh/zshrc"};
    static const char *const plain[] = {".pam_environment", ".config/environment.d/*.conf"};
    for (size_t i = 0; *drift->user_home != '\0' && i < sizeof of_user / sizeof *of_user; i++)
        look_at_all(drift, arena_printf(drift->arena, "%s/%s", drift->user_home, of_user[i]), true);
    for (size_t i = 0; i < sizeof of_system / sizeof *of_system; i++)
        look_at_all(drift, of_system[i], true);
    for (size_t i = 0; *drift->user_home != '\0' && i < sizeof plain / sizeof *plain; i++)
        look_at_all(drift, arena_printf(drift->arena, "%s/%s", drift->user_home, plain[i]), false);
    look_at_all(drift, "/etc/environment.d/*.conf", false);
    look_at(drift, "/etc/environment", false);
}
