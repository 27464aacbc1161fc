#include "status.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cjson/cJSON.h>

#include "clock.h"
#include "cooldown.h"
#include "file_lock.h"
#include "iso_time.h"
#include "json_write.h"
#include "open_session.h"
#include "pool_next.h"
#include "safe_read.h"
#include "plain_name.h"
#include "shown.h"
#include "snapshot_format.h"
#include "source.h"
#include "status_fleet.h"

/* "2026-11-24 14:00:00" in local time, or NULL: too far away to matter. */
static const char *until_text(struct arena *arena, double until)
{
    char text[32];
    struct tm utc;
    if (!(until < 253402300800.0)) /* the year 10000 */
        return NULL;
    time_t at = (time_t)until;
    if (gmtime_r(&at, &utc) == NULL)
        return NULL;
    (void)strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc);
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
        if (strcmp(raw, "null") == 0 || len == 0 || !plain_name(text, len))
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
        (void)fputs("cooling, without an end", stream);
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
    cooldown.raw[COOLDOWN_ERROR_REASON] = arena_printf(cooldowns->arena, "\"%s\"", state.rule);
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
        (void)fprintf(stream, "  answers with errors (%s)\n", state.rule);
}

/* The key that goes out next, by the strategy: out of the pool where it tells, else the first that is usable. */
static const char *next_key(const struct compilation *c, const struct hermes_provider *provider,
                            const struct provider *now, const struct cooldowns *cooldowns, double at)
{
    const struct source *pool = c->sources.pool;
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

static const char *shadowed_label(struct arena *arena, const struct shadowed *shadowed)
{
    const struct source *source = shadowed->origin.place.source;
    const char *key = shown_name(arena, shadowed->origin.key);
    return source == NULL ? key : arena_printf(arena, "%s %s", source->label, key);
}

/* Of the longest label, so that what follows stands in one column. */
static int label_width(struct arena *arena, const struct hermes_provider *provider, const struct provider *now)
{
    size_t width = 27;
    for (size_t i = 0; i < provider->credential_count; i++) {
        size_t len = strlen(shown_name(arena, provider->credentials[i].label));
        width = len > width ? len : width;
    }
    for (size_t i = 0; now != NULL && i < now->shadowed_count; i++) {
        size_t len = strlen(shadowed_label(arena, &now->shadowed[i]));
        width = len > width ? len : width;
    }
    return width < 64 ? (int)width : 64;
}

/* Keys that no credential carries: a second key in one place, say. */
static void print_shadowed(struct arena *arena, const struct hermes_provider *provider, const struct provider *now,
                           int width, FILE *stream)
{
    for (size_t i = 0; now != NULL && i < now->shadowed_count; i++) {
        const struct shadowed *shadowed = &now->shadowed[i];
        bool listed = false;
        for (size_t k = 0; k < provider->credential_count; k++)
            listed = listed || strcmp(provider->credentials[k].fingerprint, shadowed->fingerprint.text) == 0;
        if (!listed)
            (void)fprintf(stream, "  %s  %-*s  shadowed by %s\n", shadowed->fingerprint.text, width,
                          shadowed_label(arena, shadowed),
                          shadowed->by == NULL ? "another key" : shadowed->by->fingerprint.text);
    }
}

static void print_models(const struct compilation *c, const struct provider *provider, const char *fingerprint,
                         double at, FILE *stream)
{
    const struct source *pool = c->sources.pool;
    struct pool_next_model *models;
    size_t count = provider == NULL || pool == NULL || pool->document == NULL
                       ? 0
                       : pool_next_models(c->arena, pool->document, provider, fingerprint, at, &models);
    for (size_t i = 0; i < count; i++) {
        const char *until = until_text(c->arena, models[i].until);
        (void)fprintf(stream, ", cooling for %s until %s", shown_name(c->arena, models[i].name),
                      until == NULL ? "ever" : until);
    }
}

/* What a session that is open turns to; NULL: it stays where it is. */
static const char *turned_to(const struct compilation *c, const struct provider *provider, const char *next)
{
    for (size_t i = 0; provider != NULL && next != NULL && i < provider->credential_count; i++)
        if (strcmp(provider->credentials[i].fingerprint.text, next) == 0)
            return open_session_turns_to(provider, &provider->credentials[i], &c->environment);
    return NULL;
}

static void print_provider(const struct compilation *c, const struct hermes_provider *provider, bool first,
                           const struct cooldowns *cooldowns, double at, FILE *stream)
{
    struct arena *arena = c->arena;
    const struct provider *now = providers_get(&c->providers, provider->id);
    const char *next = next_key(c, provider, now, cooldowns, at);
    bool any = strcmp(provider->strategy, "random") == 0;
    size_t usable = 0;
    int width = label_width(arena, provider, now);
    (void)fprintf(stream, "%s%s  %s  %s\n", shown_name(arena, provider->id), first ? " (default)" : "",
                  shown_value(arena, "url", provider->base_url, strlen(provider->base_url)), provider->strategy);
    for (size_t i = 0; i < provider->credential_count; i++) {
        const struct hermes_credential *credential = &provider->credentials[i];
        const struct cooldown *cooldown = cooldowns_get(cooldowns, provider->id, credential->fingerprint);
        const struct shadowed *shadow = shadow_of(now, credential->fingerprint);
        (void)fprintf(stream, "  %-*s  %-*s  ", FINGERPRINT_SIZE - 1,
                      *credential->secret == '\0' ? "none is needed" : credential->fingerprint, width,
                      shown_name(arena, credential->label));
        print_state(arena, cooldown, at, stream);
        if (shadow != NULL && shadow->by != NULL)
            (void)fprintf(stream, ", shadowed by %s", shadow->by->fingerprint.text);
        if (!cools(cooldown, at) && any)
            (void)fputs(", may be used next", stream);
        else if (!cools(cooldown, at) && next != NULL && strcmp(next, credential->fingerprint) == 0)
            (void)fputs(", is used next", stream);
        print_models(c, now, credential->fingerprint, at, stream);
        (void)fputc('\n', stream);
        usable += !cools(cooldown, at);
    }
    print_shadowed(arena, provider, now, width, stream);
    if (provider->credential_count == 0)
        (void)fputs("  no key\n", stream);
    const char *variable = turned_to(c, now, next);
    if (variable != NULL)
        (void)fprintf(stream, "  an open session of Hermes 0.20.1 or later turns to %s when its line in .env changes\n",
                      variable);
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

enum { UNSEEN = -1 }; /* a process of another container */

/* What hermes-watch says of itself, while it is the process HOLDER; else NULL. */
static cJSON *own_words(struct arena *arena, const char *home, pid_t holder)
{
    struct safe_read read = safe_read(arena, arena_printf(arena, "%s/" STATUS_FILE, home), 0);
    cJSON *status = read.status == SAFE_READ_OK ? cJSON_ParseWithLength(read.bytes, read.len) : NULL;
    const cJSON *pid = cJSON_GetObjectItemCaseSensitive(status, "pid");
    if (cJSON_IsNumber(pid) && (holder == UNSEEN || (pid_t)pid->valuedouble == holder))
        return status;
    cJSON_Delete(status);
    return NULL;
}

/* LOOKED: NULL, it has not yet. */
static void print_drift(int findings, const char *looked, FILE *stream)
{
    if (looked == NULL)
        return;
    (void)fprintf(stream, "  drift: %d finding%s, last looked at %s", findings, findings == 1 ? "" : "s", looked);
    if (findings > 0)
        (void)fprintf(stream, "; hermes-compile --check --live shows %s", findings == 1 ? "it" : "them");
    (void)fputc('\n', stream);
}

static void print_own_words(struct arena *arena, const char *home, pid_t holder, FILE *stream)
{
    cJSON *status = own_words(arena, home, holder);
    const char *state = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(status, "state"));
    const char *line = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(status, "status"));
    int findings = cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(status, "drift"));
    const cJSON *polled;
    if (state != NULL && line != NULL) {
        (void)fprintf(stream, "  %s: %s\n", state, diagnostic_plain_text(arena_strdup(arena, line)));
        cJSON_ArrayForEach(polled, cJSON_GetObjectItemCaseSensitive(status, "polling"))
        {
            const char *path = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(polled, "path"));
            const char *why = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(polled, "why"));
            if (path != NULL && why != NULL)
                (void)fprintf(stream, "  polled: %s (%s)\n", shown_name(arena, path), why);
        }
        print_drift(findings, cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(status, "drift_looked_at")),
                    stream);
    }
    cJSON_Delete(status);
}

/* hermes-watch holds its lock as long as it runs. 0: it does not. */
static pid_t watcher_of(struct arena *arena, const char *home)
{
    const char *path = arena_printf(arena, "%s/" WATCH_LOCK_FILE, home);
    pid_t holder = file_lock_holder(path);
    return holder == 0 && file_lock_is_held(path) ? UNSEEN : holder;
}

static void print_watcher(struct arena *arena, const char *home, pid_t holder, FILE *stream)
{
    if (holder == 0) {
        (void)fputs("hermes-watch: not running\n", stream);
        return;
    }
    if (holder == UNSEEN)
        (void)fputs("hermes-watch: running (in another container)\n", stream);
    else
        (void)fprintf(stream, "hermes-watch: running (process %ld)\n", (long)holder);
    print_own_words(arena, home, holder, stream);
}

static void print_sources(const struct compilation *c, FILE *stream)
{
    if (c->outcome != COMPILE_VALID)
        (void)fputs("sources: invalid; the generation above stays active\n", stream);
    else if (c->plan.changed)
        (void)fputs("sources: changed since; run hermes-compile\n", stream);
    else
        (void)fputs("sources: as compiled\n", stream);
    if (c->publication.pool_plan.len > 0)
        (void)fputs("auth.json: differs from the sources; run hermes-compile\n", stream);
}

/* What the pool, the memory and the gateways say of keys at this moment. */
static struct cooldowns known_cooldowns(const struct compilation *c, const char *home, struct hermes *hermes,
                                        double now)
{
    struct cooldowns cooldowns = c->publication.cooldowns;
    if (cooldowns.arena == NULL) { /* the sources are invalid: nobody has looked at the pool */
        const char *path = arena_printf(c->arena, "%s/" COOLDOWNS_FILE, home);
        struct safe_read read = safe_read(c->arena, path, 0);
        cooldowns.arena = c->arena;
        (void)cooldowns_parse(&cooldowns, read.bytes, read.len, now);
    }
    add_bookings(&cooldowns, hermes, now);
    return cooldowns;
}

int status_print(const struct compilation *c, const char *home, FILE *stream)
{
    struct hermes *hermes;
    int error = hermes_open(home, &hermes);
    if (error != 0)
        return error;
    const struct hermes_view *view = hermes_current(hermes);
    double now = clock_wall();
    struct cooldowns cooldowns = known_cooldowns(c, home, hermes, now);
    (void)fprintf(stream, "%s\ngeneration %lld, compiled %s\n", shown_name(c->arena, home), hermes_generation(view),
                  hermes_compiled_at(view));
    print_sources(c, stream);
    const pid_t watcher = watcher_of(c->arena, home);
    print_watcher(c->arena, home, watcher, stream);
    status_fleet_print(c, watcher != 0, stream);
    print_providers(c, hermes, &cooldowns, now, stream);
    hermes_close(hermes);
    return 0;
}

/* --- the same as JSON --- */

static void put_or_null(struct text *out, const char *name, const char *value)
{
    if (value != NULL) {
        json_write_member(out, name, value);
        return;
    }
    json_write_name(out, name);
    text_puts(out, "null");
}

static const char *until_iso(struct arena *arena, double until)
{
    return until_text(arena, until) == NULL ? NULL : iso_time(arena, (struct timespec){.tv_sec = (time_t)until});
}

static void put_key(struct text *out, const struct hermes_credential *credential, const struct cooldown *cooldown,
                    const struct shadowed *shadow, bool next, double now)
{
    bool cooling = cools(cooldown, now);
    const char *by = shadow == NULL || shadow->by == NULL ? NULL : shadow->by->fingerprint.text;
    json_write_item(out);
    text_putc(out, '{');
    json_write_member(out, "fingerprint", credential->fingerprint);
    json_write_member(out, "label", shown_name(out->arena, credential->label));
    json_write_member(out, "state", !cooling ? "usable" : cooldown->dead ? "dead" : "cooling");
    put_or_null(out, "until", cooling && !cooldown->dead ? until_iso(out->arena, cooldown->until) : NULL);
    put_or_null(out, "reason", cooling ? reason_text(out->arena, cooldown) : NULL);
    put_or_null(out, "shadowed_by", by);
    json_write_truth(out, "next", next && !cooling);
    text_putc(out, '}');
}

static void put_provider(struct text *out, const struct compilation *c, const struct hermes_provider *provider,
                         bool first, const struct cooldowns *cooldowns, double at)
{
    const struct provider *now = providers_get(&c->providers, provider->id);
    const char *next = next_key(c, provider, now, cooldowns, at);
    bool any = strcmp(provider->strategy, "random") == 0;
    json_write_item(out);
    text_putc(out, '{');
    json_write_member(out, "id", shown_name(out->arena, provider->id));
    json_write_truth(out, "default", first);
    const char *url = *provider->base_url == '\0'
                          ? ""
                          : shown_value(out->arena, "url", provider->base_url, strlen(provider->base_url));
    json_write_member(out, "base_url", url);
    json_write_member(out, "strategy", provider->strategy);
    json_write_name(out, "credentials");
    text_putc(out, '[');
    for (size_t i = 0; i < provider->credential_count; i++) {
        const struct hermes_credential *credential = &provider->credentials[i];
        put_key(out, credential, cooldowns_get(cooldowns, provider->id, credential->fingerprint),
                shadow_of(now, credential->fingerprint),
                any || (next != NULL && strcmp(next, credential->fingerprint) == 0), at);
    }
    text_puts(out, "]}");
}

static void put_providers(struct text *out, const struct compilation *c, const char *home, struct hermes *hermes)
{
    const struct hermes_view *view = hermes_current(hermes);
    const char *first = hermes_default_provider(view);
    double now = clock_wall();
    struct cooldowns cooldowns = known_cooldowns(c, home, hermes, now);
    for (size_t i = 0; i < hermes_provider_count(view); i++) {
        const struct hermes_provider *provider = hermes_provider_at(view, i);
        put_provider(out, c, provider, first != NULL && strcmp(first, provider->id) == 0, &cooldowns, now);
    }
}

static void put_watcher(struct text *out, const char *home, pid_t holder)
{
    cJSON *status = holder == 0 ? NULL : own_words(out->arena, home, holder);
    json_write_name(out, "watcher");
    text_putc(out, '{');
    json_write_truth(out, "running", holder != 0);
    put_or_null(out, "state", cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(status, "state")));
    put_or_null(out, "status", cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(status, "status")));
    put_or_null(out, "drift_looked_at",
                cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(status, "drift_looked_at")));
    text_putc(out, '}');
    cJSON_Delete(status);
}

int status_put_json(struct text *out, const struct compilation *c, const char *home)
{
    struct hermes *hermes = NULL;
    int error = hermes_open(home, &hermes);
    const struct hermes_view *view = error == 0 ? hermes_current(hermes) : NULL;
    json_write_member(out, "home", home);
    json_write_number(out, "generation", view == NULL ? 0 : (unsigned long long)hermes_generation(view));
    put_or_null(out, "compiled_at", view == NULL ? NULL : hermes_compiled_at(view));
    put_or_null(out, "error", error == 0 ? NULL : hermes_strerror(error));
    json_write_member(out, "sources",
                      c->outcome != COMPILE_VALID ? "invalid"
                      : c->plan.changed           ? "changed"
                                                  : "compiled");
    json_write_truth(out, "pool_differs", c->publication.pool_plan.len > 0);
    const pid_t watcher = watcher_of(out->arena, home);
    put_watcher(out, home, watcher);
    if (c->sources.fleet.name != NULL)
        status_fleet_json(out, c, watcher != 0);
    json_write_name(out, "providers");
    text_putc(out, '[');
    if (view != NULL)
        put_providers(out, c, home, hermes);
    text_putc(out, ']');
    hermes_close(hermes);
    return error;
}
