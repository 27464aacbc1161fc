/* Where a provider's keys go: the variables for base URLs, and what Hermes finds out by itself. */
#ifndef HERMES_PROVIDER_URL_H
#define HERMES_PROVIDER_URL_H

#include "draft.h"

void provider_url_take_variables(struct resolver *r);
void provider_url_respect_discovered(struct provider *provider);
/* Where config.yaml names the URL: what Hermes seeds its own entries with all the same. */
void provider_url_note_seeded(struct resolver *r, struct provider *provider);
void provider_url_leave_to_plugin(struct resolver *r, struct provider *provider);
/* A provider of the table without any URL gets no entries in the pool. */
void provider_url_leave_out(struct resolver *r, struct provider *provider);
void provider_url_share(struct provider *provider);

#endif
