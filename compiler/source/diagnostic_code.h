/* The codes that a diagnostic may have, from one table (diagnostic_code.def): for the diagnostics themselves,
 * --explain-code, SARIF's rules, and the man page. A code that is not in it does not compile. */
#ifndef HERMES_DIAGNOSTIC_CODE_H
#define HERMES_DIAGNOSTIC_CODE_H

enum severity { SEVERITY_HINT, SEVERITY_WARNING, SEVERITY_ERROR };

enum diagnostic_code {
#define CODE(NAME, name, severity, title, page) CODE_##NAME,
#include "diagnostic_code.def"
#undef CODE
    DIAGNOSTIC_CODES,
};

struct diagnostic_page {
    const char *name;       /* stable, kebab-case */
    enum severity severity; /* unless the place says otherwise */
    const char *title;      /* one line, without a full stop */
    const char *text;       /* what Hermes does, and what to do */
};

extern const struct diagnostic_page diagnostic_code_pages[DIAGNOSTIC_CODES];

/* DIAGNOSTIC_CODES when there is no such code. */
enum diagnostic_code diagnostic_code_find(const char *name);
/* The code that NAME may have meant, or NULL. */
const char *diagnostic_code_near(const char *name);

#endif
