#include <glob.h>
#include <string.h>

#include "blank.h"
#include "drift.h"
#include "safe_read.h"

/* `export NAME=value`, `NAME='value'`, `set -gx NAME value`: the assignment without its quotes, or "". */
static const char *assignment_of(struct arena *arena, const char *line, size_t len)
{
    static const char *const prefixes[] = {"export ", "declare -x ", "typeset -x ", "set -gx ", "set -Ux ", "setenv "};
    bool by_blank = false;
    line = strip_blanks(line, len, &len);
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++) {
        size_t prefix = strlen(prefixes[i]);
        if (len <= prefix || memcmp(line, prefixes[i], prefix) != 0)
            continue;
        by_blank = i >= 3;
        line = strip_blanks(line + prefix, len - prefix, &len);
        break;
    }
    size_t name = 0;
    while (name < len &&
           ((line[name] >= 'A' && line[name] <= 'Z') || (line[name] >= '0' && line[name] <= '9') || line[name] == '_'))
        name++;
    if (name == 0 || name == len || line[name] != (by_blank ? ' ' : '='))
        return "";
    size_t value_len;
    const char *value = strip_blanks(line + name + 1, len - name - 1, &value_len);
    if (value_len > 0 && (value[0] == '"' || value[0] == '\'')) {
        const char *close = memchr(value + 1, value[0], value_len - 1);
        value_len = close == NULL ? value_len - 1 : (size_t)(close - value) - 1;
        value++;
    } else {
        for (size_t i = 0; i < value_len; i++)
            if (strchr(" \t;&#", value[i]) != NULL)
                value_len = i;
    }
    return arena_printf(arena, "%.*s=%.*s", (int)name, line, (int)value_len, value);
}

static void look_at(struct drift *drift, const char *path)
{
    struct safe_read read = safe_read(drift->arena, path, 0);
    size_t home = strlen(drift->user_home);
    bool below = home > 0 && strncmp(path, drift->user_home, home) == 0 && path[home] == '/';
    if (read.status != SAFE_READ_OK)
        return;
    unsigned number = 1;
    for (size_t at = 0; at < read.len; number++) {
        const char *newline = memchr(read.bytes + at, '\n', read.len - at);
        size_t end = newline == NULL ? read.len : (size_t)(newline - read.bytes);
        const char *assignment = assignment_of(drift->arena, read.bytes + at, end - at);
        if (*assignment != '\0')
            drift_assignment(
                drift, arena_printf(drift->arena, "%s%s:%u", below ? "~" : "", below ? path + home : path, number),
                assignment, strlen(assignment), "remove the line");
        at = end + 1;
    }
}

void drift_startup_files(struct drift *drift)
{
    static const char *const names[] = {".bashrc",  ".bash_profile",    ".bash_login",
                                        ".profile", ".zshrc",           ".zprofile",
                                        ".zshenv",  ".pam_environment", ".config/fish/config.fish"};
    glob_t found;
    for (size_t i = 0; *drift->user_home != '\0' && i < sizeof names / sizeof *names; i++)
        look_at(drift, arena_printf(drift->arena, "%s/%s", drift->user_home, names[i]));
    if (glob(arena_printf(drift->arena, "%s/.config/environment.d/*.conf", drift->user_home), 0, NULL, &found) == 0) {
        for (size_t i = 0; i < found.gl_pathc; i++)
            look_at(drift, found.gl_pathv[i]);
        globfree(&found);
    }
    look_at(drift, "/etc/environment");
}
