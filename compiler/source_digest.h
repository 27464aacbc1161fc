/* The digest of a large source, made beside the parsing of it: the two take about as long.
 *
 *     struct digesting digesting;
 *     source_digest_begin(&digesting, source);
 *     ... parse it ...
 *     source_digest_end(&digesting);           always; source->digest is set
 */
#ifndef HERMES_SOURCE_DIGEST_H
#define HERMES_SOURCE_DIGEST_H

#include <pthread.h>

#include "source.h"

struct digesting {
    struct source *source;
    pthread_t thread;
    bool beside;
};

/* SOURCE's bytes stay as they are until the end. */
void source_digest_begin(struct digesting *digesting, struct source *source);
void source_digest_end(struct digesting *digesting);

#endif
