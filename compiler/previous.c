#include "previous.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "json_token.h"
#include "snapshot_format.h"

bool previous_open(const char *home, struct hermes **reader, bool replaced, const struct hermes_view **ret,
                   struct diagnostics *diagnostics)
{
    *ret = NULL;
    if (*reader != NULL && hermes_refresh(*reader) < 0) {
        hermes_close(*reader);
        *reader = NULL;
    }
    int error = *reader == NULL ? hermes_open(home, reader) : 0;
    if (error == 0) {
        *ret = hermes_current(*reader);
        return true;
    }
    if (error > HERMES_ABSENT && error != -EACCES) {
        (void)diagnostic_add(diagnostics, CODE_UNREADABLE, (struct place){0}, "%s/" SNAPSHOT_FILE " cannot be read: %s",
                             home, hermes_strerror(error));
        return false;
    }
    if (error != HERMES_ABSENT && replaced)
        (void)diagnostic_add(diagnostics, CODE_SNAPSHOT_UNUSABLE, (struct place){0},
                             "the previous snapshot is rebuilt: %s", hermes_strerror(error));
    return true;
}

long long previous_in_force(const char *home)
{
    struct hermes *reader;
    if (hermes_open(home, &reader) != 0)
        return 0;
    long long generation = hermes_generation(hermes_current(reader));
    hermes_close(reader);
    return generation;
}

/* The first token of the value of NAME in the object that TOKENS are in. */
static struct json_token member(struct json_tokens tokens, const char *name, struct json_tokens *ret_inside)
{
    struct json_token found;
    struct json_token value;
    while (json_token_child(&tokens, &found, &value)) {
        *ret_inside = tokens;
        if (json_token_is(found, name, strlen(name)))
            return value;
        if (!json_token_skip(&tokens, value))
            break;
    }
    return (struct json_token){0};
}

static unsigned long long number(struct json_tokens object, const char *name)
{
    struct json_tokens inside;
    struct json_token value = member(object, name, &inside);
    return value.kind == JSON_SCALAR ? strtoull(value.bytes, NULL, 10) : 0;
}

static bool says(struct json_tokens object, const char *name, const char *text)
{
    struct json_tokens inside;
    struct json_token value = member(object, name, &inside);
    return value.kind == JSON_TEXT && json_token_is(value, text, strlen(text));
}

long long previous_generation(const char *home)
{
    char text[PATH_MAX] = "";
    struct stat st;
    struct json_tokens meta;
    (void)snprintf(text, sizeof text, "%s/" SNAPSHOT_FILE, home);
    int fd = open(text, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    ssize_t len = fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) ? read(fd, text, 255) : 0;
    if (fd >= 0)
        (void)close(fd);
    text[len > 0 ? len : 0] = '\0';
    struct json_tokens all = json_tokens(text, len > 0 ? (size_t)len : 0);
    bool opens = json_token_next(&all).kind == JSON_OPEN && member(all, "meta", &meta).kind == JSON_OPEN;
    unsigned long long generation = opens ? number(meta, "generation") : 0;
    return generation < (1ULL << 53) - 1 ? (long long)generation : 0;
}

/* It had something in it when the snapshot with these SOURCES was made, and something else than it has now. */
static bool had_more(struct json_tokens sources, const struct source *source)
{
    struct json_token none;
    struct json_token item;
    while (json_token_child(&sources, &none, &item)) {
        bool same = source->kind == SOURCE_FLEET_ENV || says(sources, "path", source->label); /* it names a revision */
        if (same && says(sources, "kind", source_kind_name(source->kind)))
            return number(sources, "bytes") > 0 &&
                   !says(sources, "digest", fingerprint_digest(source->bytes, source->len).text);
        if (!json_token_skip(&sources, item))
            break;
    }
    return false;
}

bool previous_had_content(const char *home, struct hermes **reader, const struct source *source)
{
    size_t len;
    struct json_tokens before;
    if (*reader == NULL ? hermes_open(home, reader) != 0 : hermes_refresh(*reader) < 0)
        return false;
    const char *content = hermes_content(hermes_current(*reader), &len);
    struct json_tokens all = json_tokens(content, len);
    return json_token_next(&all).kind == JSON_OPEN && member(all, "sources", &before).kind == JSON_OPEN &&
           had_more(before, source);
}
