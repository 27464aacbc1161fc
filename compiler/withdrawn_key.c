#include "withdrawn_key.h"

#include <string.h>

#include "shown.h"

static bool of_model(const struct hermes_credential *credential)
{
    for (size_t i = 0; i < credential->origin_count; i++)
        if (strcmp(credential->origins[i].key, "model.api_key") == 0)
            return true;
    return false;
}

static bool still_has(const struct provider *provider, const char *fingerprint)
{
    for (size_t i = 0; provider != NULL && i < provider->credential_count; i++)
        if (strcmp(provider->credentials[i].fingerprint.text, fingerprint) == 0)
            return true;
    return false;
}

static void check_provider(const struct hermes_view *previous, const struct hermes_provider *before,
                           const struct source *source, const struct providers *providers,
                           struct diagnostics *diagnostics)
{
    for (size_t i = 0; i < before->credential_count; i++) {
        const struct hermes_credential *credential = &before->credentials[i];
        if (!of_model(credential) || still_has(providers_get(providers, before->id), credential->fingerprint))
            continue;
        struct diagnostic *d =
            diagnostic_add(diagnostics, CODE_WITHDRAWN_KEY, (struct place){.source = source},
                           "model.api_key was removed: generation %lld had %s there for %s, which is no longer used",
                           hermes_generation(previous), credential->fingerprint,
                           shown_name(diagnostics->arena, arena_strdup(diagnostics->arena, before->id)));
        diagnostic_note(diagnostics, d, "`hermes model` and `/model --global` delete it when they choose a model");
        diagnostic_help(diagnostics, d, "write it as api_key under `providers`, which these commands do not change");
    }
}

void withdrawn_key_check(const struct hermes_view *previous, const struct source *source, const struct node *config,
                         const struct providers *providers, struct diagnostics *diagnostics)
{
    bool there = node_truthy(node_get(node_get(config, "model"), "api_key"));
    for (size_t i = 0; !there && previous != NULL && i < hermes_provider_count(previous); i++)
        check_provider(previous, hermes_provider_at(previous, i), source, providers, diagnostics);
}
