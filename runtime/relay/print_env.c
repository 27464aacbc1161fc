#include "print_env.h"

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
    (void)fputs("/" RELAY_TOKEN_FILE ")\"", stdout);
}

static void print_client(const char *home, const char *kind, const char *where, const char *path)
{
    (void)printf("export %s_BASE_URL=http://%s%s\nexport %s_API_KEY=", kind, where, path, kind);
    token_of(home);
    (void)putchar('\n');
}

/* Hermes must name the provider: its default one may be the relay from then on. */
static void print_hermes(const char *home, const char *where)
{
    struct hermes *hermes = NULL;
    const char *provider = NULL;
    if (hermes_open(home, &hermes) == 0)
        provider = hermes_default_provider(hermes_current(hermes));
    if (hermes == NULL)
        (void)puts("\n# There is no usable snapshot yet: run hermes-compile first, then this again.");
    (void)printf("\n# Hermes itself: in config.yaml\n"
                 "#   custom_providers:\n"
                 "#     - name: relay\n"
                 "#       base_url: http://%s/%s/v1\n"
                 "#       key_env: HERMES_RELAY_TOKEN\n"
                 "# and then model.provider: custom:relay; the token is in its .env after\n"
                 "#   (umask 077; printf '\\nHERMES_RELAY_TOKEN=%%s\\n' ",
                 where, provider != NULL ? provider : "<provider>");
    token_of(home);
    (void)fputs(" >>", stdout);
    quoted(home);
    (void)puts("/.env)");
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
    print_client(home, "OPENAI", where, "/v1");
    print_client(home, "ANTHROPIC", where, "");
    print_hermes(home, where);
    return 0;
}
