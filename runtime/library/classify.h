/* Names of the classifier's rules as numbers, for the bookings: a rule keeps its number for ever. */
#ifndef HERMES_CLASSIFY_H
#define HERMES_CLASSIFY_H

#include <stdbool.h>

/* 0 for a name that is no rule of ours. */
unsigned classify_rule_number(const char *name);
/* Whether the time that NAME decides by is the provider's word. */
bool classify_rule_given(const char *name);
/* Whether the hour of NAME is too long for a provider's only key. */
bool classify_rule_spares_only_key(const char *name);
/* "" for 0 and for a number that this version does not know. */
const char *classify_rule_name(unsigned number);

#endif
