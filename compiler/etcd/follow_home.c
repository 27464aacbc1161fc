#include "follow_home.h"

#include <stdio.h>
#include <string.h>

#include "arena.h"
#include "clock.h"
#include "hermes_runtime.h"
#include "reset.h"
#include "snapshot_format.h"

enum { LOCK_WAIT_MS = 15000 };

void follow_home_close(struct follow_home *home)
{
    hermes_close(home->reader);
    home->reader = NULL;
}

bool follow_home_look(struct follow_home *home)
{
    if (home->reader != NULL)
        return hermes_refresh(home->reader) >= 0;
    return hermes_open(home->path, &home->reader) == 0;
}

bool follow_home_has(struct follow_home *home, const char *provider, const char *fingerprint)
{
    const struct hermes_provider *found =
        follow_home_look(home) ? hermes_provider(hermes_current(home->reader), provider) : NULL;
    for (size_t i = 0; found != NULL && i < found->credential_count; i++)
        if (strcmp(found->credentials[i].fingerprint, fingerprint) == 0)
            return true;
    return false;
}

void follow_home_book(const struct follow_home *home, struct arena *arena, const struct bookings_id *id,
                      const struct booking *booking)
{
    struct bookings bookings = {.path = arena_printf(arena, "%s/" BOOKINGS_FILE, home->path)};
    bookings_look(&bookings, true, clock_wall());
    if (bookings_get(&bookings, id).until < booking->until)
        (void)bookings_put(&bookings, id, booking);
    bookings_finish(&bookings);
}

void follow_home_reset(struct follow_home *home, struct arena *arena, const char *provider, const char *fingerprint)
{
    struct text lines = {.arena = arena};
    struct diagnostics diagnostics = {.arena = arena};
    const struct reset what = {.provider = provider, .fingerprint = fingerprint};
    if (!follow_home_has(home, provider, fingerprint))
        return;
    if (!reset_home(arena, home->path, &what, LOCK_WAIT_MS, &lines, &diagnostics))
        (void)printf("<4>a reset of %s from the fleet failed here\n", fingerprint);
    else if (lines.len > 0)
        (void)printf("<6>fleet: %s was reset\n", fingerprint);
    (void)fflush(stdout);
}
