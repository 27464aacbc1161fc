#include "diagnostic_code.h"

#include <string.h>

#include "near_name.h"

const struct diagnostic_page diagnostic_code_pages[DIAGNOSTIC_CODES] = {
#define CODE(NAME, name, severity, title, page) [CODE_##NAME] = {name, SEVERITY_##severity, title, page},
#include "diagnostic_code.def"
#undef CODE
};

enum diagnostic_code diagnostic_code_find(const char *name)
{
    enum diagnostic_code code = 0;
    while (code < DIAGNOSTIC_CODES && strcmp(diagnostic_code_pages[code].name, name) != 0)
        code++;
    return code;
}

const char *diagnostic_code_near(const char *name)
{
    struct near_name near = {.written = name};
    for (size_t i = 0; i < DIAGNOSTIC_CODES; i++)
        near_name_consider(&near, diagnostic_code_pages[i].name);
    return near.best;
}
