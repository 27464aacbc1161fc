#include "systemd_folders.h"

#include <stdlib.h>

const char *const *systemd_folders(struct arena *arena, const char *user_home, bool user)
{
    static const char *const system[] = {"/etc/systemd/system",
                                         "/run/systemd/transient",
                                         "/run/systemd/system",
                                         "/run/systemd/generator",
                                         "/usr/local/lib/systemd/system",
                                         "/usr/lib/systemd/system",
                                         ""};
    const char *runtime = getenv("XDG_RUNTIME_DIR");
    const char **out = arena_alloc(arena, 9 * sizeof *out);
    size_t count = 0;
    if (!user)
        return system;
    if (*user_home != '\0')
        out[count++] = arena_printf(arena, "%s/.config/systemd/user", user_home);
    out[count++] = "/etc/systemd/user";
    if (runtime != NULL && *runtime != '\0') {
        out[count++] = arena_printf(arena, "%s/systemd/transient", runtime);
        out[count++] = arena_printf(arena, "%s/systemd/user", runtime);
    }
    out[count++] = "/run/systemd/user";
    if (*user_home != '\0')
        out[count++] = arena_printf(arena, "%s/.local/share/systemd/user", user_home);
    out[count++] = "/usr/local/lib/systemd/user";
    out[count++] = "/usr/lib/systemd/user";
    out[count] = "";
    return out;
}
