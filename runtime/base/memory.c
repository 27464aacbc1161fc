#include "memory.h"

#include <setjmp.h>
#include <stddef.h>
#include <unistd.h>

#include "exit_status.h"

struct attempt {
    struct attempt *outer;
    struct memory_hold *holds; /* of what is around it */
    jmp_buf back;
};

static _Thread_local struct attempt *attempts;
static _Thread_local struct memory_hold *holds;

bool memory_try(void (*work)(void *data), void *data)
{
    struct attempt attempt = {.outer = attempts, .holds = holds};
    attempts = &attempt;
    bool done = setjmp(attempt.back) == 0;
    if (done)
        work(data);
    attempts = attempt.outer;
    return done;
}

static _Noreturn void end_program(void)
{
    static const char message[] = "hermes: out of memory\n";
    ssize_t ignored = write(STDERR_FILENO, message, sizeof message - 1);
    (void)ignored;
    _exit(EXIT_IO);
}

/* What is held is given back before the jump: it lies in the frames that are left. */
void memory_failed(void)
{
    if (attempts == NULL)
        end_program();
    while (holds != attempts->holds) {
        struct memory_hold *hold = holds;
        holds = hold->outer;
        hold->give_back(hold->data);
    }
    longjmp(attempts->back, 1);
}

void memory_hold(struct memory_hold *hold, void (*give_back)(void *data), void *data)
{
    *hold = (struct memory_hold){holds, give_back, data};
    holds = hold;
}

static void close_fd(void *data)
{
    int *fd = data;
    if (*fd >= 0)
        (void)close(*fd);
}

void memory_hold_fd(struct memory_hold *hold, int *fd)
{
    memory_hold(hold, close_fd, fd);
}

static void close_folder(void *data)
{
    if (data != NULL)
        (void)closedir(data);
}

void memory_hold_folder(struct memory_hold *hold, DIR *folder)
{
    memory_hold(hold, close_folder, folder);
}

void memory_give_back(struct memory_hold *hold)
{
    memory_let_go(hold);
    hold->give_back(hold->data);
}

void memory_let_go(struct memory_hold *hold)
{
    holds = hold->outer;
}
