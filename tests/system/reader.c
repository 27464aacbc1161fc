/* A gateway built on the runtime library: prints the key that it would send now, and to whom. For each line on standard
 * input it looks again, so that a test sees what a running gateway sees. */
#include <stdio.h>

#include <hermes_runtime.h>

int main(int argc, char **argv)
{
    struct hermes *hermes;
    char line[16];
    int error = argc < 2 ? -1 : hermes_open(argv[1], &hermes);
    if (error != 0) {
        (void)fprintf(stderr, "reader: %s\n", argc < 2 ? "usage: reader HOME" : hermes_strerror(error));
        return 1;
    }
    while (fgets(line, sizeof line, stdin) != NULL) {
        (void)hermes_refresh(hermes);
        struct hermes_attempt attempt;
        if (hermes_acquire(hermes, NULL, NULL, 0, &attempt) == 0) {
            (void)printf("%s %s\n", attempt.provider->base_url, attempt.credential->secret);
            hermes_release(hermes, &attempt);
        } else {
            (void)puts("- -");
        }
        (void)fflush(stdout);
    }
    hermes_close(hermes);
    return 0;
}
