#include "status.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cooldown.h"
#include "file_lock.h"
#include "safe_read.h"
#include "shown_value.h"
#include "snapshot_format.h"

static void print_until(double until, FILE *stream)
{
    char text[32];
    time_t at = (time_t)until;
    struct tm local;
    if (!(until < 253402300800.0) || localtime_r(&at, &local) == NULL) { /* the year 10000 */
        (void)fputs("cooling for ever", stream);
        return;
    }
    (void)strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &local);
    (void)fprintf(stream, "cooling until %s", text);
}

static void print_credential(struct arena *arena, const struct hermes_credential *credential,
                             const struct cooldown *cooldown, double now, FILE *stream)
{
    (void)fprintf(stream, "  %s  %-28s ", credential->fingerprint, shown_name(arena, credential->label));
    if (cooldown == NULL || (!cooldown->dead && cooldown->until <= now))
        (void)fputs("usable", stream);
    else if (cooldown->dead)
        (void)fputs("dead", stream);
    else
        print_until(cooldown->until, stream);
    (void)fputc('\n', stream);
}

static void print_providers(const struct hermes_view *view, const struct cooldowns *cooldowns, double now, FILE *stream)
{
    const char *first = hermes_default_provider(view);
    for (size_t i = 0; i < hermes_provider_count(view); i++) {
        const struct hermes_provider *provider = hermes_provider_at(view, i);
        (void)fprintf(stream, "%s%s  %s  %s\n", shown_name(cooldowns->arena, provider->id),
                      first != NULL && strcmp(first, provider->id) == 0 ? " (default)" : "",
                      shown_value(cooldowns->arena, "url", provider->base_url, strlen(provider->base_url)),
                      provider->strategy);
        for (size_t k = 0; k < provider->credential_count; k++)
            print_credential(cooldowns->arena, &provider->credentials[k],
                             cooldowns_get(cooldowns, provider->id, provider->credentials[k].fingerprint), now, stream);
    }
}

/* hermes-watch holds this lock as long as it runs. */
static void print_watcher(struct arena *arena, const char *home, FILE *stream)
{
    const char *path = arena_printf(arena, "%s/" SNAPSHOT_DIRECTORY "/watch.lock", home);
    pid_t holder = file_lock_holder(path);
    if (holder > 0)
        (void)fprintf(stream, "hermes-watch: running (process %ld)\n", (long)holder);
    else
        (void)fputs("hermes-watch: not running\n", stream);
}

static void print_sources(const struct compilation *c, FILE *stream)
{
    if (c->outcome != COMPILE_VALID)
        (void)fputs("sources: invalid; the generation above stays in force\n", stream);
    else if (c->plan.changed)
        (void)fputs("sources: changed since; run hermes-compile\n", stream);
    else
        (void)fputs("sources: as compiled\n", stream);
    if (c->pool_plan.len > 0)
        (void)fputs("auth.json: differs from the sources; run hermes-compile\n", stream);
}

int print_status(const struct compilation *c, const char *home, FILE *stream)
{
    struct hermes *hermes;
    struct timespec now;
    int error = hermes_open(home, &hermes);
    if (error != 0)
        return error;
    const struct hermes_view *view = hermes_current(hermes);
    const char *path = arena_printf(c->arena, "%s/" COOLDOWNS_FILE, home);
    struct safe_read read = safe_read(c->arena, path, 0);
    struct cooldowns cooldowns = {.arena = c->arena};
    (void)clock_gettime(CLOCK_REALTIME, &now);
    cooldowns_parse(&cooldowns, read.bytes, read.len, (double)now.tv_sec);
    (void)fprintf(stream, "%s\ngeneration %lld, compiled %s\n", home, hermes_generation(view),
                  hermes_compiled_at(view));
    print_sources(c, stream);
    print_watcher(c->arena, home, stream);
    print_providers(view, &cooldowns, (double)now.tv_sec, stream);
    hermes_close(hermes);
    return 0;
}
