/* The libraries that every program with the compiler in it runs with. */
#ifndef HERMES_LINKED_LIBRARIES_H
#define HERMES_LINKED_LIBRARIES_H

/* Prints "libyaml 0.2.5, cJSON 1.7.15, libsodium 1.0.18" to standard output: as loaded, not as built with. */
void linked_libraries_print(void);

#endif
