/* Which key would go out now, and where to: next_key HOME [PROVIDER]. Prints no key, only its fingerprint. */
#include <stdio.h>

#include <hermes_runtime.h>

int main(int argc, char **argv)
{
    struct hermes *hermes;
    struct hermes_attempt attempt;
    if (argc < 2) {
        (void)fputs("usage: next_key HOME [PROVIDER]\n", stderr);
        return 2;
    }
    int error = hermes_open(argv[1], &hermes);
    if (error != 0) {
        (void)fprintf(stderr, "next_key: %s\n", hermes_strerror(error));
        return 1;
    }
    error = hermes_acquire(hermes, argc > 2 ? argv[2] : NULL, NULL, 0, &attempt);
    if (error == 0) {
        (void)printf("generation %lld: %s from %s to %s\n", attempt.generation, attempt.credential->fingerprint,
                     attempt.credential->label, attempt.credential->base_url);
        hermes_release(hermes, &attempt);
    } else if (error == HERMES_EXHAUSTED) {
        (void)printf("%s until %.0f\n", hermes_strerror(error), hermes_earliest(hermes, argc > 2 ? argv[2] : NULL));
    } else {
        (void)fprintf(stderr, "next_key: %s\n", hermes_strerror(error));
    }
    hermes_close(hermes);
    return error == 0 ? 0 : 1;
}
