/* Reads an env file as Hermes's gateway reads it at start: its sanitiser, then python-dotenv's grammar, then what it
 * does to credential variables. */
#ifndef HERMES_DOTENV_H
#define HERMES_DOTENV_H

#include "diagnostic.h"
#include "name_table.h"

struct binding {
    const char *name;
    const char *value; /* after unquoting and interpolation; may be "" */
    size_t len;
    struct place place; /* of the value in the file */
    const char *seeded; /* what Hermes's second env reader makes of it, where that is another value; else NULL */
    bool bare;          /* only while a file is read: it names the variable without a value */
    struct binding
        *hidden; /* what it stands over: another line, another file, or the root of config.yaml; may be NULL */
};

/* What the references of one file may bring in together: a process could not be given more. */
enum { DOTENV_MOST_EXPANDED = 16 << 20 };

struct environment {
    struct binding *items; /* names unique, in the order of their first appearance */
    size_t count;
    size_t capacity;
    struct name_table names;
};

/* Adds SOURCE's bindings over those that are in ENVIRONMENT (a later call's file beats an earlier one's, as
 * python-dotenv's override=True does; `${X}` may refer to what an earlier file set). Losing bindings of duplicates are
 * warned about. Pure. */
void dotenv_load(struct arena *arena, const struct source *source, struct environment *environment,
                 struct diagnostics *diagnostics);

/* BINDING's name must not be in it yet. */
void environment_add(struct arena *arena, struct environment *environment, struct binding binding);
/* BINDING, of a name that is in it, counts for nothing: it stands behind all others of the name. */
void environment_hide(struct arena *arena, struct environment *environment, struct binding binding);
/* NULL when it is not set. */
const struct binding *environment_get(const struct environment *environment, const char *name);

#endif
