/* A path or another text as one word of a command that a person may paste into a shell. */
#ifndef HERMES_SHELL_WORD_H
#define HERMES_SHELL_WORD_H

struct arena;

/* TEXT, in quotes where it needs them. */
const char *shell_word(struct arena *arena, const char *text);

#endif
