/* What a call answers is to be looked at: whether it succeeded, or something that is the caller's from then on. Stands
 * behind each prototype of that kind; tests/structure names those that may be left without. */
#ifndef HERMES_MUST_CHECK_H
#define HERMES_MUST_CHECK_H

#define MUST_CHECK __attribute__((warn_unused_result))

#endif
