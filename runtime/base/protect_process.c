#include "protect_process.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

static void take_standard_descriptors(void)
{
    int fd;
    do /* reading and writing give EBADF, as if it were closed */
        fd = open("/", O_PATH | O_CLOEXEC);
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd >= 0)
        (void)close(fd);
}

void protect_process(void)
{
    const struct rlimit none = {0, 0};
    (void)setrlimit(RLIMIT_CORE, &none);
    take_standard_descriptors();
    (void)signal(SIGXFSZ, SIG_IGN);  /* a limit on the size of files is an error of writing, and no end */
    (void)unsetenv("SSLKEYLOGFILE"); /* curl would write the secrets of its sessions there */
#ifndef __SANITIZE_ADDRESS__
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
#endif
}
