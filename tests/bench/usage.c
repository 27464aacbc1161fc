/* Runs a program, which has standard output for itself, and says on standard error what it alone was charged with:
 * processor time in microseconds, peak of memory in KiB. (A large program's child would be charged with its size.) */
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    int status;
    struct rusage usage;
    pid_t child = argc < 2 ? -1 : fork();
    if (child == 0) {
        (void)execv(argv[1], argv + 1);
        _exit(127);
    }
    if (child < 0 || wait4(child, &status, 0, &usage) < 0 || !WIFEXITED(status))
        return 127;
    long seconds = usage.ru_utime.tv_sec + usage.ru_stime.tv_sec;
    long micros = usage.ru_utime.tv_usec + usage.ru_stime.tv_usec;
    (void)fprintf(stderr, "%ld %ld\n", seconds * 1000000 + micros, usage.ru_maxrss);
    return WEXITSTATUS(status);
}
