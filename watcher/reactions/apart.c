#include "apart.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* As much as a thread has by default; only what is used counts. */
enum { STACK = 8 * 1024 * 1024 };

struct apart {
    void (*work)(void *data);
    void *data;
    pid_t parent;
};

static int enter(void *data)
{
    const struct apart *apart = data;
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() == apart->parent)
        apart->work(apart->data);
    _exit(EXIT_SUCCESS);
}

/* Whoever has ended otherwise than by himself has left locks behind, and halves. */
static void wait_for(pid_t process)
{
    int status = 0;
    while (waitpid(process, &status, __WALL) < 0 && errno == EINTR)
        ;
    if (!WIFEXITED(status))
        abort();
}

void apart_run(void (*work)(void *data), void *data)
{
    struct apart apart = {work, data, getpid()};
    char *stack =
        mmap(NULL, STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK | MAP_NORESERVE, -1, 0);
    pid_t process = stack == MAP_FAILED ? -1
                                        : clone(enter, stack + STACK, CLONE_VM | CLONE_VFORK | CLONE_FILES | CLONE_FS,
                                                &apart); /* the thread stands still: its own data are the work's */
    if (process < 0)
        work(data);
    else
        wait_for(process);
    if (stack != MAP_FAILED)
        (void)munmap(stack, STACK);
}
