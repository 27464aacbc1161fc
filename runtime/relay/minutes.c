#include "minutes.h"

#include <string.h>

#include "bytes.h"
#include "record.h"

/* Each step is so much longer than the one before: 10 ms to 8 minutes. */
static const double FIRST_STEP_MS = 10;
static const double STEP_GROWTH = 1.6;

static long long minute_of(double seconds)
{
    return (long long)(seconds / 60);
}

static long long latest(const struct minutes_of *of)
{
    long long number = 0;
    for (size_t i = 0; i < MINUTES_KEPT; i++)
        number = of->kept[i].number > number ? of->kept[i].number : number;
    return number;
}

static struct minutes_of *of_provider(struct minutes *minutes, const char *provider)
{
    struct minutes_of *oldest = minutes->providers;
    for (size_t i = 0; i < minutes->count; i++) {
        struct minutes_of *of = &minutes->providers[i];
        if (strcmp(of->provider, provider) == 0)
            return of;
        if (latest(of) < latest(oldest))
            oldest = of;
    }
    struct minutes_of *of = minutes->count < MINUTES_PROVIDERS ? &minutes->providers[minutes->count++] : oldest;
    memset(of, 0, sizeof *of);
    memcpy(of->provider, provider, strlen(provider) + 1);
    return of;
}

static size_t step_of(double ms)
{
    size_t step = 0;
    for (double most = FIRST_STEP_MS; step < MINUTES_STEPS - 1 && ms > most; most *= STEP_GROWTH)
        step++;
    return step;
}

void minutes_note(struct minutes *minutes, const struct record *record, double now)
{
    struct minutes_of *of = of_provider(minutes, record->provider);
    struct minute *minute = &of->kept[minute_of(now) % MINUTES_KEPT];
    if (minute->number != minute_of(now))
        *minute = (struct minute){.number = minute_of(now)};
    minute->requests++;
    minute->failures += record->status == 0 || record->status >= 400 || record->trouble != 0;
    minute->tokens_in += (unsigned long long)record->tokens_in;
    minute->tokens_out += (unsigned long long)record->tokens_out;
    if (record->first_us > 0)
        minute->steps[step_of((double)record->first_us / 1000)]++;
}

/* So many of a thousand answers had begun after that time; 0: there was none. The middle of the step. */
static double time_of(const struct minute *minute, unsigned thousandth)
{
    unsigned long long total = 0;
    unsigned long long seen = 0;
    double ms = FIRST_STEP_MS;
    for (size_t i = 0; i < MINUTES_STEPS; i++)
        total += minute->steps[i];
    for (size_t i = 0; total > 0 && i < MINUTES_STEPS; i++, ms *= STEP_GROWTH) {
        seen += minute->steps[i];
        if (seen * 1000 >= total * thousandth)
            return i == 0 ? ms / 2 : ms * 0.8;
    }
    return 0;
}

/* What is told of each minute. */
enum told { REQUESTS, FAILURES, MEDIAN_MS, SLOW_MS, TOKENS_IN, TOKENS_OUT, TOLD };
static const char *const names[TOLD] = {"requests", "failures", "median_ms", "slow_ms", "tokens_in", "tokens_out"};

static double number_of(const struct minute *minute, enum told told)
{
    switch (told) {
    case REQUESTS:
        return minute->requests;
    case FAILURES:
        return minute->failures;
    case MEDIAN_MS:
        return time_of(minute, 500);
    case SLOW_MS:
        return time_of(minute, 900);
    case TOKENS_IN:
        return (double)minute->tokens_in;
    case TOKENS_OUT:
        return (double)minute->tokens_out;
    case TOLD:
        break;
    }
    return 0;
}

static bool list_json(const struct minutes_of *of, enum told told, long long now, struct bytes *out)
{
    bool good = bytes_printf(out, ",\"%s\":[", names[told]);
    for (long long number = now - MINUTES_KEPT + 1; good && number <= now; number++) {
        static const struct minute nothing;
        const struct minute *minute = &of->kept[number % MINUTES_KEPT];
        minute = minute->number == number ? minute : &nothing;
        good = bytes_printf(out, "%s%.0f", number > now - MINUTES_KEPT + 1 ? "," : "", number_of(minute, told));
    }
    return good && bytes_add(out, "]", 1);
}

bool minutes_json(const struct minutes *minutes, double now, struct bytes *out)
{
    bool good = bytes_add(out, "[", 1);
    bool first = true;
    for (size_t i = 0; good && i < minutes->count; i++) {
        const struct minutes_of *of = &minutes->providers[i];
        if (latest(of) <= minute_of(now) - MINUTES_KEPT)
            continue;
        good = bytes_printf(out, "%s{\"provider\":\"", first ? "" : ",") &&
               bytes_add_json(out, of->provider, strlen(of->provider)) && bytes_add(out, "\"", 1);
        for (enum told told = 0; good && told < TOLD; told++)
            good = list_json(of, told, minute_of(now), out);
        good = good && bytes_add(out, "}", 1);
        first = false;
    }
    return good && bytes_add(out, "]", 1);
}
