#include <string.h>

#include "drift_looks.h"
#include "fleet_state.h"

static void find(struct drift *drift, const char *message)
{
    drift_add(drift, (struct finding){.where = "fleet",
                                      .matters = true,
                                      .message = message,
                                      .help = "hermes-fleet status shows how the other machines fare"});
}

void drift_fleet(struct drift *drift)
{
    struct fleet_state state;
    const char *name = drift->c->sources.fleet.name;
    const long long own = drift->c->sources.fleet_revision;
    if (name == NULL || drift->shell == NULL || !fleet_state_read(drift->arena, drift->home, &state) ||
        strcmp(state.fleet, name) != 0)
        return;
    if (state.heard && state.offered > own)
        find(drift,
             arena_printf(drift->arena, "revision %lld is active, and revision %lld has been refused since %s: %s", own,
                          state.offered, state.refused_since, state.trouble));
    else if (state.heard && *state.trouble != '\0')
        find(drift, arena_printf(drift->arena, "revision %lld is active; refused since %s: %s", own,
                                 state.refused_since, state.trouble));
    else if (!state.heard)
        find(drift, arena_printf(drift->arena, "revision %lld is active, and etcd has not been reachable since %s: %s",
                                 own, state.since, state.trouble));
}
