#include "fleet_trial.h"

enum { READ_WAIT_MS = 2000 };

static struct compilation try(const char *home, const char *managed, const struct fleet_revision *revision)
{
    struct compilation c;
    compile_home(
        &c, &(struct compile_request){
                .home = home, .managed = managed, .only_check = true, .fleet = revision, .read_wait_ms = READ_WAIT_MS});
    return c;
}

/* In the revision's own text, if there is one there. */
static const struct diagnostic *first_error(const struct compilation *c, bool *ret_own)
{
    const struct diagnostic *first = NULL;
    *ret_own = false;
    for (size_t i = 0; i < c->diagnostics.count; i++) {
        const struct diagnostic *d = c->diagnostics.items[i];
        bool own = d->place.source != NULL && d->place.source->kind == SOURCE_FLEET_ENV;
        if (d->severity != SEVERITY_ERROR || (first != NULL && !own))
            continue;
        first = d;
        *ret_own = own;
        if (own)
            break;
    }
    return first;
}

static bool is_valid_without(const char *home, const char *managed)
{
    struct compilation c = try(home, managed, NULL);
    bool valid = c.outcome == COMPILE_VALID;
    compilation_finish(&c);
    return valid;
}

struct fleet_trial fleet_trial(const char *home, const char *managed, const struct fleet_revision *revision)
{
    bool own;
    struct fleet_trial trial = {.compilation = try(home, managed, revision)};
    const struct compilation *c = &trial.compilation;
    const struct diagnostic *error = first_error(c, &own);
    bool invalid = c->outcome == COMPILE_INVALID; /* a file that cannot be read now says nothing of the revision */
    if (invalid && error != NULL && (own || is_valid_without(home, managed)))
        trial.trouble = arena_printf(c->arena, "%s%serror[%s] %s", diagnostic_place_text(c->arena, error->place),
                                     error->place.source != NULL ? ": " : "", diagnostic_code_pages[error->code].name,
                                     error->message);
    return trial;
}
