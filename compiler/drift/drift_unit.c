#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "blank.h"
#include "drift_looks.h"
#include "path_matches.h"
#include "safe_read.h"
#include "shell_word.h"
#include "systemd_folders.h"

/* What a unit and its drop-ins say together, as systemd takes it. */
struct unit {
    struct drift *drift;
    const char *name; /* hermes-gateway.service */
    const char *systemctl;
    struct assignments environment;
    struct assignments files; /* beat Environment= */
    const char *passed;       /* PassEnvironment=, all words */
    const char *passed_by;
    const char *home; /* of its user, or NULL */
};

/* One word of systemd's syntax at *AT: quotes group, a backslash takes the next character as it is, %h is the home. ""
 * at the end. */
static const char *next_word(struct drift *drift, const char **at)
{
    struct text word = {.arena = drift->arena};
    char quote = '\0';
    text_append(&word, "", 0);
    *at += strspn(*at, " \t");
    for (; **at != '\0' && (quote != '\0' || strchr(" \t", **at) == NULL); (*at)++) {
        const char next = (*at)[1];
        const bool home = **at == '%' && next == 'h';
        const bool escaped = (**at == '\\' && next != '\0') || (**at == '%' && next == '%');
        *at += home || escaped;
        if (home)
            text_puts(&word, drift->user_home);
        else if (escaped)
            text_putc(&word, **at);
        else if (quote != '\0' ? **at == quote : **at == '"' || **at == '\'')
            quote = quote != '\0' ? '\0' : **at;
        else
            text_putc(&word, **at);
    }
    return word.bytes;
}

static void add(struct unit *unit, struct assignments *all, const char *path, const char *where, const char *word)
{
    struct arena *arena = unit->drift->arena;
    const char *equals = strchr(word, '=');
    if (equals == NULL)
        return;
    const char *restart =
        arena_printf(arena, "%s daemon-reload; %s restart %s", unit->systemctl, unit->systemctl, unit->name);
    /* What is left of `Environment=` alone would forget all the others. */
    const char *file = shell_word(arena, path);
    drift_assignments_add(
        arena, all,
        (struct assignment){.where = where,
                            .name = arena_strndup(arena, word, (size_t)(equals - word)),
                            .value = equals + 1,
                            .len = strlen(equals + 1),
                            .print = arena_printf(arena, "grep -oE '\\b{}=[^\" ]+' %s", file),
                            .drop = arena_printf(arena,
                                                 "sed -i --follow-symlinks -E 's/\"?\\b{}=[^\" ]+\"?//; T; "
                                                 "/^[[:blank:]]*Environment=[[:blank:]]*$/d' %s; %s",
                                                 file, restart),
                            .by_hand = arena_printf(arena, "edit %s and remove {} from it", path)});
}

static void read_environment_file(struct unit *unit, const char *by, const char *path)
{
    struct arena *arena = unit->drift->arena;
    path += *path == '-'; /* it may be missing */
    struct safe_read read = safe_read(arena, path, 0);
    if (read.status != SAFE_READ_OK)
        return;
    const char *where = arena_printf(arena, "%s EnvironmentFile=%s", by, path);
    for (size_t at = 0; at < read.len;) {
        size_t len = strcspn(read.bytes + at, "\n");
        const char *line = arena_strndup(arena, read.bytes + at, len);
        line += strspn(line, " \t");
        if (*line != '#' && *line != ';')
            add(unit, &unit->files, path, where, next_word(unit->drift, &line));
        at += len + 1;
    }
}

static void read_line(struct unit *unit, const char *path, const char *line)
{
    size_t name = strcspn(line, "=");
    const char *value = line + name + (line[name] == '=');
    const char *where = arena_printf(unit->drift->arena, "%s Environment=", path);
    if (strncmp(line, "Environment", name) == 0 && name == 11) {
        if (*value == '\0')
            unit->environment.count = 0;
        for (const char *word; *(word = next_word(unit->drift, &value)) != '\0';)
            add(unit, &unit->environment, path, where, word);
    } else if (strncmp(line, "EnvironmentFile", name) == 0 && name == 15) {
        if (*value == '\0')
            unit->files.count = 0;
        else
            read_environment_file(unit, path, next_word(unit->drift, &value));
    } else if (strncmp(line, "PassEnvironment", name) == 0 && name == 15) {
        unit->passed = *value == '\0' ? "" : arena_printf(unit->drift->arena, "%s %s", unit->passed, value);
        unit->passed_by = path;
    }
}

/* A backslash at the end of a line goes on in the next; lines of comment in between do not count. */
static void read_text(struct unit *unit, const char *path, const char *text, size_t text_len)
{
    struct arena *arena = unit->drift->arena;
    struct text line = {.arena = arena};
    for (size_t at = 0; at < text_len;) {
        size_t len = strcspn(text + at, "\n");
        size_t stripped;
        const char *part = blank_strip(text + at, len, &stripped);
        bool goes_on = stripped > 0 && part[stripped - 1] == '\\';
        at += len + 1;
        if (stripped > 0 && (*part == '#' || *part == ';'))
            continue;
        text_append(&line, part, stripped - goes_on);
        if (goes_on && at < text_len) {
            text_putc(&line, ' ');
            continue;
        }
        read_line(unit, path, line.len == 0 ? "" : arena_strndup(arena, line.bytes, line.len));
        line.len = 0;
    }
}

static void read_unit(struct unit *unit, const char *path)
{
    struct safe_read read = safe_read(unit->drift->arena, path, 0);
    if (read.status == SAFE_READ_OK)
        read_text(unit, path, read.bytes, read.len);
}

static const struct assignment *last_of(const struct assignments *all, const char *name)
{
    for (size_t i = all->count; i > 0; i--)
        if (strcmp(all->items[i - 1].name, name) == 0)
            return &all->items[i - 1];
    return NULL;
}

static const char *value_of(const struct unit *unit, const char *name)
{
    const struct assignment *found = last_of(&unit->files, name);
    found = found != NULL ? found : last_of(&unit->environment, name);
    return found == NULL ? NULL : found->value;
}

/* The user's instance hands its whole environment on anyway; then its own finding says so. */
static void look_at_passed(struct unit *unit)
{
    struct drift *drift = unit->drift;
    for (const char *at = unit->passed, *name; *(name = next_word(drift, &at)) != '\0';) {
        const struct assignment *known = last_of(&drift->manager, name);
        struct assignment passed = {
            .where = arena_printf(drift->arena, "%s PassEnvironment=", unit->passed_by),
            .name = name,
            .by_hand = arena_printf(drift->arena, "edit %s and remove {} from PassEnvironment=", unit->passed_by)};
        if (known != NULL && known->value != NULL) {
            passed.value = known->value;
            passed.len = known->len;
        }
        size_t before = drift->count;
        drift_assignment(drift, &passed);
        if (drift->count > before && known == NULL) {
            drift->items[before].matters = false;
            drift->items[before].message = "it is passed on if the manager has it; no env file has it";
        }
    }
}

static void judge(struct unit *unit)
{
    const char *home = value_of(unit, "HOME");
    home = home != NULL ? home : unit->home;
    bool default_home = access(arena_printf(unit->drift->arena, "%s/.hermes", home), F_OK) == 0;
    const char *hermes_home = value_of(unit, "HERMES_HOME");
    if ((hermes_home != NULL || default_home) && !drift_this_home(unit->drift, hermes_home, home))
        return; /* another home's gateway */
    for (size_t i = 0; i < unit->environment.count; i++) {
        const struct assignment *a = &unit->environment.items[i];
        if (last_of(&unit->files, a->name) == NULL && last_of(&unit->environment, a->name) == a)
            drift_assignment(unit->drift, a);
    }
    for (size_t i = 0; i < unit->files.count; i++)
        if (last_of(&unit->files, unit->files.items[i].name) == &unit->files.items[i])
            drift_assignment(unit->drift, &unit->files.items[i]);
    look_at_passed(unit);
}

/* --- which files make a unit --- */

struct paths {
    const char **items;
    size_t count;
    size_t capacity;
};

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL ? path : slash + 1;
}

/* What stands in a stronger folder under the same name hides PATH. */
static void add_path(struct arena *arena, struct paths *paths, const char *path)
{
    for (size_t i = 0; i < paths->count; i++)
        if (strcmp(base_name(paths->items[i]), base_name(path)) == 0)
            return;
    ARENA_GROW(arena, paths->items, paths->capacity, paths->count + 1);
    paths->items[paths->count++] = path;
}

static void add_matches(struct arena *arena, struct paths *paths, const char *pattern, size_t cut)
{
    struct path_matches found = path_matches(arena, pattern);
    for (size_t i = 0; i < found.count; i++)
        add_path(arena, paths, arena_strndup(arena, found.items[i], strlen(found.items[i]) - cut));
}

static int by_base_name(const void *a, const void *b)
{
    return strcmp(base_name(*(const char *const *)a), base_name(*(const char *const *)b));
}

static struct unit new_unit(struct drift *drift, const char *name, bool user)
{
    return (struct unit){.drift = drift,
                         .name = name,
                         .systemctl = user ? "systemctl --user" : "systemctl",
                         .passed = "",
                         .home = drift->user_home};
}

void drift_unit_text(struct drift *drift, const char *path, const char *text, size_t len)
{
    struct unit unit = new_unit(drift, base_name(path), true);
    read_text(&unit, path, text, len);
    judge(&unit);
}

static void look_at_unit(struct drift *drift, const char *const *folders, const char *name, bool user)
{
    struct unit unit = new_unit(drift, name, user);
    struct paths main = {0};
    struct paths drop_ins = {0};
    for (size_t i = 0; *folders[i] != '\0'; i++) {
        const char *path = arena_printf(drift->arena, "%s/%s", folders[i], name);
        if (access(path, F_OK) == 0)
            add_path(drift->arena, &main, path);
        add_matches(drift->arena, &drop_ins, arena_printf(drift->arena, "%s.d/*.conf", path), 0);
    }
    if (drop_ins.count > 1)
        qsort(drop_ins.items, drop_ins.count, sizeof *drop_ins.items, by_base_name);
    if (main.count > 0)
        read_unit(&unit, main.items[0]);
    for (size_t i = 0; i < drop_ins.count; i++)
        read_unit(&unit, drop_ins.items[i]);
    judge(&unit);
}

void drift_units(struct drift *drift)
{
    for (int user = 1; user >= 0; user--) {
        const char *const *folders = systemd_folders(drift->arena, drift->user_home, user);
        struct paths names = {0};
        for (size_t i = 0; *folders[i] != '\0'; i++) {
            add_matches(drift->arena, &names, arena_printf(drift->arena, "%s/hermes*.service", folders[i]), 0);
            add_matches(drift->arena, &names, arena_printf(drift->arena, "%s/hermes*.service.d", folders[i]), 2);
        }
        for (size_t i = 0; i < names.count; i++) {
            const char *name = base_name(names.items[i]);
            if (strncmp(name, "hermes-watch", 12) != 0 && strncmp(name, "hermes-relay", 12) != 0)
                look_at_unit(drift, folders, name, user);
        }
    }
}
