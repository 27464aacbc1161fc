/* compiled/status.json: how a home is, for programs. No key is in it. */
#ifndef HERMES_STATUS_JSON_H
#define HERMES_STATUS_JSON_H

#include "home_watch.h"

void status_json_put(struct text *out, const struct home_watch *h);

#endif
