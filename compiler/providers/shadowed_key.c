#include "shadowed_key.h"

#include <string.h>

#include "blank.h"
#include "key_check.h"
#include "shown.h"
#include "source.h"

void shadowed_key_note(struct resolver *r, struct draft *draft, const char *secret, size_t len, struct origin origin)
{
    struct provider *provider = &draft->provider;
    provider->shadowed =
        arena_extend(r->arena, provider->shadowed, provider->shadowed_count, sizeof *provider->shadowed);
    provider->shadowed[provider->shadowed_count++] =
        (struct shadowed){.fingerprint = fingerprint_of(secret, len),
                          .secret = arena_prefix(r->arena, secret, len),
                          .origin = {origin.place, arena_strdup(r->arena, origin.key)}};
}

void shadowed_key_warn(struct resolver *r, const struct draft *draft, struct origin origin,
                       const struct fingerprint *fingerprint)
{
    const struct credential *first = &draft->provider.credentials[0];
    struct diagnostic *d = diagnostic_add(r->diagnostics, CODE_SHADOWED_KEY, origin.place,
                                          "%s has a different key for %s than %s, which is used first", origin.key,
                                          shown_name(r->arena, draft->provider.id), first->origins[0].key);
    diagnostic_note(r->diagnostics, d, "%s: %s, %s: %s", origin.key, fingerprint->text, first->origins[0].key,
                    first->fingerprint.text);
    diagnostic_help(r->diagnostics, d, "remove the one you do not want; both are used in this order");
}

/* A variable may be named twice: by model.key_env and by its provider. */
static bool is_noted(const struct provider *provider, const struct place *place)
{
    for (size_t i = 0; i < provider->shadowed_count; i++)
        if (diagnostic_same_place(&provider->shadowed[i].origin.place, place))
            return true;
    return false;
}

/* NULL: the key is one that goes out, which has one more origin now, or it is noted. */
static struct shadowed *shadow(struct resolver *r, struct draft *draft, const char *secret, size_t len,
                               struct origin origin)
{
    struct fingerprint fingerprint = fingerprint_of(secret, len);
    struct credential *known = draft_find_key(draft, &fingerprint);
    if (known != NULL) {
        draft_add_origin(r, known, origin.place, arena_strdup(r->arena, origin.key));
        return NULL;
    }
    if (is_noted(&draft->provider, &origin.place))
        return NULL;
    shadowed_key_note(r, draft, secret, len, origin);
    return &draft->provider.shadowed[draft->provider.shadowed_count - 1];
}

void shadowed_key_add(struct resolver *r, struct draft *draft, const char *secret, size_t len, struct origin origin)
{
    const struct shadowed *shadowed = shadow(r, draft, secret, len, origin);
    if (shadowed != NULL)
        shadowed_key_warn(r, draft, origin, &shadowed->fingerprint);
}

void shadowed_key_add_outvoted(struct resolver *r, struct draft *draft, struct place winner, const char *secret,
                               size_t len, struct origin origin)
{
    struct shadowed *shadowed = shadow(r, draft, secret, len, origin);
    if (shadowed == NULL)
        return;
    shadowed->outvoted = true;
    struct diagnostic *d = diagnostic_add(r->diagnostics, CODE_SHADOWED_KEY, origin.place,
                                          "%s has a different key for %s here than in %s, which wins", origin.key,
                                          shown_name(r->arena, draft->provider.id), winner.source->label);
    diagnostic_help(r->diagnostics, d, "remove the one you do not want");
}

/* What other files say of a variable. In one file the last line counts, and a warning names the others. */
void shadowed_key_add_hidden(struct resolver *r, struct draft *draft, const struct binding *binding)
{
    for (const struct binding *hidden = binding->hidden; hidden != NULL; hidden = hidden->hidden) {
        size_t len;
        const char *text = blank_strip(hidden->value, hidden->len, &len);
        if (hidden->place.source != binding->place.source && key_check_unusable(text, len) == NULL)
            shadowed_key_add_outvoted(r, draft, binding->place, text, len,
                                      (struct origin){hidden->place, shown_name(r->arena, hidden->name)});
    }
}

void shadowed_key_add_variable(struct resolver *r, struct draft *draft, const struct binding *binding)
{
    size_t len;
    const char *key = blank_strip(binding->value, binding->len, &len);
    if (key_check_unusable(key, len) == NULL)
        shadowed_key_add(r, draft, key, len, (struct origin){binding->place, shown_name(r->arena, binding->name)});
}

/* The user's file has another key where a managed one has WINNER. */
void shadowed_key_add_users(struct resolver *r, struct draft *draft, const struct node *winner,
                            const struct node *users, const char *path)
{
    size_t len;
    const char *text = node_string(users);
    bool managed = winner->place.source != NULL && winner->place.source->kind == SOURCE_MANAGED_CONFIG;
    if (!managed || text == NULL || strstr(text, "${") != NULL || draft->provider.credential_count == 0)
        return;
    text = blank_strip(text, users->len, &len);
    if (key_check_unusable(text, len) == NULL)
        shadowed_key_add_outvoted(r, draft, winner->place, text, len, (struct origin){users->place, path});
}
