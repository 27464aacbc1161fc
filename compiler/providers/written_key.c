#include "written_key.h"

#include <string.h>

#include "blank.h"
#include "endpoint.h"
#include "foreign_key.h"
#include "key_check.h"
#include "plain_name.h"
#include "secret_sources.h"
#include "shadowed_key.h"
#include "shown.h"
#include "source.h"
#include "variable_check.h"

static void warn_suspicious(struct resolver *r, const char *secret, size_t len, struct origin origin)
{
    const struct key_doubt doubt = key_check_suspicious(secret, len);
    if (doubt.why == NULL)
        return;
    struct diagnostic *d = diagnostic_add(r->diagnostics, CODE_SUSPICIOUS_KEY, origin.place,
                                          "%s %s: the provider will probably refuse it", origin.key, doubt.why);
    diagnostic_help(r->diagnostics, d, "%s", doubt.help);
}

void written_key_report_unset(struct resolver *r, struct draft *draft, const struct node *node, const char *path,
                              const char *name)
{
    if (secret_sources_may_set(node_get(r->in->config, "secrets"), name)) {
        draft->provider.awaited = true;
        (void)diagnostic_add(
            r->diagnostics, CODE_NOT_COMPILED, node->place,
            "%s names a variable that a secret source sets when Hermes starts; the snapshot does not have its key",
            path);
        return;
    }
    struct diagnostic *d = diagnostic_add(r->diagnostics, CODE_UNSET_VARIABLE, node->place,
                                          "%s names a variable that no env file sets", path);
    const char *near = d == NULL ? NULL : variable_check_near(r->in->environment, name);
    near = near != NULL || d == NULL ? near : variable_check_sister(r->in->environment, name);
    if (strpbrk(name, "${}") != NULL)
        diagnostic_help(r->diagnostics, d, "write the name alone, without $ and braces");
    else if (!plain_name(name, strlen(name)))
        diagnostic_help(r->diagnostics, d, "write the name of a variable; a key belongs in api_key");
    else
        diagnostic_help(r->diagnostics, d, near != NULL ? "did you mean `%s`?" : "add it to .env", near);
}

/* A server on this machine, or one that asks for no key anywhere: what stands there is only said not to be one. */
static bool needs_no_key(const struct provider *provider)
{
    bool custom = provider->row == NULL || provider->row->auth == PROVIDER_CUSTOM;
    return (custom && endpoint_is_local(provider->base_url)) ||
           (provider->row != NULL && strcmp(provider->row->id, "lmstudio") == 0);
}

/* Says why TEXT, which is none, is no key. */
static void report_unusable(struct resolver *r, struct draft *draft, struct origin origin, const char *text, size_t len,
                            const char *why)
{
    bool config = origin.place.source != NULL &&
                  (origin.place.source->kind == SOURCE_CONFIG || origin.place.source->kind == SOURCE_MANAGED_CONFIG);
    bool reference = key_check_is_secret_reference(text, len);
    enum severity severity = config && key_check_is_unclosed(text, len) ? SEVERITY_ERROR
                             : needs_no_key(&draft->provider)           ? SEVERITY_HINT
                                                                        : SEVERITY_WARNING;
    if (reference)
        draft->provider.awaited = true;
    if (reference && secret_sources_may_set(node_get(r->in->config, "secrets"), config ? NULL : origin.key)) {
        (void)diagnostic_add(r->diagnostics, CODE_NOT_COMPILED, origin.place,
                             "%s %s: Hermes gets the key when it starts, and the snapshot does not have it", origin.key,
                             why);
        return;
    }
    struct diagnostic *d = diagnostic_add_as(r->diagnostics, severity,
                                             severity == SEVERITY_ERROR ? CODE_UNCLOSED_REFERENCE : CODE_UNUSABLE_KEY,
                                             origin.place, "%s %s: it is not a key", origin.key, why);
    if (d != NULL && !config)
        d->variable = origin.key;
    diagnostic_help(r->diagnostics, d,
                    strstr(why, "URL") != NULL   ? "put the provider's key here; its URL belongs in base_url"
                    : reference                  ? "enable the secret source under `secrets`, or put the key here"
                    : severity == SEVERITY_ERROR ? "close it with }"
                    : strstr(why, "variable") != NULL || strstr(why, "reference") != NULL
                        ? "write ${NAME} for the value of a variable, or put the key here"
                        : "put the provider's key here, or remove the entry");
}

/* The text of a key written in config.yaml, or NULL after saying why it is none. An empty one is simply not there. */
static const char *config_key(struct resolver *r, struct draft *draft, const struct node *node, const char *path,
                              size_t *ret_len)
{
    if (node == NULL || node->kind == NODE_NULL || !node_truthy(node))
        return NULL;
    if (node->kind != NODE_STRING) {
        struct diagnostic *d = diagnostic_add_as(r->diagnostics, SEVERITY_ERROR, CODE_NOT_TEXT, node->place,
                                                 "%s is %s, not a string: the key would not be what is written here",
                                                 path, node_kind_name(node->kind));
        diagnostic_help(r->diagnostics, d,
                        node->kind == NODE_SEQUENCE || node->kind == NODE_MAP ? "write one key, as a string"
                                                                              : "put it in quotes");
        return NULL;
    }
    if (memchr(node->text, '\0', node->len) != NULL) {
        (void)diagnostic_add(r->diagnostics, CODE_NUL_IN_TEXT, node->place, "%s contains a NUL", path);
        return NULL;
    }
    const char *text = blank_strip(node->text, node->len, ret_len);
    const char *why = key_check_unusable(text, *ret_len);
    bool empty = memmem(text, *ret_len, "${}", 3) != NULL;
    if (memmem(text, *ret_len, "${", 2) != NULL && !empty && !key_check_is_unclosed(text, *ret_len)) {
        draft->provider.awaited = true;
        return NULL; /* what is wrong with the reference was said already */
    }
    if (why == NULL)
        return text;
    report_unusable(r, draft, (struct origin){node->place, path}, text, *ret_len, why);
    return NULL;
}

void written_key_add(struct resolver *r, struct draft *draft, enum credential_rank rank, const struct node *node,
                     const char *path)
{
    size_t len;
    const char *text = config_key(r, draft, node, path, &len);
    if (text == NULL)
        return;
    struct origin origin = {node->place, path};
    if (rank == RANK_CONFIG && !foreign_key_check(r, draft, text, len, origin))
        return;
    warn_suspicious(r, text, len, origin);
    (void)draft_add_key(r, draft, rank, text, len, origin);
}

void written_key_add_variable(struct resolver *r, struct draft *draft, enum credential_rank rank, const char *name)
{
    const struct binding *binding = environment_get(r->in->environment, name);
    size_t len;
    if (binding == NULL)
        return;
    const char *text = blank_strip(binding->value, binding->len, &len);
    const char *why = key_check_unusable(text, len);
    struct origin origin = {binding->place, shown_name(r->arena, name)};
    if (len == 0)
        return;
    if (secret_sources_replace(node_get(r->in->config, "secrets"), name) && !key_check_is_secret_reference(text, len)) {
        draft->provider.awaited = true;
        struct diagnostic *d = diagnostic_add(
            r->diagnostics, CODE_PLAIN_COPY, binding->place,
            "a secret source sets %s, too, and Hermes uses that value: this one is not used", origin.key);
        diagnostic_help(r->diagnostics, d, "remove the plain copy");
        return;
    }
    if (why != NULL) {
        report_unusable(r, draft, origin, text, len, why);
        return;
    }
    warn_suspicious(r, text, len, origin);
    (void)draft_add_key(r, draft, rank, text, len, origin);
    if (rank != RANK_TASK)
        shadowed_key_add_hidden(r, draft, binding);
}

bool written_key_is_set(const struct resolver *r, const char *name)
{
    const struct binding *binding = environment_get(r->in->environment, name);
    return binding != NULL && key_check_unusable(binding->value, binding->len) == NULL;
}
