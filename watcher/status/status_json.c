#include "status_json.h"

#include <unistd.h>

#include "iso_time.h"
#include "json_write.h"
#include "watcher.h"

static void put_time(struct text *out, const char *name, struct timespec when)
{
    if (when.tv_sec != 0) {
        json_write_member(out, name, iso_time(out->arena, when));
        return;
    }
    json_write_name(out, name);
    text_puts(out, "null");
}

static void put_polling(struct text *out, const struct home_watch *h)
{
    struct watch_gap gaps[64];
    const size_t room = sizeof gaps / sizeof *gaps;
    size_t count = watch_client_gaps(h->watches, gaps, room);
    json_write_name(out, "polling");
    text_putc(out, '[');
    for (size_t i = 0; i < count && i < room; i++) {
        json_write_item(out);
        text_putc(out, '{');
        json_write_member(out, "path", gaps[i].path);
        json_write_member(out, "why", gaps[i].why);
        text_putc(out, '}');
    }
    text_putc(out, ']');
}

void status_json_put(struct text *out, const struct home_watch *h)
{
    const struct home_state *state = &h->state;
    text_putc(out, '{');
    json_write_number(out, "format", 1);
    json_write_number(out, "pid", (unsigned long long)getpid());
    json_write_member(out, "version", HERMES_VERSION);
    json_write_member(out, "home", h->home);
    put_time(out, "started_at", h->watcher->started);
    json_write_member(out, "state", condition_name(state->condition));
    json_write_member(out, "status", state->status == NULL ? "" : state->status);
    json_write_number(out, "generation", (unsigned long long)state->generation);
    put_time(out, "last_compile_at", state->last_compile);
    put_time(out, "last_success_at", state->last_success);
    json_write_number(out, "providers", state->providers);
    if (state->diagnostics != NULL) {
        text_putc(out, ',');
        text_puts(out, state->diagnostics);
    }
    json_write_name(out, "drift");
    text_puts(out, state->findings == NULL ? "[]" : state->findings);
    put_polling(out, h);
    text_puts(out, "}\n");
}
