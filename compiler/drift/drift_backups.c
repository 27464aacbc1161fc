#include <dirent.h>
#include <string.h>

#include "diagnostic.h"
#include "drift_looks.h"
#include "key_check.h"
#include "safe_read.h"
#include "setting_name.h"
#include "shell_word.h"
#include "shown.h"
#include "source.h"
#include "yaml_load.h"

/* Hermes keeps a bounded number of them; a folder of a million must not be read. */
enum { MOST_COPIES = 64 };

static bool in_force(const struct drift *drift, const char *fingerprint)
{
    const struct providers *providers = &drift->c->providers;
    for (size_t i = 0; i < providers->count; i++)
        for (size_t k = 0; k < providers->items[i]->credential_count; k++)
            if (strcmp(providers->items[i]->credentials[k].fingerprint.text, fingerprint) == 0)
                return true;
    return false;
}

static bool said(const struct drift *drift, const char *fingerprint)
{
    for (size_t i = 0; i < drift->count; i++)
        if (drift->items[i].found != NULL && strcmp(drift->items[i].found, fingerprint) == 0)
            return true;
    return false;
}

/* TEXT stands in a copy under the name of a key. */
static void look_at_key(struct drift *drift, const struct node *node)
{
    if (key_check_unusable(node->text, node->len) != NULL || memmem(node->text, node->len, "${", 2) != NULL)
        return;
    const char *fingerprint = arena_strdup(drift->arena, fingerprint_of(node->text, node->len).text);
    if (in_force(drift, fingerprint) || said(drift, fingerprint))
        return;
    drift_add(drift,
              (struct finding){
                  .where = diagnostic_place_text(drift->arena, node->place),
                  .found = fingerprint,
                  .message = "a copy of config.yaml has a key that no source has any more; since 0.22, Hermes "
                             "starts from the newest copy when config.yaml is broken",
                  .help = arena_printf(drift->arena, "rm %s", shell_word(drift->arena, node->place.source->path))});
}

static void look_below(struct drift *drift, const struct node *node, const char *name)
{
    if (node->kind == NODE_STRING && name != NULL && setting_name_is_secret(name))
        look_at_key(drift, node);
    for (size_t i = 0; node->kind == NODE_SEQUENCE && i < node->count; i++)
        look_below(drift, node->items[i], name);
    for (size_t i = 0; node->kind == NODE_MAP && i < node->pair_count; i++)
        look_below(drift, node->pairs[i].value, node_string(node->pairs[i].key));
}

static void look_at_copy(struct drift *drift, const char *path, const char *name)
{
    struct arena *arena = drift->arena;
    struct diagnostics unsaid = {.arena = arena}; /* a copy of a broken file is broken */
    struct safe_read read = safe_read(arena, path, 0);
    if (read.status != SAFE_READ_OK)
        return;
    struct source *source = arena_alloc(arena, sizeof *source);
    *source = (struct source){.kind = SOURCE_CONFIG,
                              .label = arena_printf(arena, "backups/config/%s", name),
                              .path = path,
                              .present = true,
                              .bytes = read.bytes,
                              .len = read.len};
    const struct node *root = yaml_load(arena, source, &unsaid);
    if (root != NULL)
        look_below(drift, root, NULL);
}

void drift_backups(struct drift *drift)
{
    const char *folder = arena_printf(drift->arena, "%s/backups/config", drift->home);
    DIR *copies = opendir(folder);
    int left = MOST_COPIES;
    if (copies == NULL)
        return;
    for (struct dirent *entry; left > 0 && (entry = readdir(copies)) != NULL; left--)
        if (*entry->d_name != '.')
            look_at_copy(drift, arena_printf(drift->arena, "%s/%s", folder, entry->d_name),
                         shown_name(drift->arena, arena_strdup(drift->arena, entry->d_name)));
    (void)closedir(copies);
}
