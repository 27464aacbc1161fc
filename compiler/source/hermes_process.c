#include "hermes_process.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "find_home.h"
#include "memory.h"
#include "proc_file.h"

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL ? path : slash + 1;
}

static const char *next_word(const struct text *cmdline, const char *word)
{
    word += strlen(word) + 1;
    return word < cmdline->bytes + cmdline->len ? word : NULL;
}

/* `hermes chat`, `python -m hermes_cli.main gateway run`, `python .../gateway/run.py`; not `vi hermes`. The word that
 * says so, or NULL. */
static const char *hermes_word(const struct text *cmdline)
{
    const char *program = base_name(cmdline->bytes);
    if (strcmp(program, "hermes") == 0 || strcmp(program, "hermes-agent") == 0)
        return cmdline->bytes;
    if (strncmp(program, "python", 6) != 0 && strcmp(program, "uv") != 0)
        return NULL;
    for (const char *word = next_word(cmdline, cmdline->bytes); word != NULL; word = next_word(cmdline, word))
        if (strncmp(word, "hermes_cli", 10) == 0 || strcmp(base_name(word), "hermes") == 0 ||
            strcmp(base_name(word), "hermes-agent") == 0 || strstr(word, "gateway/run.py") != NULL)
            return word;
    return NULL;
}

static bool profile_name(const char *text)
{
    size_t len = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_-");
    return len > 0 && len <= 64 && text[len] == '\0' && *text != '_' && *text != '-';
}

/* `-p NAME`, `--profile NAME` or `--profile=NAME`, anywhere behind Hermes's own word; NULL: none is named. */
static const char *profile_of(const struct text *cmdline, const char *hermes)
{
    static const char *const with_value[] = {"-z", "--oneshot", "-m", "--model",  "--provider",   "-t",  "--toolsets",
                                             "-r", "--resume",  "-s", "--skills", "--usage-file", "--in"};
    for (const char *word = next_word(cmdline, hermes); word != NULL && strcmp(word, "--") != 0;
         word = next_word(cmdline, word)) {
        const char *value = next_word(cmdline, word);
        if (strncmp(word, "--profile=", 10) == 0)
            return profile_name(word + 10) ? word + 10 : NULL;
        if (strcmp(word, "-p") == 0 || strcmp(word, "--profile") == 0)
            return value != NULL && profile_name(value) ? value : NULL;
        for (size_t i = 0; value != NULL && i < sizeof with_value / sizeof *with_value; i++)
            if (strcmp(word, with_value[i]) == 0) {
                word = value;
                break;
            }
    }
    return NULL;
}

/* The home of a process, which sets it by itself where its command line names a profile. */
static const char *home_of(struct arena *arena, const struct text *variables, const char *profile)
{
    const char *home = proc_file_variable(variables, "HERMES_HOME");
    const char *user_home = proc_file_variable(variables, "HOME");
    if (home == NULL || *home == '\0')
        home = user_home == NULL ? "" : arena_printf(arena, "%s/.hermes", user_home);
    if (profile == NULL || *home == '\0')
        return home;
    const char *root = find_home_root_of_profile(arena, home);
    root = root == NULL ? home : root;
    return strcmp(profile, "default") == 0 ? root : arena_printf(arena, "%s/profiles/%s", root, profile);
}

static bool is_mine(int proc, const char *name)
{
    struct stat st;
    return *name != '\0' && strspn(name, "0123456789") == strlen(name) && fstatat(proc, name, &st, 0) == 0 &&
           st.st_uid == geteuid();
}

static void show(struct arena *arena, int proc, const char *pid,
                 void (*look)(void *context, const struct hermes_process *process), void *context)
{
    struct text cmdline = proc_file_read(arena, proc, arena_printf(arena, "%s/cmdline", pid));
    const char *hermes = hermes_word(&cmdline);
    int folder = hermes != NULL ? openat(proc, pid, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (folder < 0)
        return;
    struct memory_hold hold;
    memory_hold_fd(&hold, &folder);
    struct text variables = proc_file_read(arena, folder, "environ");
    struct hermes_process process = {pid, folder, home_of(arena, &variables, profile_of(&cmdline, hermes)), &variables};
    look(context, &process);
    memory_give_back(&hold);
}

void hermes_process_each(struct arena *arena, void (*look)(void *context, const struct hermes_process *process),
                         void *context)
{
    DIR *proc = opendir("/proc");
    struct memory_hold hold;
    memory_hold_folder(&hold, proc);
    for (struct dirent *entry; proc != NULL && (entry = readdir(proc)) != NULL;)
        if (is_mine(dirfd(proc), entry->d_name))
            show(arena, dirfd(proc), entry->d_name, look, context);
    memory_give_back(&hold);
}

struct older {
    struct stat home;
    double moment;
    bool found;
};

static void look_for_older(void *context, const struct hermes_process *process)
{
    struct older *older = context;
    struct stat home;
    bool same =
        stat(process->home, &home) == 0 && home.st_dev == older->home.st_dev && home.st_ino == older->home.st_ino;
    older->found = older->found || (same && proc_file_started((pid_t)strtol(process->pid, NULL, 10)) < older->moment);
}

bool hermes_process_before(struct arena *arena, const char *home, double moment)
{
    struct older older = {.moment = moment};
    if (stat(home, &older.home) < 0)
        return false;
    hermes_process_each(arena, look_for_older, &older);
    return older.found;
}
