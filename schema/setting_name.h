/* What the name of a configuration entry says about its value. */
#ifndef HERMES_SETTING_NAME_H
#define HERMES_SETTING_NAME_H

#include <stdbool.h>

/* It holds a key. Hermes's own list of names that it masks, and those its readers take keys from. */
bool setting_name_is_secret(const char *name);
bool setting_name_is_url(const char *name);
/* `api_key` or `base_url` where NAME is what other programs call these; else NULL. */
const char *setting_name_meant(const char *name);

#endif
