#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cmocka.h>

#include "arena.h"
#include "replace.h"
#include "safe_read.h"

static char home[] = "/tmp/replace-XXXXXX";

static int make_home(void **state)
{
    *state = mkdtemp(home);
    return *state == NULL;
}

static int remove_home(void **state)
{
    char command[64];
    (void)state;
    (void)snprintf(command, sizeof command, "rm -r %s", home);
    return system(command);
}

static const char *path(const char *name)
{
    static char text[512];
    (void)snprintf(text, sizeof text, "%s/%s", home, name);
    return text;
}

static void replaces_whole_files_with_mode_0600(void **state)
{
    struct stat st;
    (void)state;
    assert_int_equal(replace_file(path("a"), "one", 3, 0600), 0);
    assert_int_equal(replace_file(path("a"), "two!", 4, 0600), 0);
    assert_int_equal(stat(path("a"), &st), 0);
    assert_int_equal(st.st_size, 4);
    assert_int_equal(st.st_mode & 0777, 0600);
}

static void keeps_a_link(void **state)
{
    struct stat st;
    (void)state;
    assert_int_equal(replace_file(path("real"), "one", 3, 0600), 0);
    assert_int_equal(symlink("real", path("link")), 0);
    assert_int_equal(replace_linked(path("link"), "four", 4, 0600), 0);
    assert_int_equal(lstat(path("link"), &st), 0);
    assert_true(S_ISLNK(st.st_mode));
    assert_int_equal(stat(path("real"), &st), 0);
    assert_int_equal(st.st_size, 4);
}

static void takes_the_place_of_a_link_where_the_file_is_ours(void **state)
{
    struct stat st;
    (void)state;
    assert_int_equal(replace_file(path("theirs"), "one", 3, 0600), 0);
    assert_int_equal(symlink("theirs", path("ours")), 0);
    assert_int_equal(replace_file(path("ours"), "four", 4, 0600), 0);
    assert_int_equal(lstat(path("ours"), &st), 0);
    assert_true(S_ISREG(st.st_mode));
    assert_int_equal(stat(path("theirs"), &st), 0);
    assert_int_equal(st.st_size, 3);
}

static void shows_nothing_before_the_commit_and_leaves_nothing_behind(void **state)
{
    struct replacement r;
    struct stat st;
    (void)state;
    assert_int_equal(replace_prepare(&r, path("b"), true, (struct piece[]){{"on", 2}, {"", 0}, {"e", 1}}, 3, 0600), 0);
    assert_int_not_equal(stat(path("b"), &st), 0);
    assert_int_equal(stat(path(r.temporary), &st), 0);
    replace_abandon(&r);
    assert_int_not_equal(stat(path(r.temporary), &st), 0);
}

static bool is_one(const char *name)
{
    struct stat st;
    return lstat(path(name), &st) == 0 && S_ISREG(st.st_mode) && st.st_size == 3;
}

/* As a container has it, whose processes have the same numbers at every start: nobody looks for the maker. */
static void removes_what_a_killed_process_left(void **state)
{
    struct stat st;
    struct replacement r;
    (void)state;
    pid_t maker = fork();
    if (maker == 0) {
        int error = replace_prepare(&r, path("b"), true, &(struct piece){"one", 3}, 1, 0600);
        FILE *names = fopen(path("name"), "we");
        (void)fputs(r.temporary, names);
        (void)fclose(names);
        (void)raise(error == 0 ? SIGKILL : SIGTERM);
    }
    int status;
    char name[NAME_MAX + 1] = "";
    assert_int_equal(waitpid(maker, &status, 0), maker);
    assert_int_equal(WTERMSIG(status), SIGKILL);
    FILE *names = fopen(path("name"), "re");
    assert_non_null(names);
    assert_non_null(fgets(name, sizeof name, names));
    (void)fclose(names);
    assert_int_equal(stat(path(name), &st), 0);
    replace_clean(path("b"), true);
    assert_int_not_equal(stat(path(name), &st), 0);
}

static void leaves_what_somebody_is_at(void **state)
{
    struct replacement r;
    (void)state;
    assert_int_equal(replace_prepare(&r, path("b"), true, &(struct piece){"one", 3}, 1, 0600), 0);
    replace_clean(path("b"), true);
    assert_int_equal(replace_commit(&r), 0);
    replace_abandon(&r);
    assert_true(is_one("b"));
    (void)unlink(path("b"));
}

static mode_t mode_of(const char *name)
{
    struct stat st;
    assert_int_equal(stat(path(name), &st), 0);
    return st.st_mode & 0777;
}

/* Group and attributes stay, and a list that only takes away; one that lets in others does not. */
static void nobody_else_reads_the_new_file(void **state)
{
    enum { USER_RIGHTS = 14, GROUP_RIGHTS = 22, OTHER_RIGHTS = 38 };
    unsigned char list[] = {2, 0, 0,   0,   1,   0,   6,    0, 255, 255, 255, 255, 2,   0,    4,
                            0, 7, 0,   0,   0,   4,   0,    0, 0,   255, 255, 255, 255, 0x10, 0,
                            4, 0, 255, 255, 255, 255, 0x20, 0, 4,   0,   255, 255, 255, 255};
    char value[sizeof list];
    (void)state;
    assert_int_equal(replace_linked(path("kept"), "one", 3, 0600), 0);
    assert_int_equal(chmod(path("kept"), 0644), 0);
    bool noted = setxattr(path("kept"), "user.note", "x", 1, 0) == 0;
    assert_int_equal(replace_linked(path("kept"), "two", 3, 0644), 0);
    assert_int_equal(mode_of("kept"), 0640);
    assert_int_equal(getxattr(path("kept"), "user.note", value, sizeof value), noted ? 1 : -1);
    if (setxattr(path("kept"), "system.posix_acl_access", list, sizeof list, 0) < 0)
        return;
    assert_int_equal(replace_linked(path("kept"), "two", 3, 0644), 0);
    assert_int_equal(mode_of("kept"), 0600);
    assert_int_equal(getxattr(path("kept"), "system.posix_acl_access", value, sizeof value), -1);
    list[USER_RIGHTS] = 0;
    list[GROUP_RIGHTS] = 4;
    assert_int_equal(setxattr(path("kept"), "system.posix_acl_access", list, sizeof list, 0), 0);
    assert_int_equal(replace_linked(path("kept"), "two", 3, 0644), 0);
    assert_int_equal(mode_of("kept"), 0640);
    list[OTHER_RIGHTS] = 0;
    assert_int_equal(getxattr(path("kept"), "system.posix_acl_access", value, sizeof value), sizeof list);
    assert_memory_equal(value, list, sizeof list);
    (void)unlink(path("kept"));
}

static size_t open_descriptors(void)
{
    size_t count = 0;
    DIR *directory = opendir("/proc/self/fd");
    assert_non_null(directory);
    while (readdir(directory) != NULL)
        count++;
    (void)closedir(directory);
    return count;
}

static void takes_the_place_of_whatever_stands_there(void **state)
{
    size_t before = open_descriptors();
    (void)state;
    assert_int_equal(replace_passing(path("nothing"), "one", 3), 0);
    assert_true(is_one("nothing"));
    assert_int_equal(mkfifo(path("fifo"), 0600), 0); /* nobody has its other end */
    assert_int_equal(replace_passing(path("fifo"), "one", 3), 0);
    assert_true(is_one("fifo"));
    assert_int_equal(symlink("nowhere", path("loose")), 0);
    assert_int_equal(replace_passing(path("loose"), "one", 3), 0);
    assert_true(is_one("loose"));
    assert_int_equal(mkdir(path("folder"), 0700), 0);
    assert_int_equal(mkdir(path("folder/full"), 0700), 0);
    assert_int_equal(replace_passing(path("folder"), "one", 3), -EISDIR);
    assert_int_equal(rmdir(path("folder/full")), 0);
    assert_int_equal(replace_passing(path("folder"), "one", 3), 0);
    assert_true(is_one("folder"));
    assert_int_equal(open_descriptors(), before);
}

static void holds_what_it_replaced_for_a_caller_who_wants_to_free_it_later(void **state)
{
    struct replacement r;
    struct stat st;
    (void)state;
    assert_int_equal(replace_file(path("held"), "one", 3, 0600), 0);
    assert_int_equal(replace_prepare(&r, path("held"), false, &(struct piece){"four", 4}, 1, 0600), 0);
    assert_int_equal(r.displaced, -1);
    assert_int_equal(replace_commit(&r), 0);
    if (r.displaced < 0) { /* not on a file system of several machines */
        replace_abandon(&r);
        skip();
    }
    assert_int_equal(fstat(r.displaced, &st), 0);
    assert_int_equal(st.st_size, 3);
    assert_int_equal(st.st_nlink, 0);
    replace_abandon(&r);
    assert_int_equal(r.displaced, -1);
}

static void refuses_what_everyone_may_write(void **state)
{
    struct arena *arena = arena_create();
    (void)state;
    assert_int_equal(replace_file(path("open"), "one", 3, 0666), 0);
    assert_int_equal(safe_read(arena, path("open"), 0).status, SAFE_READ_WORLD_WRITABLE);
    assert_int_equal(safe_read(arena, home, 0).status, SAFE_READ_NOT_A_FILE);
    assert_int_equal(safe_read(arena, path("none"), 0).status, SAFE_READ_ABSENT);
    arena_destroy(arena);
}

static void waits_for_a_writer_to_close(void **state)
{
    struct arena *arena = arena_create();
    (void)state;
    assert_int_equal(replace_file(path("busy"), "one", 3, 0600), 0);
    FILE *writer = fopen(path("busy"), "r+e");
    assert_int_equal(safe_read(arena, path("busy"), 0).status, SAFE_READ_BUSY);
    (void)fclose(writer);
    struct safe_read read = safe_read(arena, path("busy"), 0);
    assert_int_equal(read.status, SAFE_READ_OK);
    assert_string_equal(read.bytes, "one");
    arena_destroy(arena);
}

static void a_broken_lease_harms_nobody(void **state)
{
    (void)state;
    assert_int_equal(replace_file(path("leased"), "one", 3, 0600), 0);
    pid_t reader = fork();
    if (reader == 0) {
        struct arena *arena = arena_create();
        for (int i = 0; i < 3000; i++)
            (void)safe_read(arena, path("leased"), 0);
        _exit(0);
    }
    int status = 0;
    while (waitpid(reader, &status, WNOHANG) == 0) {
        int writer = open(path("leased"), O_WRONLY | O_CLOEXEC);
        assert_true(writer >= 0);
        (void)close(writer);
    }
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

/* Root's file, read by nobody: no lease. */
static void without_a_lease_it_must_hold_still(void **state)
{
    struct arena *arena = arena_create();
    (void)state;
    if (geteuid() != 0)
        skip();
    assert_int_equal(chmod(home, 0755), 0);
    FILE *writer = fopen(path("theirs"), "we");
    assert_true(fputs("one", writer) >= 0);
    assert_int_equal(fflush(writer), 0);
    assert_int_equal(fchmod(fileno(writer), 0644), 0);
    assert_int_equal(seteuid(65534), 0);
    assert_int_equal(safe_read_edited(arena, path("theirs"), 0).status, SAFE_READ_BUSY);
    assert_int_equal(safe_read(arena, path("theirs"), 0).status, SAFE_READ_OK);
    struct safe_read read = safe_read_edited(arena, path("theirs"), 60000);
    assert_int_equal(seteuid(0), 0);
    assert_int_equal(read.status, SAFE_READ_OK);
    assert_string_equal(read.bytes, "one");
    (void)fclose(writer);
    arena_destroy(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(replaces_whole_files_with_mode_0600),
        cmocka_unit_test(keeps_a_link),
        cmocka_unit_test(takes_the_place_of_a_link_where_the_file_is_ours),
        cmocka_unit_test(shows_nothing_before_the_commit_and_leaves_nothing_behind),
        cmocka_unit_test(removes_what_a_killed_process_left),
        cmocka_unit_test(leaves_what_somebody_is_at),
        cmocka_unit_test(nobody_else_reads_the_new_file),
        cmocka_unit_test(takes_the_place_of_whatever_stands_there),
        cmocka_unit_test(holds_what_it_replaced_for_a_caller_who_wants_to_free_it_later),
        cmocka_unit_test(refuses_what_everyone_may_write),
        cmocka_unit_test(waits_for_a_writer_to_close),
        cmocka_unit_test(a_broken_lease_harms_nobody),
        cmocka_unit_test(without_a_lease_it_must_hold_still),
    };
    return cmocka_run_group_tests_name("replace and safe_read", tests, make_home, remove_home);
}
