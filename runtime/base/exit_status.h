/* What the programs end with: one meaning for each number, in all of them. */
#ifndef HERMES_EXIT_STATUS_H
#define HERMES_EXIT_STATUS_H

enum exit_status {
    EXIT_OK = 0,
    EXIT_INVALID = 1, /* the configuration is invalid; hermes-relay --simulate: no key would be used */
    EXIT_USAGE = 2,   /* wrong usage, or a name that does not exist */
    EXIT_DIFFERS = 3, /* --diff or --live found something, or --probe a key that does not work */
    EXIT_IO = 4,      /* input or output failed, or no provider could be asked */
};

#endif
