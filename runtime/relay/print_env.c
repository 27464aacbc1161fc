#include "print_env.h"

#include <stdio.h>
#include <string.h>

#include "bytes.h"
#include "exit_status.h"
#include "hermes_runtime.h"
#include "plain_name.h"
#include "route.h"
#include "snapshot_format.h"

#define UNRESERVED "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._:"

/* For a shell: in single quotes, unless it needs none. */
static bool quoted(struct bytes *out, const char *text)
{
    if (*text != '\0' && text[strspn(text, UNRESERVED "/")] == '\0')
        return bytes_add(out, text, strlen(text));
    bool good = bytes_add(out, "'", 1);
    for (; good && *text != '\0'; text++)
        good = *text == '\'' ? bytes_add(out, "'\\''", 4) : bytes_add(out, text, 1);
    return good && bytes_add(out, "'", 1);
}

static bool token_of(struct bytes *out, const char *home)
{
    return bytes_printf(out, "\"$(cat ") && quoted(out, home) && bytes_printf(out, "/" RELAY_TOKEN_FILE ")\"");
}

/* What clients of a dialect read. */
static const struct client {
    enum dialect dialect;
    const char *url_variable;
    const char *key_variable;
    const char *path; /* that they want in the URL */
} clients[] = {{DIALECT_OPENAI, "OPENAI_BASE_URL", "OPENAI_API_KEY", "/v1"},
               {DIALECT_ANTHROPIC, "ANTHROPIC_BASE_URL", "ANTHROPIC_API_KEY", ""},
               {DIALECT_GEMINI, "GOOGLE_GEMINI_BASE_URL", "GEMINI_API_KEY", ""}};

/* Whom the relay asks for a client of that dialect; NULL: nobody has it. */
static const struct hermes_provider *provider_of(const struct hermes_view *view, enum dialect dialect)
{
    const char *first = hermes_default_provider(view);
    const struct hermes_provider *usual = first == NULL ? NULL : hermes_provider(view, first);
    const struct hermes_provider *found = route_by_dialect(view, dialect, usual);
    return found != NULL && (dialect == DIALECT_OPENAI || route_speaks(found->base_url, found->auth) == dialect) ? found
                                                                                                                 : NULL;
}

static bool client_lines(struct bytes *out, const struct hermes_view *view, const char *home, const char *where,
                         const struct client *client)
{
    const struct hermes_provider *provider = view == NULL ? NULL : provider_of(view, client->dialect);
    char url[256];
    if (view != NULL && provider == NULL)
        return true;
    (void)snprintf(url, sizeof url, "http://%s%s", where, client->path);
    bool good = provider == NULL ||
                bytes_printf(out, "# %s clients, served by %s\n", route_dialect_name(client->dialect), provider->shown);
    return good && bytes_printf(out, "export %s=", client->url_variable) && quoted(out, url) &&
           bytes_printf(out, "\nexport %s=", client->key_variable) && token_of(out, home) && bytes_add(out, "\n", 1);
}

/* Of a URL's path. */
static bool encoded(struct bytes *out, const char *name)
{
    bool good = true;
    for (; good && *name != '\0'; name++)
        good = strchr(UNRESERVED, *name) != NULL ? bytes_add(out, name, 1)
                                                 : bytes_printf(out, "%%%02X", (unsigned)(unsigned char)*name);
    return good;
}

/* Hermes must name the provider: its default one may be the relay from then on. */
static bool hermes_lines(struct bytes *out, const struct hermes_view *view, const char *home, const char *where)
{
    const char *first = view == NULL ? NULL : hermes_default_provider(view);
    bool named = first != NULL && plain_name(first, strlen(first));
    return bytes_printf(out,
                        "\n# Hermes itself: in config.yaml\n"
                        "#   custom_providers:\n"
                        "#     - name: relay\n"
                        "#       base_url: http://%s/",
                        where) &&
           (named ? encoded(out, first) : bytes_printf(out, "<provider>")) &&
           bytes_printf(out, "/v1\n"
                             "#       key_env: HERMES_RELAY_TOKEN\n"
                             "# and then model.provider: custom:relay; the token is in its .env after\n"
                             "#   (umask 077; printf '\\nHERMES_RELAY_TOKEN=%%s\\n' ") &&
           token_of(out, home) && bytes_printf(out, " >>") && quoted(out, home) && bytes_printf(out, "/.env)\n");
}

bool print_env_text(const struct hermes_view *view, const char *home, const char *where, struct bytes *out)
{
    if (strncmp(where, "unix:", 5) == 0)
        return bytes_printf(out, "# Through the socket no token is needed:\n#   curl --unix-socket ") &&
               quoted(out, where + 5) && bytes_printf(out, " http://localhost/v1/models\n");
    bool good = true;
    for (size_t i = 0; good && i < sizeof clients / sizeof *clients; i++)
        if (view != NULL || clients[i].dialect != DIALECT_GEMINI)
            good = client_lines(out, view, home, where, &clients[i]);
    if (good && view == NULL)
        good = bytes_printf(out, "\n# There is no usable snapshot yet: run hermes-compile first, then this again.\n");
    return good && hermes_lines(out, view, home, where);
}

int print_env(const char *home, const char *where)
{
    struct bytes text = {0};
    struct hermes *hermes = NULL;
    const struct hermes_view *view = hermes_open(home, &hermes) == 0 ? hermes_current(hermes) : NULL;
    bool good = print_env_text(view, home, where, &text) &&
                fwrite(bytes_at(&text), 1, bytes_len(&text), stdout) == bytes_len(&text);
    bytes_finish(&text);
    hermes_close(hermes);
    return good ? EXIT_OK : EXIT_IO;
}
