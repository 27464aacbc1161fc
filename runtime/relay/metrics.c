#include "metrics.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "minutes.h"
#include "relay.h"

enum { SERIES_MAX = 256 };

static const double bounds[] = {0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300};
enum { BOUNDS = sizeof bounds / sizeof *bounds };

struct count {
    char provider[PROVIDER_NAME_SIZE];
    int status;
    unsigned long long number;
};

struct provider_numbers {
    char provider[PROVIDER_NAME_SIZE];
    unsigned long long tokens_in;
    unsigned long long tokens_out;
    unsigned long long failovers;
    unsigned long long troubles;
    unsigned long long buckets[BOUNDS + 1];
    double seconds;
};

struct metrics {
    pthread_mutex_t lock;
    struct count counts[SERIES_MAX];
    size_t count_count;
    struct provider_numbers providers[SERIES_MAX];
    size_t provider_count;
    struct minutes minutes;
};

struct metrics *metrics_create(void)
{
    struct metrics *metrics = calloc(1, sizeof *metrics);
    if (metrics != NULL)
        (void)pthread_mutex_init(&metrics->lock, NULL);
    return metrics;
}

void metrics_destroy(struct metrics *metrics)
{
    if (metrics != NULL)
        (void)pthread_mutex_destroy(&metrics->lock);
    free(metrics);
}

/* The last series takes what finds no room. */
static struct count *count_of(struct metrics *metrics, const char *provider, int status)
{
    for (size_t i = 0; i < metrics->count_count; i++)
        if (metrics->counts[i].status == status && strcmp(metrics->counts[i].provider, provider) == 0)
            return &metrics->counts[i];
    if (metrics->count_count == SERIES_MAX)
        return &metrics->counts[SERIES_MAX - 1];
    struct count *count = &metrics->counts[metrics->count_count++];
    strcpy(count->provider, provider);
    count->status = status;
    return count;
}

static struct provider_numbers *numbers_of(struct metrics *metrics, const char *provider)
{
    for (size_t i = 0; i < metrics->provider_count; i++)
        if (strcmp(metrics->providers[i].provider, provider) == 0)
            return &metrics->providers[i];
    if (metrics->provider_count == SERIES_MAX)
        return &metrics->providers[SERIES_MAX - 1];
    struct provider_numbers *numbers = &metrics->providers[metrics->provider_count++];
    strcpy(numbers->provider, provider);
    return numbers;
}

void metrics_request(struct metrics *metrics, const struct record *record, long long tokens_in, long long tokens_out)
{
    double seconds = (double)record->us / 1e6;
    size_t bucket = 0;
    while (bucket < BOUNDS && seconds > bounds[bucket])
        bucket++;
    (void)pthread_mutex_lock(&metrics->lock);
    struct provider_numbers *numbers = numbers_of(metrics, record->provider);
    count_of(metrics, record->provider, record->status)->number++;
    numbers->tokens_in += (unsigned long long)tokens_in;
    numbers->tokens_out += (unsigned long long)tokens_out;
    numbers->buckets[bucket]++;
    numbers->seconds += seconds;
    if (record->provider[0] != '\0')
        minutes_note(&metrics->minutes, record, clock_wall());
    (void)pthread_mutex_unlock(&metrics->lock);
}

void metrics_failover(struct metrics *metrics, const char *provider)
{
    (void)pthread_mutex_lock(&metrics->lock);
    numbers_of(metrics, provider)->failovers++;
    (void)pthread_mutex_unlock(&metrics->lock);
}

void metrics_trouble(struct metrics *metrics, const char *provider)
{
    (void)pthread_mutex_lock(&metrics->lock);
    numbers_of(metrics, provider)->troubles++;
    (void)pthread_mutex_unlock(&metrics->lock);
}

static bool head(struct bytes *out, const char *name, const char *type, const char *help)
{
    return bytes_printf(out, "# HELP hermes_relay_%s %s\n# TYPE hermes_relay_%s %s\n", name, help, name, type);
}

/* Ids of custom providers are what the user wrote: quoted for Prometheus. */
static bool label(struct bytes *out, const char *provider)
{
    bool good = bytes_printf(out, "provider=\"");
    for (; good && *provider != '\0'; provider++)
        good = *provider == '\n'                       ? bytes_add(out, "\\n", 2)
               : *provider == '"' || *provider == '\\' ? bytes_add(out, (const char[]){'\\', *provider}, 2)
                                                       : bytes_add(out, provider, 1);
    return good && bytes_add(out, "\"", 1);
}

static bool requests_text(const struct metrics *metrics, struct bytes *out)
{
    bool good = head(out, "requests_total", "counter",
                     "Requests by provider and status; 0: the client left before the answer.");
    for (size_t i = 0; good && i < metrics->count_count; i++) {
        const struct count *count = &metrics->counts[i];
        good = bytes_printf(out, "hermes_relay_requests_total{") && label(out, count->provider) &&
               bytes_printf(out, ",status=\"%d\"} %llu\n", count->status, count->number);
    }
    return good;
}

static bool tokens_text(const struct metrics *metrics, struct bytes *out)
{
    bool good = head(out, "tokens_total", "counter", "Tokens used, as reported by providers.");
    for (size_t i = 0; good && i < metrics->provider_count; i++) {
        const struct provider_numbers *numbers = &metrics->providers[i];
        good = bytes_printf(out, "hermes_relay_tokens_total{") && label(out, numbers->provider) &&
               bytes_printf(out, ",direction=\"in\"} %llu\nhermes_relay_tokens_total{", numbers->tokens_in) &&
               label(out, numbers->provider) && bytes_printf(out, ",direction=\"out\"} %llu\n", numbers->tokens_out);
    }
    return good;
}

static bool failovers_text(const struct metrics *metrics, struct bytes *out)
{
    bool good = head(out, "failovers_total", "counter", "Refused keys whose request went on with another key.");
    for (size_t i = 0; good && i < metrics->provider_count; i++)
        good = bytes_printf(out, "hermes_relay_failovers_total{") && label(out, metrics->providers[i].provider) &&
               bytes_printf(out, "} %llu\n", metrics->providers[i].failovers);
    return good;
}

static bool troubles_text(const struct metrics *metrics, struct bytes *out)
{
    bool good = head(out, "stream_errors_total", "counter", "Streams that reported an error after they had begun.");
    for (size_t i = 0; good && i < metrics->provider_count; i++)
        good = bytes_printf(out, "hermes_relay_stream_errors_total{") && label(out, metrics->providers[i].provider) &&
               bytes_printf(out, "} %llu\n", metrics->providers[i].troubles);
    return good;
}

static bool histogram_text(const struct provider_numbers *numbers, struct bytes *out)
{
    unsigned long long total = 0;
    bool good = true;
    for (size_t i = 0; good && i <= BOUNDS; i++) {
        total += numbers->buckets[i];
        good = bytes_printf(out, "hermes_relay_request_seconds_bucket{") && label(out, numbers->provider) &&
               (i < BOUNDS ? bytes_printf(out, ",le=\"%g\"} %llu\n", bounds[i], total)
                           : bytes_printf(out, ",le=\"+Inf\"} %llu\n", total));
    }
    return good && bytes_printf(out, "hermes_relay_request_seconds_sum{") && label(out, numbers->provider) &&
           bytes_printf(out, "} %.6f\nhermes_relay_request_seconds_count{", numbers->seconds) &&
           label(out, numbers->provider) && bytes_printf(out, "} %llu\n", total);
}

static bool histograms_text(const struct metrics *metrics, struct bytes *out)
{
    bool good = head(out, "request_seconds", "histogram",
                     "Time from the first line of a request to the last byte of its answer.");
    for (size_t i = 0; good && i < metrics->provider_count; i++)
        good = histogram_text(&metrics->providers[i], out);
    return good;
}

/* Seconds that each key still cools; 0: it is good. */
static bool cooldowns_text(struct hermes *hermes, const struct hermes_view *view, struct bytes *out)
{
    double now = clock_wall();
    bool good = head(out, "key_cooldown_seconds", "gauge",
                     "Time until the key is used again; 0: it is usable; +Inf: it is dead.");
    for (size_t i = 0; i < hermes_provider_count(view); i++) {
        const struct hermes_provider *provider = hermes_provider_at(view, i);
        for (size_t k = 0; good && k < provider->credential_count; k++) {
            struct hermes_key_state state = {0};
            const char *fingerprint = provider->credentials[k].fingerprint;
            (void)hermes_key_state(hermes, provider->id, fingerprint, &state);
            double left = state.until - now;
            good = bytes_printf(out, "hermes_relay_key_cooldown_seconds{") && label(out, provider->shown) &&
                   bytes_printf(out, ",key=\"%s\"} ", fingerprint) &&
                   (isfinite(state.until) ? bytes_printf(out, "%.0f\n", left > 0 ? left : 0.0)
                                          : bytes_printf(out, "+Inf\n"));
        }
    }
    return good;
}

bool metrics_minutes(struct metrics *metrics, struct bytes *out)
{
    (void)pthread_mutex_lock(&metrics->lock);
    bool good = minutes_json(&metrics->minutes, clock_wall(), out);
    (void)pthread_mutex_unlock(&metrics->lock);
    return good;
}

bool metrics_text(struct relay *relay, struct bytes *out)
{
    struct metrics *metrics = relay->metrics;
    (void)pthread_mutex_lock(&metrics->lock);
    bool good = requests_text(metrics, out) && tokens_text(metrics, out) && failovers_text(metrics, out) &&
                troubles_text(metrics, out) && histograms_text(metrics, out);
    (void)pthread_mutex_unlock(&metrics->lock);
    struct hermes *hermes = relay_hermes(relay);
    if (hermes == NULL)
        return good;
    const struct hermes_view *view = hermes_hold(hermes);
    good = good && cooldowns_text(hermes, view, out) && head(out, "generation", "gauge", "The active generation.") &&
           bytes_printf(out, "hermes_relay_generation %lld\n", hermes_generation(view));
    hermes_view_unref(view);
    return good;
}
