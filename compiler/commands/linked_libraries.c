#include "linked_libraries.h"

#include <cjson/cJSON.h>
#include <sodium.h>
#include <stdio.h>
#include <yaml.h>

void linked_libraries_print(void)
{
    (void)printf("libyaml %s, cJSON %s, libsodium %s", yaml_get_version_string(), cJSON_Version(),
                 sodium_version_string());
}
