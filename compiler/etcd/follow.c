#include "follow.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <curl/curl.h>
#include <sodium.h>

#include "clock.h"
#include "exit_status.h"
#include "fleet_state.h"
#include "follow_cooldowns.h"
#include "follow_machine.h"
#include "follow_revision.h"
#include "iso_time.h"

enum { FIRST_DELAY_MS = 200, LONGEST_DELAY_MS = 15000, LINE_MOST = 4096 };

struct follower {
    struct fleet *fleet;
    struct arena *scratch; /* of one turn */
    struct revision_follower revision;
    struct machine_follower machine;
    struct cooldown_follower cooldowns;
    struct etcd_watch *watch;
    long long seen; /* etcd's own revision up to which everything is known */
    int bell;
    char line[LINE_MOST]; /* of standard input, as far as it has come */
    size_t len;
    bool ended;
    bool compiled; /* the home, since the last turn */
    bool tell;     /* something may be to be told to the fleet */
    bool heard;
    char since[32];
    char refused[32];   /* since then what is offered is not taken; "": it is */
    char trouble[1024]; /* the last one that was said, and written */
    bool written;
};

/* --- what is said --- */

static void say(int priority, const char *text)
{
    (void)printf("<%d>%s\n", priority, text);
    (void)fflush(stdout);
}

static void write_state(struct follower *f, const char *trouble)
{
    const struct fleet_state state = {.fleet = f->fleet->settings->name,
                                      .revision = f->revision.number,
                                      .offered = f->revision.offered,
                                      .heard = f->heard,
                                      .since = f->since,
                                      .refused_since = f->refused,
                                      .trouble = trouble};
    int error = fleet_state_write(f->scratch, f->fleet->home, &state);
    if (error != 0)
        say(4, arena_printf(f->scratch, "compiled/fleet.json cannot be written: %s", strerror(-error)));
}

/* TROUBLE, where it is another one than before; "": there is none any more. */
static void note(struct follower *f, bool heard, const char *trouble)
{
    bool turned = heard != f->heard || !f->written;
    bool other = strcmp(trouble, f->trouble) != 0;
    if (turned)
        (void)snprintf(f->since, sizeof f->since, "%s", iso_time_now(f->scratch));
    if (*f->revision.trouble == '\0')
        *f->refused = '\0';
    else if (*f->refused == '\0')
        (void)snprintf(f->refused, sizeof f->refused, "%s", iso_time_now(f->scratch));
    f->heard = heard;
    f->written = true;
    (void)snprintf(f->trouble, sizeof f->trouble, "%s", trouble);
    write_state(f, trouble);
    if (turned && heard)
        say(6, arena_printf(f->scratch, "following fleet %s, revision %lld", f->fleet->settings->name,
                            f->revision.number));
    if (other && *trouble != '\0')
        say(4, arena_printf(f->scratch, "fleet %s: %s%s", f->fleet->settings->name, trouble,
                            heard || f->revision.number == 0
                                ? ""
                                : arena_printf(f->scratch, "; revision %lld stays active", f->revision.number)));
}

/* --- what comes in --- */

static void take_lines(struct follower *f)
{
    char *newline;
    while ((newline = memchr(f->line, '\n', f->len)) != NULL) {
        follow_machine_learn(&f->machine, f->line, (size_t)(newline - f->line));
        f->len -= (size_t)(newline + 1 - f->line);
        memmove(f->line, newline + 1, f->len);
        f->tell = f->compiled = true;
    }
    if (f->len == sizeof f->line)
        f->len = 0; /* no line of hermes-watch's is so long */
}

static void read_input(struct follower *f)
{
    char byte[256];
    for (;;) {
        size_t room = f->len < sizeof f->line ? sizeof f->line - f->len : 0; /* as gcc 14 wants to see it */
        ssize_t got = read(STDIN_FILENO, f->line + f->len, room);
        if (got > 0) {
            f->len += (size_t)got;
            take_lines(f);
            continue;
        }
        f->ended = f->ended || got == 0 || (errno != EAGAIN && errno != EINTR);
        break;
    }
    while (f->bell >= 0 && read(f->bell, byte, sizeof byte) > 0)
        f->tell = true;
}

/* A pipe with a name: whoever books a key in this home wakes us by it. */
static void open_bell(struct follower *f)
{
    struct stat st;
    const char *path = arena_printf(f->fleet->arena, "%s/" FLEET_BELL_FILE, f->fleet->home);
    (void)mkdir(arena_printf(f->fleet->arena, "%s/compiled", f->fleet->home), 0700);
    if (lstat(path, &st) == 0 && !S_ISFIFO(st.st_mode))
        (void)unlink(path);
    if (mkfifo(path, 0600) < 0 && errno != EEXIST)
        return;
    f->bell = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);
}

static void wait_for_input(struct follower *f, int timeout_ms)
{
    struct pollfd fds[] = {{.fd = STDIN_FILENO, .events = POLLIN}, {.fd = f->bell, .events = POLLIN}};
    const long long until = clock_monotonic_us() + timeout_ms * 1000LL;
    for (long long left = timeout_ms; left > 0 && !f->ended; left = (until - clock_monotonic_us()) / 1000) {
        (void)poll(fds, 2, (int)left);
        read_input(f);
    }
}

/* --- what comes from etcd --- */

static bool ends_with(const char *text, const char *end)
{
    size_t len = strlen(text);
    return len >= strlen(end) && strcmp(text + len - strlen(end), end) == 0;
}

/* False: this etcd is not ours. */
static bool take_revision(struct follower *f, const struct etcd_value *value)
{
    enum revision_answer answer = follow_revision(&f->revision, f->scratch, value);
    follow_machine_refuse(&f->machine, f->revision.trouble);
    if (answer == REVISION_TAKEN)
        say(6, arena_printf(f->scratch, "fleet %s: revision %lld", f->fleet->settings->name, f->revision.number));
    if (answer != REVISION_FOREIGN && (answer != REVISION_KEPT || strcmp(f->trouble, f->revision.trouble) != 0))
        note(f, true, f->revision.trouble);
    return answer != REVISION_FOREIGN;
}

static bool take_event(struct follower *f, const struct etcd_value *value)
{
    if (ends_with(value->key, "/sources/env"))
        return take_revision(f, value);
    if (strstr(value->key, "/machines/") == NULL)
        follow_cooldowns_event(&f->cooldowns, f->scratch, value);
    else if (follow_machine_sees(&f->machine, f->scratch, value))
        say(4, "fleet: " FOLLOW_MACHINE_TWIN);
    return true;
}

/* *RET_SEEN: etcd's own revision at which this was so. */
static int read_revision(struct follower *f, long long *ret_seen)
{
    struct etcd_values values;
    const char *place = fleet_copy_place(f->scratch, f->fleet->settings->name, "sources/env");
    int error = etcd_range(f->fleet->etcd, f->scratch, place, NULL, &values);
    if (error != 0)
        return error;
    *ret_seen = values.revision;
    return take_revision(f, values.count == 0 ? NULL : &values.items[0]) ? 0 : ETCD_REFUSED;
}

/* All there is, at one moment. */
static int read_all(struct follower *f)
{
    struct etcd_values cooldowns;
    int error = read_revision(f, &f->seen);
    if (error != 0)
        return error;
    error = fleet_range(f->fleet, f->scratch, "cooldowns/", &cooldowns);
    return error == 0 ? follow_cooldowns_all(&f->cooldowns, f->scratch, &cooldowns) : error;
}

static int begin(struct follower *f)
{
    struct arena *arena = f->scratch;
    const char *fleet = f->fleet->settings->name;
    int error = read_all(f);
    if (error != 0)
        return error;
    const struct etcd_range ranges[] = {
        {fleet_copy_place(arena, fleet, "sources/env"), NULL},
        {fleet_copy_place(arena, fleet, "cooldowns/"), fleet_copy_place(arena, fleet, "cooldowns0")},
        {fleet_copy_place(arena, fleet, "resets/"), fleet_copy_place(arena, fleet, "resets0")},
        {f->machine.place, NULL},
    };
    f->machine.renew = 0;
    f->tell = true;
    return etcd_watch_open(f->fleet->etcd, ranges, sizeof ranges / sizeof *ranges, f->seen + 1, &f->watch);
}

static int take_events(struct follower *f)
{
    struct etcd_values values;
    int error;
    while ((error = etcd_watch_read(f->watch, f->scratch, &values)) == 0 && values.count > 0) {
        for (size_t i = 0; i < values.count; i++)
            if (!take_event(f, &values.items[i]))
                return ETCD_REFUSED;
    }
    return error;
}

/* --- the loop --- */

static int turn(struct follower *f, long long *ret_next)
{
    int error = take_events(f);
    if (error == 0 && follow_revision_is_lost(&f->revision))
        error = ETCD_COMPACTED; /* as if nothing were known */
    if (error == 0 && f->compiled && *f->revision.trouble != '\0') {
        long long seen; /* the home is another one now: it may live with what it refused */
        error = read_revision(f, &seen);
    }
    f->compiled = false;
    if (error == 0 && (f->tell || f->cooldowns.untold)) {
        error = follow_cooldowns_tell(&f->cooldowns, f->scratch);
        f->tell = error != 0;
    }
    follow_cooldowns_write(&f->cooldowns, f->scratch);
    if (error == 0)
        error = follow_machine_turn(&f->machine, f->scratch, ret_next);
    return error;
}

/* Until something fails, or the end. */
static int listen_to(struct follower *f)
{
    while (!f->ended) {
        struct curl_waitfd fds[] = {{.fd = STDIN_FILENO, .events = CURL_WAIT_POLLIN},
                                    {.fd = f->bell, .events = CURL_WAIT_POLLIN}};
        long long next = 0;
        int error = turn(f, &next);
        arena_clear(f->scratch);
        if (error == 0 && etcd_watch_is_elsewhere(f->watch))
            error = ETCD_AWAY; /* its member did not answer a call */
        if (error != 0)
            return error;
        long long left = (next - clock_monotonic_us()) / 1000 + 1;
        etcd_watch_wait(f->watch, fds, f->bell >= 0 ? 2 : 1, left > 0 ? (int)left : 0);
        read_input(f);
    }
    return 0;
}

/* Nobody is to ask again in the same moment as all others. */
static int delay_ms(unsigned failures)
{
    long long longest = FIRST_DELAY_MS;
    for (unsigned i = 1; i < failures && longest < LONGEST_DELAY_MS; i++)
        longest *= 2;
    longest = longest < LONGEST_DELAY_MS ? longest : LONGEST_DELAY_MS;
    return (int)(longest / 4 + randombytes_uniform((uint32_t)(longest * 3 / 4)));
}

static void follow_on(struct follower *f)
{
    unsigned failures = 0;
    while (!f->ended) {
        long long began = clock_monotonic_us();
        int error = begin(f);
        if (error == 0) {
            note(f, true, f->revision.trouble);
            error = listen_to(f);
        }
        etcd_watch_close(f->watch);
        f->watch = NULL;
        if (f->ended)
            break;
        if (clock_monotonic_us() - began > 10 * 1000000LL)
            failures = 0;
        /* The first time it may only be that the endpoint is gone, and the next one answers. */
        if (failures++ > 0 && error != ETCD_COMPACTED)
            note(f, false, *f->revision.trouble != '\0' ? f->revision.trouble : etcd_trouble(f->fleet->etcd));
        arena_clear(f->scratch);
        wait_for_input(f, delay_ms(failures));
    }
}

int follow(struct fleet *fleet)
{
    static struct follower f;
    f = (struct follower){.fleet = fleet, .scratch = arena_create(), .bell = -1};
    (void)prctl(PR_SET_PDEATHSIG, SIGTERM);
    (void)fcntl(STDIN_FILENO, F_SETFL, O_NONBLOCK);
    open_bell(&f);
    follow_revision_open(&f.revision, fleet);
    follow_machine_open(&f.machine, fleet);
    follow_cooldowns_open(&f.cooldowns, fleet, f.machine.host);
    follow_on(&f);
    follow_cooldowns_close(&f.cooldowns);
    arena_destroy(f.scratch);
    return EXIT_OK;
}
