#include "source_digest.h"

/* A thread takes as long to start as this many bytes to digest. */
enum { WORTH_A_THREAD = 16 * 1024 };

static void *work(void *source_)
{
    struct source *source = source_;
    source->digest = fingerprint_digest(source->bytes, source->len);
    return NULL;
}

void source_digest_begin(struct digesting *digesting, struct source *source)
{
    *digesting = (struct digesting){.source = source};
    if (source->len >= WORTH_A_THREAD)
        digesting->beside = pthread_create(&digesting->thread, NULL, work, source) == 0;
}

void source_digest_end(struct digesting *digesting)
{
    if (digesting->beside)
        (void)pthread_join(digesting->thread, NULL);
    else if (digesting->source != NULL)
        (void)work(digesting->source);
    *digesting = (struct digesting){0};
}
