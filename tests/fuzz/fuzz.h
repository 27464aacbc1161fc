/* What must hold after a compile in memory, whatever its sources are. */
#ifndef HERMES_FUZZ_H
#define HERMES_FUZZ_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json_span.h"
#include "pipeline.h"
#include "report.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline void must(bool holds, const char *what)
{
    if (holds)
        return;
    (void)fprintf(stderr, "BROKEN: %s\n", what);
    abort();
}

/* No key may be in anything that is printed. Only what looks like a key is looked for: `config.yaml` is one, too. */
static inline void check_secrets(const struct compiled *f)
{
    char *printed = NULL;
    size_t len = 0;
    FILE *stream = open_memstream(&printed, &len);
    struct text out = {.arena = f->diagnostics.arena};
    for (size_t i = 0; i < f->diagnostics.count; i++)
        diagnostic_print(f->diagnostics.items[i], true, stream);
    text_putc(&out, '{');
    report_json(&out, &f->diagnostics);
    (void)fwrite(out.bytes, 1, out.len, stream);
    (void)fclose(stream);
    for (size_t i = 0; i < f->providers.count; i++)
        for (size_t k = 0; k < f->providers.items[i]->credential_count; k++) {
            const char *secret = f->providers.items[i]->credentials[k].secret;
            bool looked_for = strncmp(secret, "sk-test-", 8) == 0 && strlen(secret) > 12;
            must(!looked_for || memmem(printed, len, secret, strlen(secret)) == NULL, "a key was printed");
        }
    free(printed);
}

static inline void check_content(const struct compiled *f)
{
    size_t at;
    if (f->content.bytes != NULL)
        must(json_span_scan(f->diagnostics.arena, f->content.bytes, f->content.len, &at) != NULL,
             "the content is no JSON");
    else
        must(f->diagnostics.errors > 0, "refused without an error");
}

#endif
