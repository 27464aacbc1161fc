#include "replace_together.h"

#include <pthread.h>
#include <stdbool.h>

struct beside {
    pthread_t thread;
    int (*step)(struct replacement *);
    struct replace_step *on;
    bool started;
};

static void *work(void *beside_)
{
    struct beside *beside = beside_;
    beside->on->error = beside->step(beside->on->replacement);
    return NULL;
}

/* The last one is done here; and so are those for which there is no thread. */
void replace_together(int (*step)(struct replacement *), struct replace_step *steps, size_t count)
{
    struct beside all[REPLACE_TOGETHER_MOST];
    for (size_t i = 0; i < count; i++) {
        all[i] = (struct beside){.step = step, .on = &steps[i]};
        all[i].started = i + 1 < count && pthread_create(&all[i].thread, NULL, work, &all[i]) == 0;
    }
    for (size_t i = 0; i < count; i++)
        if (!all[i].started)
            (void)work(&all[i]);
    for (size_t i = 0; i < count; i++)
        if (all[i].started)
            (void)pthread_join(all[i].thread, NULL);
}
