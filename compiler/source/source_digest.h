/* The digest of a large source, made beside everything that is done before it is needed.
 *
 *     struct digesting digesting = {0};
 *     source_digest_begin(&digesting, source);
 *     ... parse it ...
 *     source_digest_end(&digesting);           always, and as often as one likes; source->digest is set
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
