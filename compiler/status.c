#include "status.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cjson/cJSON.h>

#include "cooldown.h"
#include "file_lock.h"
#include "pool_next.h"
#include "safe_read.h"
#include "shown_value.h"
#include "snapshot_format.h"
#include "source.h"

/* "2026-11-24 14:00:00" in local time, or NULL: too far away to matter. */
static const char *until_text(struct arena *arena, double until)
{
    char text[32];
    struct tm local;
    if (!(until < 253402300800.0)) /* the year 10000 */
        return NULL;
    time_t at = (time_t)until;
    if (localtime_r(&at, &local) == NULL)
        return NULL;
    (void)strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &local);
    return arena_strdup(arena, text);
}

enum { LONGEST_REASON = 160 };

/* What the provider said, as far as it may be shown: it may have repeated a part of the key. NULL: nothing. */
static const char *reason_text(struct arena *arena, const struct cooldown *cooldown)
{
    struct text out = {.arena = arena};
    static const size_t members[] = {2, 3, 4}; /* last_error_code, _reason, _message */
    for (size_t i = 0; i < 3; i++) {
        const char *raw = cooldown->raw[members[i]];
        size_t len = strlen(raw);
        bool quoted = len >= 2 && raw[0] == '"';
        const char *text = quoted ? raw + 1 : raw;
        len -= quoted ? 2 : 0;
        if (strcmp(raw, "null") == 0 || len == 0 || !name_showable(text, len))
            continue;
        text_puts(&out, out.len == 0 ? "" : ", ");
        text_append(&out, text, len < LONGEST_REASON ? len : LONGEST_REASON);
        text_puts(&out, len > LONGEST_REASON ? "..." : "");
    }
    return out.bytes;
}

static bool cools(const struct cooldown *cooldown, double now)
{
    return cooldown != NULL && (cooldown->dead || cooldown->until > now);
}

/* The key behind another one, as the sources are now; NULL: it is not. */
static const struct shadowed *shadow_of(const struct provider *now, const char *fingerprint)
{
    for (size_t i = 0; now != NULL && i < now->shadowed_count; i++)
        if (strcmp(now->shadowed[i].fingerprint.text, fingerprint) == 0)
            return &now->shadowed[i];
    return NULL;
}

static void print_state(struct arena *arena, const struct cooldown *cooldown, double now, FILE *stream)
{
    if (!cools(cooldown, now)) {
        (void)fputs("usable", stream);
        return;
    }
    const char *until = until_text(arena, cooldown->until);
    const char *reason = reason_text(arena, cooldown);
    if (cooldown->dead)
        (void)fputs("dead", stream);
    else if (until != NULL)
        (void)fprintf(stream, "cooling until %s", until);
    else
        (void)fputs("cooling for ever", stream);
    if (reason != NULL)
        (void)fprintf(stream, " (%s)", reason);
}

/* Adds what gateways reported through the runtime library, where the pool does not say that the key cools anyway. */
static void add_booked(struct cooldowns *cooldowns, struct hermes *hermes, const char *provider,
                       const char *fingerprint, double at)
{
    struct hermes_key_state state;
    struct cooldown cooldown = {.provider = provider};
    if (cools(cooldowns_get(cooldowns, provider, fingerprint), at) || !fingerprint_valid(fingerprint) ||
        hermes_key_state(hermes, provider, fingerprint, &state) != 0 || state.verdict == HERMES_KEY_GOOD)
        return;
    strcpy(cooldown.fingerprint.text, fingerprint);
    cooldown.dead = state.verdict == HERMES_KEY_DEAD;
    cooldown.until = state.until;
    for (int i = 0; i < COOLDOWN_MEMBERS; i++)
        cooldown.raw[i] = "null";
    cooldown.raw[3] = arena_printf(cooldowns->arena, "\"%s\"", state.rule); /* last_error_reason */
    cooldowns_put(cooldowns, &cooldown);
}

static void add_bookings(struct cooldowns *cooldowns, struct hermes *hermes, double at)
{
    const struct hermes_view *view = hermes_current(hermes);
    for (size_t i = 0; i < hermes_provider_count(view); i++) {
        const struct hermes_provider *provider = hermes_provider_at(view, i);
        for (size_t k = 0; k < provider->credential_count; k++)
            add_booked(cooldowns, hermes, provider->id, provider->credentials[k].fingerprint, at);
    }
}

static void print_outage(struct hermes *hermes, const char *provider, FILE *stream)
{
    struct hermes_key_state state;
    if (hermes_key_state(hermes, provider, NULL, &state) == 0 && state.verdict == HERMES_PROVIDER_OUT)
        (void)fprintf(stream, "  answers with errors of its own (%s)\n", state.rule);
}

/* The key that goes out next, by the strategy: out of the pool where it tells, else the first that is usable. */
static const char *next_key(const struct compilation *c, const struct hermes_provider *provider,
                            const struct provider *now, const struct cooldowns *cooldowns, double at)
{
    struct source *pool = c->source_count > 0 ? c->sources[c->source_count - 1] : NULL;
    const char *next = NULL;
    if (now != NULL && pool != NULL && pool->document != NULL)
        next = pool_next(c->arena, pool->document, now, at);
    if (next != NULL && cools(cooldowns_get(cooldowns, provider->id, next), at))
        next = NULL; /* a gateway was told so, and the pool does not know */
    if (next != NULL || strcmp(provider->strategy, "random") == 0)
        return next;
    for (size_t i = 0; i < provider->credential_count; i++)
        if (!cools(cooldowns_get(cooldowns, provider->id, provider->credentials[i].fingerprint), at))
            return provider->credentials[i].fingerprint;
    return NULL;
}

static const struct provider *find_provider(const struct compilation *c, const char *id)
{
    for (size_t i = 0; i < c->providers.count; i++)
        if (strcmp(c->providers.items[i].id, id) == 0)
            return &c->providers.items[i];
    return NULL;
}

/* Keys that no credential carries: a second key in one place, say. */
static void print_shadowed(struct arena *arena, const struct hermes_provider *provider, const struct provider *now,
                           FILE *stream)
{
    for (size_t i = 0; now != NULL && i < now->shadowed_count; i++) {
        const struct shadowed *shadowed = &now->shadowed[i];
        bool listed = false;
        for (size_t k = 0; k < provider->credential_count; k++)
            listed = listed || strcmp(provider->credentials[k].fingerprint, shadowed->fingerprint.text) == 0;
        if (!listed)
            (void)fprintf(stream, "  %s  %-28s shadowed by %s\n", shadowed->fingerprint.text,
                          shown_name(arena, shadowed->origin.key),
                          shadowed->by == NULL ? "another key" : shadowed->by->fingerprint.text);
    }
}

static void print_provider(const struct compilation *c, const struct hermes_provider *provider, bool first,
                           const struct cooldowns *cooldowns, double at, FILE *stream)
{
    struct arena *arena = c->arena;
    const struct provider *now = find_provider(c, provider->id);
    const char *next = next_key(c, provider, now, cooldowns, at);
    bool any = strcmp(provider->strategy, "random") == 0;
    size_t usable = 0;
    (void)fprintf(stream, "%s%s  %s  %s\n", shown_name(arena, provider->id), first ? " (default)" : "",
                  shown_value(arena, "url", provider->base_url, strlen(provider->base_url)), provider->strategy);
    for (size_t i = 0; i < provider->credential_count; i++) {
        const struct hermes_credential *credential = &provider->credentials[i];
        const struct cooldown *cooldown = cooldowns_get(cooldowns, provider->id, credential->fingerprint);
        const struct shadowed *shadow = shadow_of(now, credential->fingerprint);
        (void)fprintf(stream, "  %s  %-28s ", credential->fingerprint, shown_name(arena, credential->label));
        print_state(arena, cooldown, at, stream);
        if (shadow != NULL && shadow->by != NULL)
            (void)fprintf(stream, ", shadowed by %s", shadow->by->fingerprint.text);
        if (!cools(cooldown, at) && any)
            (void)fputs(", may go out next", stream);
        else if (!cools(cooldown, at) && next != NULL && strcmp(next, credential->fingerprint) == 0)
            (void)fputs(", goes out next", stream);
        (void)fputc('\n', stream);
        usable += !cools(cooldown, at);
    }
    print_shadowed(arena, provider, now, stream);
    if (provider->credential_count > 0 && usable == 0)
        (void)fputs("  every key is cooling: requests fail until the first is back\n", stream);
}

static void print_providers(const struct compilation *c, struct hermes *hermes, const struct cooldowns *cooldowns,
                            double now, FILE *stream)
{
    const struct hermes_view *view = hermes_current(hermes);
    const char *first = hermes_default_provider(view);
    for (size_t i = 0; i < hermes_provider_count(view); i++) {
        const struct hermes_provider *provider = hermes_provider_at(view, i);
        print_provider(c, provider, first != NULL && strcmp(first, provider->id) == 0, cooldowns, now, stream);
        print_outage(hermes, provider->id, stream);
    }
}

/* What hermes-watch says of itself, while it is the process HOLDER. */
static void print_own_words(struct arena *arena, const char *home, pid_t holder, FILE *stream)
{
    struct safe_read read = safe_read(arena, arena_printf(arena, "%s/" STATUS_FILE, home), 0);
    cJSON *status = read.status == SAFE_READ_OK ? cJSON_ParseWithLength(read.bytes, read.len) : NULL;
    const cJSON *pid = cJSON_GetObjectItemCaseSensitive(status, "pid");
    const char *state = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(status, "state"));
    const char *line = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(status, "status"));
    int findings = cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(status, "drift"));
    const cJSON *polled;
    if (cJSON_IsNumber(pid) && (pid_t)pid->valuedouble == holder && state != NULL && line != NULL) {
        (void)fprintf(stream, "  %s: %s\n", state, line);
        cJSON_ArrayForEach(polled, cJSON_GetObjectItemCaseSensitive(status, "polling"))
        {
            const char *path = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(polled, "path"));
            const char *why = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(polled, "why"));
            if (path != NULL && why != NULL)
                (void)fprintf(stream, "  polled: %s (%s)\n", shown_name(arena, path), why);
        }
        if (findings > 0)
            (void)fprintf(stream, "  drift: %d finding%s; hermes-compile --check --live shows %s\n", findings,
                          findings == 1 ? "" : "s", findings == 1 ? "it" : "them");
    }
    cJSON_Delete(status);
}

/* hermes-watch holds its lock as long as it runs. */
static void print_watcher(struct arena *arena, const char *home, FILE *stream)
{
    pid_t holder = file_lock_holder(arena_printf(arena, "%s/" WATCH_LOCK_FILE, home));
    if (holder == 0) {
        (void)fputs("hermes-watch: not running\n", stream);
        return;
    }
    (void)fprintf(stream, "hermes-watch: running (process %ld)\n", (long)holder);
    print_own_words(arena, home, holder, stream);
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
    struct cooldowns cooldowns = c->cooldowns;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    if (cooldowns.arena == NULL) { /* the sources are invalid: nobody has looked at the pool */
        const char *path = arena_printf(c->arena, "%s/" COOLDOWNS_FILE, home);
        struct safe_read read = safe_read(c->arena, path, 0);
        cooldowns.arena = c->arena;
        cooldowns_parse(&cooldowns, read.bytes, read.len, (double)now.tv_sec);
    }
    (void)fprintf(stream, "%s\ngeneration %lld, compiled %s\n", home, hermes_generation(view),
                  hermes_compiled_at(view));
    print_sources(c, stream);
    print_watcher(c->arena, home, stream);
    add_bookings(&cooldowns, hermes, (double)now.tv_sec);
    print_providers(c, hermes, &cooldowns, (double)now.tv_sec, stream);
    hermes_close(hermes);
    return 0;
}
