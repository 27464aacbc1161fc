/* Names of the classifier's rules as numbers, for the bookings: a rule keeps its number for ever. */
#ifndef HERMES_CLASSIFY_H
#define HERMES_CLASSIFY_H

/* 0 for a name that is no rule of ours. */
unsigned classify_rule_number(const char *name);
/* "" for 0 and for a number that this version does not know. */
const char *classify_rule_name(unsigned number);

#endif
