/* JSON from cJSON, which says of a failure neither what nor why: bad text and a lack of memory are told apart here. */
#ifndef HERMES_PARSE_JSON_H
#define HERMES_PARSE_JSON_H

#include <stddef.h>

#include <cjson/cJSON.h>

#include "memory.h"
#include "must_check.h"

/* The value that TEXT starts with, to be freed with cJSON_Delete; *RET_END (NULL is fine) is where it ends. NULL with
 * errno ENOMEM, or EINVAL when it is not JSON. */
cJSON *parse_json(const char *text, size_t len, const char **ret_end) MUST_CHECK;
/* That VALUE (NULL: none) is deleted where memory runs out; memory_give_back deletes it. */
void parse_json_hold(struct memory_hold *hold, cJSON *value);

#endif
