/* The variables that the env files and the root of config.yaml set. */
#ifndef HERMES_ENVIRONMENT_H
#define HERMES_ENVIRONMENT_H

#include "diagnostic.h"
#include "must_check.h"
#include "name_table.h"

struct binding {
    const char *name;
    const char *value; /* after unquoting and interpolation; may be "" */
    size_t len;
    struct place place;     /* of the value in the file */
    const char *seeded;     /* what Hermes's second env reader makes of it, where that is another value; else NULL */
    bool bare;              /* only while a file is read: it names the variable without a value */
    struct binding *hidden; /* what it stands over: a line, a file, or the root of config.yaml; may be NULL */
};

/* What the references of one file may bring in together: a process could not be given more. */
enum { ENVIRONMENT_MOST_EXPANDED = 16 << 20 };

struct environment {
    struct binding *items; /* names unique, in the order of their first appearance */
    size_t count;
    size_t capacity;
    struct name_table names;
};

/* BINDING's name must not be in it yet. */
void environment_add(struct arena *arena, struct environment *environment, struct binding binding);
/* BINDING takes the place of BOUND, which has the same name, and stands over it. */
void environment_cover(struct arena *arena, struct binding *bound, struct binding binding);
/* BINDING, of a name that is in it, counts for nothing: it stands behind all others of the name. */
void environment_hide(struct arena *arena, struct environment *environment, struct binding binding);
/* NULL when it is not set. */
struct binding *environment_get(const struct environment *environment, const char *name) MUST_CHECK;

#endif
