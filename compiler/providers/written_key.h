/* Keys as the sources write them: in config.yaml, or in a variable of an env file. What is none is said, and why. */
#ifndef HERMES_WRITTEN_KEY_H
#define HERMES_WRITTEN_KEY_H

#include "draft.h"

/* A key that config.yaml writes out at PATH. Says why it is none. An empty one is simply not there. */
void written_key_add(struct resolver *r, struct draft *draft, enum credential_rank rank, const struct node *node,
                     const char *path);
/* The value of a variable, if it is set and usable. */
void written_key_add_variable(struct resolver *r, struct draft *draft, enum credential_rank rank, const char *name);
/* Whether it is. */
bool written_key_is_set(const struct resolver *r, const char *name);
/* NODE, which stands at PATH, names a variable that no file sets: it is to be set, or a source of secrets does that. */
void written_key_report_unset(struct resolver *r, struct draft *draft, const struct node *node, const char *path,
                              const char *name);

#endif
