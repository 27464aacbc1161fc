#include "metrics.h"

#include <math.h>
#include <string.h>

#include "shown.h"
#include "snapshot_format.h"

static void put_head(struct text *out, const char *name, const char *help)
{
    text_printf(out, "# HELP hermes_watch_%s %s\n# TYPE hermes_watch_%s gauge\n", name, help, name);
}

static void put_label(struct text *out, const char *name, const char *value)
{
    text_printf(out, "%s=\"", name);
    for (; *value != '\0'; value++)
        if (*value == '\n')
            text_puts(out, "\\n");
        else if (*value == '"' || *value == '\\')
            text_append(out, (const char[]){'\\', *value}, 2);
        else
            text_putc(out, *value);
    text_putc(out, '"');
}

/* LABEL NULL: the value is the home's own. */
static void put_value(struct text *out, const char *home, const char *name, const char *label, const char *label_value,
                      double value)
{
    text_printf(out, "hermes_watch_%s{", name);
    put_label(out, "home", home);
    if (label != NULL) {
        text_putc(out, ',');
        put_label(out, label, label_value);
    }
    text_printf(out, "} %.*f\n", value == floor(value) ? 0 : 3, value);
}

static void put_one(struct text *out, const char *home, const char *name, const char *help, double value)
{
    put_head(out, name, help);
    put_value(out, home, name, NULL, NULL, value);
}

static double seconds(struct timespec when)
{
    return (double)when.tv_sec + (double)(when.tv_nsec / 1000000) / 1000;
}

static void put_sources(struct text *out, const char *home, const struct metrics_source *source)
{
    put_head(out, "source_modified_timestamp_seconds", "When a file that the compile reads was last changed.");
    for (size_t i = 0; i < source->path_count; i++) {
        struct stat st;
        const char *path = source->paths[i];
        size_t len = strlen(path);
        size_t derived = strlen(SNAPSHOT_FILE);
        if ((len > derived && strcmp(path + len - derived, SNAPSHOT_FILE) == 0) || stat(path, &st) < 0)
            continue;
        put_value(out, home, "source_modified_timestamp_seconds", "path", shown_name(out->arena, path),
                  seconds(st.st_mtim));
    }
}

static size_t usable_keys(struct hermes *reader, const struct hermes_provider *provider, double *until)
{
    size_t usable = 0;
    for (size_t i = 0; i < provider->credential_count; i++) {
        struct hermes_key_state state;
        if (hermes_key_state(reader, provider->id, provider->credentials[i].fingerprint, &state) != 0)
            continue;
        usable += state.verdict == HERMES_KEY_GOOD;
        if (state.until > 0 && state.until < *until)
            *until = state.until;
    }
    return usable;
}

static double put_keys(struct text *out, const char *home, struct hermes *reader)
{
    double until = INFINITY;
    const struct hermes_view *view = reader != NULL ? hermes_current(reader) : NULL;
    put_head(out, "keys", "Keys of a provider in the active generation.");
    for (size_t i = 0; view != NULL && i < hermes_provider_count(view); i++) {
        const struct hermes_provider *provider = hermes_provider_at(view, i);
        put_value(out, home, "keys", "provider", shown_name(out->arena, provider->id),
                  (double)provider->credential_count);
    }
    put_head(out, "usable_keys", "Keys of a provider that are neither cooling nor dead.");
    for (size_t i = 0; view != NULL && i < hermes_provider_count(view); i++) {
        const struct hermes_provider *provider = hermes_provider_at(view, i);
        put_value(out, home, "usable_keys", "provider", shown_name(out->arena, provider->id),
                  (double)usable_keys(reader, provider, &until));
    }
    return until;
}

/* The words of `hermes-compile --status`. */
static void put_states(struct text *out, const struct home_state *state)
{
    put_head(out, "state", "1 for the state that hermes-compile --status names, 0 for the others.");
    for (enum condition condition = HOME_OK; condition <= HOME_ABSENT; condition++)
        put_value(out, state->home, "state", "state", home_state_name(condition), condition == state->condition);
}

double metrics_put(struct text *out, const struct home_state *state, const struct status_times *times,
                   const struct metrics_source *source, bool running)
{
    const char *home = state->home;
    put_one(out, home, "running", "1 while hermes-watch watches the home, 0 after it has ended.", running);
    put_states(out, state);
    put_one(out, home, "last_compile_success", "1 if the active generation matches the sources.",
            !home_state_is_trouble(state));
    put_one(out, home, "last_compile_timestamp_seconds", "When the home was last compiled.", seconds(times->compiled));
    put_one(out, home, "last_success_timestamp_seconds", "When a compile last succeeded.", seconds(times->succeeded));
    put_one(out, home, "generation", "The active generation.", (double)state->generation);
    put_one(out, home, "errors", "Errors of the last compile.", (double)state->errors);
    put_one(out, home, "warnings", "Warnings of the last compile.", (double)state->warnings);
    put_one(out, home, "drift_look_timestamp_seconds", "When drift was last looked at.", seconds(times->looked));
    put_one(out, home, "drift_findings",
            "Places that differ from the sources: what hermes-compile --check --live shows.",
            (double)state->finding_count);
    put_one(out, home, "drift_findings_that_matter", "Those of them that have an effect now.", (double)state->matters);
    put_sources(out, home, source);
    return put_keys(out, home, source->reader);
}
