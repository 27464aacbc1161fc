/* `hermes-relay --simulate`: who would serve if keys had been answered so. */
#ifndef HERMES_SIMULATE_H
#define HERMES_SIMULATE_H

#include "must_check.h"

/* WHAT: `KEY=STATUS[:SECONDS]`, separated by blanks. KEY is a fingerprint, its beginning of at least four hex
 * digits, with or without `sha256:`, the key's label, or where it comes from (`XIAOMI_API_KEY`, `model.api_key`).
 * Nothing is asked and nothing is booked. Prints one line a key on standard output, in the order of a request. Returns
 * an exit status: 0 somebody would serve, 1 nobody, 2 WHAT is wrong, 4 there is no usable snapshot. */
int simulate(const char *home, const char *what) MUST_CHECK;

#endif
