/* A status page in few lines: key_states HOME. Every key by its fingerprint, and how it is. */
#include <stdio.h>

#include <hermes_runtime.h>

static void print(struct hermes *hermes, const struct hermes_provider *provider, const char *fingerprint)
{
    struct hermes_key_state state;
    if (hermes_key_state(hermes, provider->id, fingerprint, &state) != 0)
        return; /* published anew meanwhile, without this provider */
    (void)printf("%s %s: %s", provider->id, fingerprint == NULL ? "itself" : fingerprint,
                 hermes_verdict_name(state.verdict));
    if (state.verdict == HERMES_KEY_COOLING || state.verdict == HERMES_PROVIDER_OUT)
        (void)printf(" until %.0f", state.until);
    if (state.verdict != HERMES_KEY_GOOD)
        (void)printf(" (%s)", state.rule);
    (void)printf(", %llu requests\n", state.requests);
}

int main(int argc, char **argv)
{
    struct hermes *hermes;
    if (argc < 2) {
        (void)fputs("usage: key_states HOME\n", stderr);
        return 2;
    }
    int error = hermes_open(argv[1], &hermes);
    if (error != 0) {
        (void)fprintf(stderr, "key_states: %s\n", hermes_strerror(error));
        return 1;
    }
    const struct hermes_view *view = hermes_hold(hermes);
    for (size_t i = 0; i < hermes_provider_count(view); i++) {
        const struct hermes_provider *provider = hermes_provider_at(view, i);
        print(hermes, provider, NULL);
        for (size_t k = 0; k < provider->credential_count; k++)
            print(hermes, provider, provider->credentials[k].fingerprint);
    }
    hermes_view_unref(view);
    hermes_close(hermes);
    return 0;
}
