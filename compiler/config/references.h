/* `${NAME}` in the texts of the configuration: replaced by the value of the variable. Where there is none it
 * stays as it is, which is said. */
#ifndef HERMES_REFERENCES_H
#define HERMES_REFERENCES_H

#include "arena.h"
#include "diagnostic.h"
#include "environment.h"
#include "name_table.h"
#include "node.h"

struct references {
    size_t expanded; /* bytes that all of them together have brought in */
    unsigned unread; /* inside `platforms`, where Hermes replaces nothing */
    bool vital;      /* inside what names the providers: without it Hermes runs on another key or URL than is meant */
    const struct node *secrets; /* the section, which is asked about each reference */
    struct arena *arena;
    struct environment *environment;
    const char *const *shell;       /* names of the caller's variables, for notes; may be NULL */
    bool no_env;                    /* there is no env file at all: an unset variable is never an error */
    const struct node *root;        /* whose scalars are in the gateway's environment by now */
    struct name_table root_scalars; /* these, whatever they are called */
    struct diagnostics *diagnostics;
};

/* In the value of PAIR, which becomes another one where something was replaced: then true. Trees that were read stay as
 * they are. */
bool references_expand(struct references *r, struct pair *pair);

#endif
