#include "relay_print_env.h"

#include <stdio.h>
#include <string.h>

#include "hermes_runtime.h"
#include "snapshot_format.h"

/* For a shell: in single quotes. */
static void quoted(const char *text)
{
    (void)putchar('\'');
    for (; *text != '\0'; text++)
        (void)(*text == '\'' ? fputs("'\\''", stdout) : putchar(*text));
    (void)putchar('\'');
}

static void token_of(const char *home)
{
    (void)fputs("\"$(cat ", stdout);
    quoted(home);
    (void)fputs("/" RELAY_TOKEN_FILE ")\"\n", stdout);
}

/* Hermes must name the provider: its default one may be the relay from then on. */
static void print_hermes(const char *home, const char *where)
{
    struct hermes *hermes = NULL;
    const char *provider = "<provider>";
    if (hermes_open(home, &hermes) == 0) {
        const struct hermes_view *view = hermes_current(hermes);
        if (hermes_default_provider(view) != NULL)
            provider = hermes_default_provider(view);
    }
    (void)printf("\n# Hermes itself: in config.yaml\n"
                 "#   custom_providers:\n"
                 "#     - name: relay\n"
                 "#       base_url: http://%s/%s/v1\n"
                 "#       key_env: HERMES_RELAY_TOKEN\n"
                 "# with the token in its .env, and then model.provider: custom:relay\n"
                 "#   echo HERMES_RELAY_TOKEN=",
                 where, provider);
    token_of(home);
    hermes_close(hermes);
}

int print_env(const char *home, const char *where)
{
    if (strncmp(where, "unix:", 5) == 0) {
        (void)printf("# Through the socket no token is needed:\n#   curl --unix-socket ");
        quoted(where + 5);
        (void)printf(" http://localhost/v1/models\n");
        return 0;
    }
    (void)printf("export OPENAI_BASE_URL=http://%s/v1\nexport OPENAI_API_KEY=", where);
    token_of(home);
    (void)printf("export ANTHROPIC_BASE_URL=http://%s\nexport ANTHROPIC_API_KEY=", where);
    token_of(home);
    print_hermes(home, where);
    return 0;
}
