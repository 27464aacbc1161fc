/* hermes-fleet follow: what hermes-watch runs beside a home that belongs to a fleet.
 *
 * Standard input brings a line from hermes-watch after each compile (follow_machine.h), and its end is this program's.
 * Standard output has lines for the journal, `<4>text`, with syslog's number of the priority. */
#ifndef HERMES_FOLLOW_H
#define HERMES_FOLLOW_H

#include "fleet.h"
#include "must_check.h"

/* Until standard input ends. The status to end with. */
int follow(struct fleet *fleet) MUST_CHECK;

#endif
