/* What happens when memory cannot be had. A program that is done in a moment ends with a line on standard error (exit
 * 4). One that goes on for long does its work in pieces, each of which may fail of it:
 *
 *     if (!memory_try(compile, &c))
 *         ... it ended in the middle ...
 *
 * What a piece of work has open meanwhile is given back when it fails, if it said so:
 *
 *     struct memory_hold hold;
 *     memory_hold_fd(&hold, &fd);
 *     ... allocate ...
 *     memory_give_back(&hold);                 closes it
 *
 * What it changed besides is the caller's to judge. Threads know nothing of each other. */
#ifndef HERMES_MEMORY_H
#define HERMES_MEMORY_H

#include <dirent.h>
#include <stdbool.h>

#include "must_check.h"

/* False: memory could not be had, and WORK did not come to its end. */
bool memory_try(void (*work)(void *data), void *data) MUST_CHECK;
/* That memory could not be had: where the arena, libyaml or cJSON have none. */
_Noreturn void memory_failed(void);

/* On the stack of who has something open; held and given back in turn, like brackets. */
struct memory_hold {
    struct memory_hold *outer;
    void (*give_back)(void *data);
    void *data;
};
void memory_hold(struct memory_hold *hold, void (*give_back)(void *data), void *data);
/* A descriptor (negative: none), or a folder (NULL: none). */
void memory_hold_fd(struct memory_hold *hold, int *fd);
void memory_hold_folder(struct memory_hold *hold, DIR *folder);
/* The end of it: with giving it back, or without. */
void memory_give_back(struct memory_hold *hold);
void memory_let_go(struct memory_hold *hold);

#endif
