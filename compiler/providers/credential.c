#include "credential.h"

#include <string.h>

#include "source.h"

bool credential_written_out(const struct credential *credential)
{
    const struct source *source = credential->origins[0].place.source;
    return credential->rank == RANK_CONFIG &&
           (source == NULL || source->kind == SOURCE_CONFIG || source->kind == SOURCE_MANAGED_CONFIG);
}

bool credential_stands_for_none(const struct credential *credential)
{
    return strcmp(credential->secret, "no-key-required") == 0;
}
