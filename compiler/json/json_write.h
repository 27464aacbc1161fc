/* Writes JSON into a text, one token after the other; commas come by themselves. */
#ifndef HERMES_JSON_WRITE_H
#define HERMES_JSON_WRITE_H

#include "text.h"
#include "diagnostic.h"

/* TEXT as a JSON string; a byte that is no UTF-8 becomes U+FFFD. */
void json_write_string(struct text *out, const char *text, size_t len);
/* `"name":`; the value follows. */
void json_write_name(struct text *out, const char *name);
void json_write_member(struct text *out, const char *name, const char *value);
void json_write_number(struct text *out, const char *name, unsigned long long value);
void json_write_truth(struct text *out, const char *name, bool value);
/* Before an item of an array, or a member's value that json_write_name has not announced. */
void json_write_item(struct text *out);
/* `"path":..., "line":..., "column":...`, as far as PLACE knows them; ABSENT: the path where there is no source, or
 * NULL. */
void json_write_place(struct text *out, struct place place, const char *absent);

#endif
