/* UTF-8 as Python's strict decoder takes it. */
#ifndef HERMES_UTF8_H
#define HERMES_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* The length of the character at BYTES, which has LEFT > 0 of them; 0 when it is none. */
size_t utf8_length(const char *bytes, size_t left);
/* How many of the LEFT > 0 bytes at BYTES, where no character is, one U+FFFD stands for: those that could have begun
 * one. */
size_t utf8_broken_length(const char *bytes, size_t left);
/* Where LEN bytes stop being UTF-8; LEN when they are it to the end. */
size_t utf8_valid(const char *bytes, size_t len);
/* The first CHARACTER, none of ASCII's, or NULL. (memmem is slow where what it looks for is short and absent.) */
const char *utf8_find(const char *bytes, size_t len, const char *character);

/* How many bytes the character at AT has, if it steers a terminal: C0, DEL, C1, and what ends a line or turns its
 * direction; else 0. */
size_t utf8_steers(const char *at, size_t left);

#endif
