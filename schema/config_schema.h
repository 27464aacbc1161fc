/* What config.yaml may say: one rule for each key that Hermes or this program reads. From it come the checks, the words
 * that diagnostics may show, the JSON Schema and the suggestions for misspelt keys. A key without a rule is no error:
 * Hermes grows faster than this table. */
#ifndef HERMES_CONFIG_SCHEMA_H
#define HERMES_CONFIG_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>

enum config_flag {
    CONFIG_ANY = 0,
    CONFIG_BOOL = 1,
    CONFIG_NUMBER = 2,
    CONFIG_TEXT = 4, /* any scalar: Hermes takes most of them as text */
    CONFIG_LIST = 8,
    CONFIG_MAP = 16,
    CONFIG_TYPES = 31,    /* none of them: anything */
    CONFIG_PROVIDER = 32, /* the id, alias or name of a provider */
    CONFIG_URL = 64,
    CONFIG_VARIABLE = 128, /* the name of a variable */
    CONFIG_CLOSED = 256,   /* a map whose keys are all known */
};

struct config_rule {
    const char *path; /* dotted; `*` stands for any key of a map, `[]` for any item of a list */
    unsigned flags;
    const char *doc;     /* one sentence without its full stop, or NULL */
    const char *choices; /* the texts that it may be, with blanks between; NULL: any */
    const char *instead; /* deprecated: the path to use; else NULL */
};

extern const struct config_rule config_rules[];
extern const size_t config_rule_count;

/* The rule of exactly this path, or NULL. */
const struct config_rule *config_schema_find(const char *path);
/* The rules below PATH ("": all), children and their children. */
const struct config_rule *config_schema_below(const char *path, size_t *ret_count);
/* What a rule below PARENT is called there when it is a direct child, else NULL. */
const char *config_schema_child_name(const struct config_rule *rule, const char *parent);
/* Whether any rule's key is called so. */
bool config_schema_name_known(const char *name, size_t len);

#endif
