#include "key_header.h"

#include <stddef.h>
#include <string.h>

bool key_header_is_anthropic_login(const char *secret)
{
    return strncmp(secret, "sk-ant-oat", 10) == 0;
}

struct key_header key_header(const char *auth, const char *secret)
{
    if (strcmp(auth, "bearer") == 0)
        return (struct key_header){"Authorization", "Bearer ", NULL};
    if (strcmp(auth, "x-api-key") == 0 && key_header_is_anthropic_login(secret))
        return (struct key_header){"Authorization", "Bearer ", "oauth-2025-04-20"};
    return (struct key_header){auth, "", NULL};
}
