/* The section `hermes_watch.fleet` of config.yaml: which fleet a home belongs to, and where its etcd is. */
#ifndef HERMES_FLEET_SETTINGS_H
#define HERMES_FLEET_SETTINGS_H

#include "node.h"

enum { FLEET_ENDPOINTS_MOST = 16, FLEET_NAME_MOST = 64 };

/* Texts lie in the arena of the nodes; NULL: not set. Paths are absolute. */
struct fleet_settings {
    const char *name; /* NULL: the home belongs to no fleet */
    struct place place;
    const char *endpoints[FLEET_ENDPOINTS_MOST];
    size_t endpoint_count;
    const char *key_file; /* seals what lies in etcd (fleet_key.h) */
    struct place key_place;
    const char *ca_file; /* certificates to trust instead of the system's */
    const char *cert_file;
    const char *cert_key_file;
    const char *username;
    const char *password_env; /* a variable of the home's env files */
};

/* SECTION: the value of `fleet`, as it is written: no reference is replaced in it. HOME: what relative paths are
 * relative to. Each mistake is an error, after which nothing is compiled. */
struct fleet_settings fleet_settings_read(const struct node *section, const char *home,
                                          struct diagnostics *diagnostics);

/* Letters, digits and ._-, the first of them no dot: it is a part of a path in etcd, and of labels. */
bool fleet_settings_name_fits(const char *name);
/* https://HOST[:PORT], or http:// to this machine itself. NULL, or what is wrong with it. */
const char *fleet_settings_endpoint_trouble(const char *url);

#endif
