#include "status_json.h"

#include "iso_time.h"
#include "json_write.h"

static void put_time(struct text *out, const char *name, struct timespec when)
{
    if (when.tv_sec != 0) {
        json_write_member(out, name, iso_time(out->arena, when));
        return;
    }
    json_write_name(out, name);
    text_puts(out, "null");
}

static void put_list(struct text *out, const char *name, const char *list)
{
    json_write_name(out, name);
    text_puts(out, list == NULL ? "[]" : list);
}

void status_json_put(struct text *out, const struct home_state *state, const struct status_times *times)
{
    text_putc(out, '{');
    json_write_number(out, "format", 1);
    json_write_number(out, "pid", (unsigned long long)state->process);
    json_write_member(out, "version", HERMES_VERSION);
    json_write_member(out, "home", state->home);
    put_time(out, "started_at", times->started);
    json_write_member(out, "state", home_state_name(state->condition));
    json_write_member(out, "status", state->status == NULL ? "" : state->status);
    json_write_number(out, "generation", (unsigned long long)state->generation);
    put_time(out, "last_compile_at", times->compiled);
    put_time(out, "last_success_at", times->succeeded);
    json_write_number(out, "providers", state->providers);
    if (state->diagnostics != NULL) {
        text_putc(out, ',');
        text_puts(out, state->diagnostics);
    }
    put_time(out, "drift_looked_at", times->looked);
    put_list(out, "drift", state->findings);
    put_list(out, "polling", state->polling);
    text_puts(out, "}\n");
}
