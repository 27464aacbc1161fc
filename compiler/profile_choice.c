#include "profile_choice.h"

#include <dirent.h>
#include <string.h>
#include <strings.h>

#include "memory.h"
#include "safe_read.h"
#include "source.h"
#include "yaml_load.h"

static bool names_openrouter(const struct sources *sources, const struct environment *environment)
{
    const struct binding *named = environment_get(environment, "HERMES_INFERENCE_PROVIDER");
    if (environment_get(environment, "OPENROUTER_API_KEY") != NULL)
        return false; /* with Hermes's own entry it is chosen in any case */
    for (size_t i = 0; i < sources->count; i++)
        if (source_is_yaml(sources->items[i]) && strcasestr(sources->items[i]->bytes, "openrouter") != NULL)
            return true;
    return named != NULL && strcasestr(named->value, "openrouter") != NULL;
}

static bool names_provider(struct arena *arena, const char *path)
{
    struct diagnostics unsaid = {.arena = arena}; /* they are the profile's */
    struct source source = {.kind = SOURCE_CONFIG, .path = path, .label = path};
    struct safe_read read = safe_read(arena, path, 0);
    if (read.status != SAFE_READ_OK)
        return false;
    source.present = true;
    source.bytes = read.bytes;
    source.len = read.len;
    const struct node *config = yaml_load(arena, &source, &unsaid);
    const char *name = config == NULL ? NULL : node_string(node_get(node_get(config, "model"), "provider"));
    return name != NULL && *name != '\0' && strcasecmp(name, "auto") != 0;
}

bool profile_choice_is_open(struct arena *arena, const char *home, const struct sources *sources,
                            const struct environment *environment)
{
    const char *folder = arena_printf(arena, "%s/profiles", home);
    DIR *profiles = opendir(folder);
    struct memory_hold hold;
    bool open = false;
    memory_hold_folder(&hold, profiles);
    if (profiles != NULL && names_openrouter(sources, environment))
        for (struct dirent *entry; !open && (entry = readdir(profiles)) != NULL;)
            open = *entry->d_name != '.' &&
                   !names_provider(arena, arena_printf(arena, "%s/%s/config.yaml", folder, entry->d_name));
    memory_give_back(&hold);
    return open;
}
