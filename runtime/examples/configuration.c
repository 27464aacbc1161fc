/* What the sources say: configuration HOME PATH... Prints each value of the configuration as JSON, with the generation
 * that it is from. `$NAME` asks for a variable of the env files instead, and says only whether it is set. */
#include <stdio.h>

#include <hermes_runtime.h>

static void print(const struct hermes_view *view, const char *what)
{
    size_t len;
    if (*what == '$') {
        (void)printf("%s is %s\n", what, hermes_variable(view, what + 1) == NULL ? "not set" : "set");
        return;
    }
    const char *value = hermes_config(view, what, &len);
    (void)printf("%s = %.*s\n", what, value == NULL ? 4 : (int)len, value == NULL ? "none" : value);
}

int main(int argc, char **argv)
{
    struct hermes *hermes;
    if (argc < 2) {
        (void)fputs("usage: configuration HOME PATH...\n", stderr);
        return 2;
    }
    int error = hermes_open(argv[1], &hermes);
    if (error != 0) {
        (void)fprintf(stderr, "configuration: %s\n", hermes_strerror(error));
        return 1;
    }
    const struct hermes_view *view = hermes_hold(hermes); /* stays as it is, whatever is published meanwhile */
    (void)printf("generation %lld\n", hermes_generation(view));
    for (int i = 2; i < argc; i++)
        print(view, argv[i]);
    hermes_view_unref(view);
    hermes_close(hermes);
    return 0;
}
