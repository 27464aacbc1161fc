/* Where the Hermes home is: the same for every program of the project. */
#ifndef HERMES_FIND_HOME_H
#define HERMES_FIND_HOME_H

struct arena;

/* OPTION (the value of --home, or NULL), else $HERMES_HOME (stripped, not empty), else ~/.hermes; absolute. NULL when
 * there is none to be had. */
const char *find_home(struct arena *arena, const char *option);
/* Absolute; "/" when it cannot be had. */
const char *find_home_working_directory(struct arena *arena);

/* The root of a profile, `<root>/profiles/<id>`; NULL when HOME is none. */
const char *find_home_root_of_profile(struct arena *arena, const char *home);

#endif
