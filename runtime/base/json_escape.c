#include "json_escape.h"

#include <string.h>

size_t json_escape(unsigned char c, char out[JSON_ESCAPE_SIZE])
{
    static const char special[] = "\"\\\n\t\r";
    static const char letters[] = "\"\\ntr";
    static const char hex[] = "0123456789abcdef";
    const char *found = c == '\0' ? NULL : strchr(special, c);
    if (found == NULL && c >= 0x20)
        return 0;
    memcpy(out, "\\u00", 4);
    out[4] = hex[c >> 4];
    out[5] = hex[c & 15];
    if (found != NULL)
        out[1] = letters[found - special];
    return found != NULL ? 2 : 6;
}
