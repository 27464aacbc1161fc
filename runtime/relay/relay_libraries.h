/* The libraries that hermes-relay runs with. */
#ifndef HERMES_RELAY_LIBRARIES_H
#define HERMES_RELAY_LIBRARIES_H

/* Prints "libmicrohttpd 0.9.75, libcurl 7.88.1 (OpenSSL/3.0.17), ..." to standard output: as loaded, not as built. */
void relay_libraries_print(void);

#endif
