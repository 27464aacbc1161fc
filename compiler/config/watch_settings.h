/* What the `hermes_watch` section of config.yaml asks for. */
#ifndef HERMES_WATCH_SETTINGS_H
#define HERMES_WATCH_SETTINGS_H

#include "diagnostic.h"
#include "node.h"

enum { WATCH_SETTLE_MS = 30 };

struct watch_settings {
    int settle_ms;
    bool require_probe;
    const char *notify_url;  /* NULL: nobody is told */
    const char *reload_unit; /* NULL: none */
};

/* The variable of the env files whose value signs what is sent to notify_url. */
#define WATCH_HMAC_VARIABLE "HERMES_WATCH_HMAC_KEY"

/* SECTION may be NULL. What is wrong is an error: a setting that silently does nothing guards nobody. */
struct watch_settings watch_settings_read(const struct node *section, struct diagnostics *diagnostics);

#endif
