/* --status of a home that belongs to a fleet: which revision it has, and whether etcd is heard. */
#ifndef HERMES_STATUS_FLEET_H
#define HERMES_STATUS_FLEET_H

#include "compile.h"

/* A line, or none. WATCHED: a hermes-watch runs. */
void status_fleet_print(const struct compilation *c, bool watched, FILE *stream);
/* `"fleet":{...}`; the home belongs to one. */
void status_fleet_json(struct text *out, const struct compilation *c, bool watched);

#endif
