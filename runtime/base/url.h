/* The parts of an http or https URL, where they stand in its text. */
#ifndef HERMES_URL_H
#define HERMES_URL_H

#include <stdbool.h>
#include <stddef.h>

#include "must_check.h"

struct url_part {
    const char *text; /* not NUL-terminated */
    size_t len;
};

struct url {
    struct url_part scheme;
    struct url_part credentials; /* before the '@' */
    struct url_part authority;   /* host and port: "api.openai.com", "127.0.0.1:8080", "[::1]:80" */
    struct url_part host;        /* without brackets */
    struct url_part port;
    struct url_part path;  /* from its '/' on, without slashes at its end; empty: none */
    struct url_part query; /* behind the '?' */
};

/* What is not there is empty, and points to where it would stand. False: TEXT has no scheme or no host. */
bool url_split(const char *text, struct url *ret) MUST_CHECK;

#endif
