#include "token.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>

#include "arena.h"
#include "replace.h"
#include "safe_read.h"
#include "snapshot_format.h"

static int make_token(const char *path, struct relay_token *token)
{
    unsigned char random[32];
    char hex[65];
    randombytes_buf(random, sizeof random);
    (void)sodium_bin2hex(hex, sizeof hex, random, sizeof random);
    (void)snprintf(token->text, sizeof token->text, "hr-%s", hex);
    char line[TOKEN_SIZE + 1];
    int len = snprintf(line, sizeof line, "%s\n", token->text);
    return replace_file(path, line, (size_t)len, 0600);
}

static int read_token(const char *path, struct relay_token *token)
{
    struct arena *arena = arena_create();
    struct safe_read file = safe_read(arena, path, 0);
    int error = 0;
    if (file.status == SAFE_READ_ABSENT)
        error = -ENOENT;
    else if (file.status != SAFE_READ_OK)
        error = file.error != 0 ? -file.error : -EPERM;
    else if ((file.mode & 077) != 0)
        error = -EPERM;
    else if (file.len != TOKEN_SIZE || strncmp(file.bytes, "hr-", 3) != 0 ||
             strspn(file.bytes + 3, "0123456789abcdef") != TOKEN_SIZE - 4 || file.bytes[TOKEN_SIZE - 1] != '\n')
        error = -EINVAL;
    else
        memcpy(token->text, file.bytes, TOKEN_SIZE - 1);
    arena_destroy(arena);
    return error;
}

/* The folder of PATH is the lock. A descriptor, or a negative errno. */
static int lock_folder(const char *path)
{
    char folder[PATH_MAX];
    (void)snprintf(folder, sizeof folder, "%.*s", (int)(strrchr(path, '/') - path), path);
    int lock = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int error = lock < 0 || flock(lock, LOCK_EX) < 0 ? -errno : 0;
    if (error != 0 && lock >= 0)
        (void)close(lock);
    return error != 0 ? error : lock;
}

/* Two relays that start at once end up with the same one. */
static int agree_on_token(const char *path, struct relay_token *token, bool *ret_damaged)
{
    int lock = lock_folder(path);
    *ret_damaged = false;
    if (lock < 0)
        return lock;
    int error = read_token(path, token);
    *ret_damaged = error == -EINVAL;
    if (error == -ENOENT || error == -EINVAL)
        error = make_token(path, token);
    (void)close(lock);
    return error;
}

static void derive_cookie(struct relay_token *token)
{
    static const unsigned char purpose[] = "the cookie of the status page";
    unsigned char digest[32];
    (void)crypto_generichash(digest, sizeof digest, purpose, sizeof purpose, (const unsigned char *)token->text,
                             crypto_generichash_KEYBYTES_MAX);
    (void)sodium_bin2hex(token->cookie, sizeof token->cookie, digest, sizeof digest);
}

int token_open(const char *home, struct relay_token *ret, bool *ret_damaged)
{
    char path[PATH_MAX];
    struct relay_token token = {0};
    if (sodium_init() < 0)
        return -EIO;
    if (snprintf(path, sizeof path, "%s/" SNAPSHOT_DIRECTORY, home) >= (int)sizeof path)
        return -ENAMETOOLONG;
    if (mkdir(path, 0700) < 0 && errno != EEXIST)
        return -errno;
    if (snprintf(path, sizeof path, "%s/" RELAY_TOKEN_FILE, home) >= (int)sizeof path)
        return -ENAMETOOLONG;
    int error = agree_on_token(path, &token, ret_damaged);
    if (error != 0)
        return error;
    derive_cookie(&token);
    *ret = token;
    return 0;
}

int token_distrust(const char *home)
{
    char path[PATH_MAX];
    if (snprintf(path, sizeof path, "%s/" RELAY_DISTRUST_FILE, home) >= (int)sizeof path)
        return -ENAMETOOLONG;
    return replace_file(path, "", 0, 0600);
}

/* Another relay of the home may have been first. */
static int renew_token(const char *path, const char *mark, struct relay_token *token)
{
    int lock = lock_folder(path);
    if (lock < 0)
        return lock;
    int error = access(mark, F_OK) == 0 ? make_token(path, token) : read_token(path, token);
    if (error == 0 && unlink(mark) < 0 && errno != ENOENT)
        error = -errno;
    (void)close(lock);
    return error;
}

int token_settle(const char *home, struct relay_token *token, bool *ret_new)
{
    char mark[PATH_MAX];
    char path[PATH_MAX];
    *ret_new = false;
    if (snprintf(mark, sizeof mark, "%s/" RELAY_DISTRUST_FILE, home) >= (int)sizeof mark ||
        snprintf(path, sizeof path, "%s/" RELAY_TOKEN_FILE, home) >= (int)sizeof path)
        return -ENAMETOOLONG;
    if (access(mark, F_OK) < 0)
        return errno == ENOENT ? 0 : -errno;
    int error = renew_token(path, mark, token);
    if (error != 0)
        return error;
    derive_cookie(token);
    *ret_new = true;
    return 0;
}

bool token_is(const char *wanted, const char *text, size_t len)
{
    return text != NULL && len == strlen(wanted) && sodium_memcmp(wanted, text, len) == 0;
}
