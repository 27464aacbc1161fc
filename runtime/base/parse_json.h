/* JSON from cJSON, which says of a failure neither what nor why: bad text and a lack of memory are told apart here. */
#ifndef HERMES_PARSE_JSON_H
#define HERMES_PARSE_JSON_H

#include <stddef.h>

#include <cjson/cJSON.h>

#include "arena.h"
#include "memory.h"
#include "must_check.h"

/* For counters: a double has each number up to here, and no counter comes near. */
#define PARSE_JSON_COUNT_MOST 999999999999999LL

/* The value that TEXT starts with, to be freed with cJSON_Delete; *RET_END (NULL is fine) is where it ends. NULL with
 * errno ENOMEM, or EINVAL when it is not JSON. */
cJSON *parse_json(const char *text, size_t len, const char **ret_end) MUST_CHECK;
/* A copy of the text that the member NAME of OBJECT is; "" when it is none. */
const char *parse_json_text(struct arena *arena, const cJSON *object, const char *name);
/* The number from 0 to MOST that it is, without its fraction; 0 when it is none. */
long long parse_json_number(const cJSON *object, const char *name, long long most);
/* That VALUE (NULL: none) is deleted where memory runs out; memory_give_back deletes it. */
void parse_json_hold(struct memory_hold *hold, cJSON *value);

#endif
