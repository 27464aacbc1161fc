#include "relay.h"

struct hermes *relay_hermes(struct relay *relay)
{
    struct hermes *hermes = atomic_load(&relay->hermes);
    if (hermes != NULL) {
        (void)hermes_refresh(hermes);
        return hermes;
    }
    (void)pthread_mutex_lock(&relay->lock);
    hermes = atomic_load(&relay->hermes);
    if (hermes == NULL && hermes_open(relay->home, &hermes) == 0)
        atomic_store(&relay->hermes, hermes);
    (void)pthread_mutex_unlock(&relay->lock);
    return hermes;
}
