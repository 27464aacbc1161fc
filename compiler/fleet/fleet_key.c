#include "fleet_key.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>

#include "arena.h"
#include "replace.h"
#include "safe_read.h"

#define LINE "hermes-fleet-key 1 "

/* The numbers of the derived keys. */
enum { KEY_SEAL = 1, KEY_NAME = 2 };

static const char *file_trouble(struct arena *arena, const struct safe_read *read)
{
    switch (read->status) {
    case SAFE_READ_OK:
        return (read->mode & (S_IRWXG | S_IRWXO)) == 0
                   ? NULL
                   : arena_printf(arena,
                                  "is readable by others (mode %04o): run chmod 600 on it, and consider a new one",
                                  read->mode & 07777);
    case SAFE_READ_ABSENT:
        return "does not exist: hermes-fleet init makes one, or copy it from a machine of the fleet";
    case SAFE_READ_FAILED:
        return arena_printf(arena, "cannot be read: %s", strerror(read->error));
    case SAFE_READ_BUSY:
        return "is being written by another process";
    default:
        return "is not a file of this user's own";
    }
}

static bool parse(const char *text, size_t len, unsigned char *ret)
{
    const size_t start = strlen(LINE);
    size_t made = 0;
    const char *end = NULL;
    while (len > 0 && (text[len - 1] == '\n' || text[len - 1] == '\r' || text[len - 1] == ' '))
        len--;
    return len == start + 2 * FLEET_KEY_BYTES && memcmp(text, LINE, start) == 0 &&
           sodium_hex2bin(ret, FLEET_KEY_BYTES, text + start, len - start, NULL, &made, &end) == 0 &&
           made == FLEET_KEY_BYTES && end == text + len;
}

const struct fleet_key *fleet_key_read(struct arena *arena, const char *path, const char **ret_trouble)
{
    unsigned char *master = arena_alloc(arena, FLEET_KEY_BYTES);
    struct fleet_key *key = arena_alloc(arena, sizeof *key);
    struct safe_read read = safe_read(arena, path, 0);
    *ret_trouble = file_trouble(arena, &read);
    if (*ret_trouble != NULL)
        return NULL;
    if (!parse(read.bytes, read.len, master)) {
        *ret_trouble = "does not contain a fleet key";
        return NULL;
    }
    (void)crypto_kdf_derive_from_key(key->seal, sizeof key->seal, KEY_SEAL, "hrmsflt", master);
    (void)crypto_kdf_derive_from_key(key->name, sizeof key->name, KEY_NAME, "hrmsflt", master);
    return key;
}

static int make_folders(struct arena *arena, const char *path)
{
    for (const char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        const char *folder = arena_strndup(arena, path, (size_t)(slash - path));
        if (mkdir(folder, 0700) < 0 && errno != EEXIST)
            return -errno;
    }
    return 0;
}

int fleet_key_make(struct arena *arena, const char *path)
{
    const size_t digits = 2 * FLEET_KEY_BYTES + 1;
    unsigned char *master = arena_alloc(arena, FLEET_KEY_BYTES);
    char *line = arena_alloc(arena, strlen(LINE) + digits + 1);
    if (access(path, F_OK) == 0)
        return -EEXIST;
    int error = make_folders(arena, path);
    if (error != 0)
        return error;
    crypto_kdf_keygen(master);
    strcpy(line, LINE);
    (void)sodium_bin2hex(line + strlen(LINE), digits, master, FLEET_KEY_BYTES);
    strcat(line, "\n");
    return replace_file(path, line, strlen(line), 0600);
}

void fleet_key_name(const struct fleet_key *key, const char *text, char ret[FLEET_NAME_SIZE])
{
    unsigned char hash[(FLEET_NAME_SIZE - 1) / 2];
    (void)crypto_generichash(hash, sizeof hash, (const unsigned char *)text, strlen(text), key->name, sizeof key->name);
    (void)sodium_bin2hex(ret, FLEET_NAME_SIZE, hash, sizeof hash);
}
