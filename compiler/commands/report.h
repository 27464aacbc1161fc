/* Diagnostics for programs: JSON, SARIF 2.1.0, and GitHub's annotations. For people: diagnostic_print. */
#ifndef HERMES_REPORT_H
#define HERMES_REPORT_H

#include "text.h"
#include "diagnostic.h"

/* `"errors":1,"warnings":0,"diagnostics":[...]`, inside an object that is open. */
void report_json(struct text *out, const struct diagnostics *diagnostics);
/* A whole SARIF log. */
void report_sarif(struct text *out, const struct diagnostics *diagnostics);
/* A workflow command a line. */
void report_github(struct text *out, const struct diagnostics *diagnostics);

#endif
