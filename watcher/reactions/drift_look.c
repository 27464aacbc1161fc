#include "drift_look.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "journal.h"
#include "memory.h"

enum {
    CALM_USEC = 200000,     /* after a change, so that a burst of them is one */
    INTERVAL_USEC = 5000000 /* between two looks at a home */
};

/* Outlives its owner, if it must. */
struct look {
    struct job job;
    struct drift_look *of; /* NULL: nobody is left to be told */
    struct drift_turns *turns;
    sd_event *event;
    uint64_t began;
    const char *managed;
    struct compilation compilation;
    struct drift drift;
    bool starved; /* memory ran out */
    char home[];
};

/* In a thread of its own. The daemon's environment is no evidence: nobody starts Hermes from it. */
static void find(void *data)
{
    struct look *look = data;
    compile_home(&look->compilation, &(struct compile_request){.home = look->home, .managed = look->managed});
    if (look->compilation.outcome == COMPILE_VALID)
        look->drift = drift_find(&look->compilation, look->home, NULL);
}

static void ask(struct job *job)
{
    ((struct look *)job)->starved = !memory_try(find, job);
}

static void work(struct job *job)
{
    job_ask(job, ask);
}

void drift_look_say(const struct watched_home *home, const struct drift *drift)
{
    if (home->quiet)
        return;
    for (size_t i = 0; i < drift->count; i++) {
        const struct finding *f = &drift->items[i];
        struct text text = {.arena = drift->arena};
        text_printf(&text, "drift: %s: ", f->where);
        if (f->variable != NULL)
            text_printf(&text, "%s is %s; ", f->variable, f->found != NULL ? f->found : "set");
        text_puts(&text, f->message);
        journal_write(&(struct journal_entry){.priority = f->matters ? LOG_WARNING : LOG_NOTICE,
                                              .label = home->label,
                                              .message = text.bytes,
                                              .home = home->home,
                                              .generation = home->state->generation,
                                              .fingerprint = f->found,
                                              .code = "drift"});
    }
    if (drift->count == 0)
        watched_home_say(home, LOG_INFO, "drift", "drift resolved: everything matches the configuration");
}

static uint64_t now_usec(sd_event *event)
{
    uint64_t now = 0;
    (void)sd_event_now(event, CLOCK_MONOTONIC, &now);
    return now;
}

static void wake_at(struct drift_look *look, uint64_t when)
{
    (void)sd_event_source_set_time(look->timer, when);
    (void)sd_event_source_set_enabled(look->timer, SD_EVENT_ONESHOT);
}

/* Of those that want to be looked at, the one that has waited longest; the others have no timer meanwhile. */
static void look_at_the_next(struct drift_turns *turns)
{
    struct drift_look *next = NULL;
    for (struct drift_look *look = turns->looks; look != NULL; look = look->next)
        if (look->wanted && (next == NULL || look->looked < next->looked))
            next = look;
    if (next != NULL)
        wake_at(next, turns->look_after);
}

static void tell(void *data)
{
    struct look *look = data;
    look->of->done(look->of->owner, &look->drift);
}

static void done(struct job *job)
{
    struct look *look = (struct look *)job;
    struct drift_turns *turns = look->turns;
    uint64_t now = now_usec(look->event);
    if (!look->job.apart) {
        turns->looking = false;
        turns->look_after = now + (now - look->began) * 9;
    }
    if (look->of != NULL) {
        look->of->under_way = NULL;
        if (look->starved || (look->compilation.outcome == COMPILE_VALID && !memory_try(tell, look)))
            drift_look_soon(look->of);
    }
    compilation_finish(&look->compilation);
    free(look);
    (void)malloc_trim(0); /* the last thing that follows a change */
    look_at_the_next(turns);
}

static void start(struct drift_look *look, uint64_t now)
{
    size_t room = strlen(look->home->home) + 1;
    struct look *begun = calloc(1, sizeof *begun + room);
    if (begun == NULL) {
        wake_at(look, now + INTERVAL_USEC);
        return;
    }
    begun->job = (struct job){.work = work, .done = done, .apart = look->apart};
    begun->compilation = (struct compilation){.outcome = COMPILE_FAILED, .lock = -1};
    begun->of = look;
    begun->turns = look->turns;
    begun->event = look->home->event;
    begun->began = look->looked = now;
    begun->managed = look->managed;
    memcpy(begun->home, look->home->home, room);
    look->under_way = begun;
    look->turns->looking = look->turns->looking || !look->apart;
    jobs_start(look->jobs, &begun->job);
}

static int at_time(sd_event_source *timer, uint64_t when, void *data)
{
    struct drift_look *look = data;
    struct drift_turns *turns = look->turns;
    (void)timer;
    (void)when;
    uint64_t now = now_usec(look->home->event);
    if (look->under_way != NULL)
        return 0; /* it hangs */
    look->wanted = turns->looking || now < turns->look_after;
    if (turns->looking)
        return 0; /* the end of that look wakes the next one */
    if (look->wanted)
        look_at_the_next(turns);
    else
        start(look, now);
    return 0;
}

int drift_look_open(struct drift_look *look, const struct watched_home *home, const char *managed, struct jobs *jobs,
                    struct drift_turns *turns, drift_look_done *done_with, void *owner)
{
    *look = (struct drift_look){.home = home,
                                .managed = managed,
                                .jobs = jobs,
                                .turns = turns,
                                .next = turns->looks,
                                .done = done_with,
                                .owner = owner};
    turns->looks = look;
    int error = sd_event_add_time(home->event, &look->timer, CLOCK_MONOTONIC, 0, 1, at_time, look);
    return error < 0 ? error : sd_event_source_set_enabled(look->timer, SD_EVENT_OFF);
}

void drift_look_soon(struct drift_look *look)
{
    int armed = SD_EVENT_OFF;
    (void)sd_event_source_get_enabled(look->timer, &armed);
    if (armed != SD_EVENT_OFF || look->wanted)
        return;
    uint64_t calm = now_usec(look->home->event) + CALM_USEC;
    uint64_t next = look->looked == 0 ? 0 : look->looked + INTERVAL_USEC;
    wake_at(look, next > calm ? next : calm);
}

void drift_look_close(struct drift_look *look)
{
    if (look->turns == NULL)
        return; /* never opened */
    struct drift_look **at = &look->turns->looks;
    look->timer = sd_event_source_disable_unref(look->timer);
    while (*at != look)
        at = &(*at)->next;
    *at = look->next;
    if (look->under_way != NULL)
        look->under_way->of = NULL;
    if (look->wanted)
        look_at_the_next(look->turns);
    *look = (struct drift_look){0};
}
