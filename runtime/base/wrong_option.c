#include "wrong_option.h"

#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { LONGEST = 24 };

const char *wrong_option(char **argv)
{
    static char text[LONGEST + 32];
    const char *word = argv[optind - 1];
    const char *next = argv[optind]; /* still the same one in the middle of `-abc` */
    size_t len = strcspn(word, "=");
    bool cluster = optopt != 0 && next != NULL && next[0] == '-' && next[1] == optopt;
    if (cluster || strncmp(word, "--", 2) != 0 || len > LONGEST || strspn(word, "abcdefghijklmnopqrstuvwxyz-") < len)
        return "unknown option";
    if (optopt == 0)
        (void)snprintf(text, sizeof text, "unknown option %.*s", (int)len, word);
    else
        (void)snprintf(text, sizeof text, "%.*s %s", (int)len, word,
                       word[len] == '=' ? "takes no value" : "wants a value");
    return text;
}
