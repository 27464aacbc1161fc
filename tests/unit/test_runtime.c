/* A gateway's life with a handle: which key goes out, what a report does, and
 * what bad files cannot do. Every test has a home of its own. */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "acquire.h"
#include "bookings.h"
#include "fingerprint.h"
#include "hermes_runtime.h"
#include "replace.h"
#include "snapshot_format.h"

struct home {
    char path[64];
    struct hermes *hermes;
};

static double now_seconds(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void in_home(const struct home *home, const char *name, char path[128])
{
    (void)snprintf(path, 128, "%s/%s", home->path, name);
}

static const char *print_of(const char *key)
{
    static struct fingerprint fingerprint;
    fingerprint = fingerprint_of(key, strlen(key));
    return fingerprint.text;
}

static size_t credential(char *out, size_t size, const char *key)
{
    return (size_t)snprintf(out, size,
                            "{\"id\":\"a1b2c3\",\"label\":\"l\",\"auth_type\":"
                            "\"api_key\",\"secret\":\"%s\","
                            "\"fingerprint\":\"%s\",\"origins\":[]}",
                            key, print_of(key));
}

/* Publishes a snapshot in which xiaomi has KEYS (separated by blanks) under
 * STRATEGY; NULL: in which there is no xiaomi. */
static void publish(const struct home *home, long long generation, const char *strategy, const char *keys)
{
    char content[4096];
    char file[8192];
    char path[128];
    size_t len = (size_t)snprintf(content, sizeof content,
                                  "{\"sources\":[],\"config\":{\"model\":{\"provider\":\"mimo\",\"a.b\":{"
                                  "\"c\":[10,{\"d\":\"x\\\"y\"}]}},"
                                  "\"hermes_watch\":{\"cooldown_401\":7000,\"cooldown_403\":-5},"
                                  "\"fallback_providers\":[{\"provider\":\"custom:my-llm\",\"model\":\"m\"}"
                                  "]},\"env\":{\"A\":\"1\"},"
                                  "\"default_provider\":\"xiaomi\",\"providers\":{\"%s\":{\"base_url\":"
                                  "\"https://x.test/v1\","
                                  "\"strategy\":\"%s\",\"auth\":\"bearer\",\"headers\":{\"X-Team\":"
                                  "\"blue\"},\"credentials\":[",
                                  strategy == NULL ? "another" : "xiaomi", strategy == NULL ? "fill_first" : strategy);
    for (const char *at = keys; *at != '\0';) {
        char key[64];
        size_t size = strcspn(at, " ");
        (void)snprintf(key, sizeof key, "%.*s", (int)size, at);
        content[len] = ',';
        len += at != keys;
        len += credential(content + len, sizeof content - len, key);
        at += size + strspn(at + size, " ");
    }
    len += (size_t)snprintf(content + len, sizeof content - len,
                            "]},\"custom:my-llm\":{\"base_url\":\"http://"
                            "127.0.0.1:9\",\"strategy\":\"fill_first\","
                            "\"auth\":\"bearer\",\"credentials\":[]}},"
                            "\"shadowed\":[],\"warnings\":[]}");
    int size = snprintf(file, sizeof file,
                        "{\"meta\":{\"format\":1,\"generation\":%lld,\"compiled_at\":"
                        "\"2026-11-25T00:00:00.000Z\","
                        "\"content_bytes\":%zu,\"digest\":\"%s\"},\"content\":%s}\n",
                        generation, len, fingerprint_digest(content, len).text, content);
    in_home(home, SNAPSHOT_FILE, path);
    assert_int_equal(replace_file(path, file, (size_t)size, 0600), 0);
}

static void write_file(const struct home *home, const char *name, const void *bytes, size_t len, mode_t mode)
{
    char path[128];
    in_home(home, name, path);
    (void)unlink(path);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, len), (ssize_t)len);
    assert_int_equal(fchmod(fd, mode), 0);
    (void)close(fd);
}

static int set_up(void **state)
{
    char path[128];
    struct home *home = calloc(1, sizeof *home);
    strcpy(home->path, "/tmp/hermes-runtime-XXXXXX");
    if (mkdtemp(home->path) == NULL)
        return -1;
    in_home(home, SNAPSHOT_DIRECTORY, path);
    (void)mkdir(path, 0700);
    *state = home;
    return 0;
}

static int tear_down(void **state)
{
    struct home *home = *state;
    char command[128];
    hermes_close(home->hermes);
    (void)snprintf(command, sizeof command, "rm -rf %s", home->path);
    int status = system(command);
    free(home);
    return status;
}

static void open_home(struct home *home)
{
    assert_int_equal(hermes_open(home->path, &home->hermes), 0);
}

/* The secret that goes out now, "" when none does; the attempt is given back. */
static const char *next(struct home *home)
{
    static char secret[64];
    struct hermes_attempt attempt;
    if (hermes_acquire(home->hermes, NULL, NULL, 0, &attempt) != 0)
        return "";
    (void)snprintf(secret, sizeof secret, "%s", attempt.credential->secret);
    hermes_release(home->hermes, &attempt);
    return secret;
}

/* The next key is answered so. */
static int answered(struct home *home, enum hermes_verdict verdict, double seconds, const char *rule, int status)
{
    struct hermes_attempt attempt;
    const struct hermes_judgement judgement = {
        .verdict = verdict, .until = now_seconds() + seconds, .rule = rule, .status = status, .given = true};
    assert_int_equal(hermes_acquire(home->hermes, NULL, NULL, 0, &attempt), 0);
    int error = hermes_report(home->hermes, &attempt, &judgement);
    hermes_release(home->hermes, &attempt);
    return error;
}

/* --- Which key --- */

static void fill_first_stays_on_the_first_healthy_key(void **state)
{
    struct home *home = *state;
    publish(home, 1, "fill_first", "sk-test-1 sk-test-2");
    open_home(home);
    for (int i = 0; i < 3; i++)
        assert_string_equal(next(home), "sk-test-1");
    assert_int_equal(answered(home, HERMES_KEY_COOLING, 900, "429-retry-after", 429), 0);
    assert_string_equal(next(home), "sk-test-2");
}

static void round_robin_takes_the_key_that_waits_longest(void **state)
{
    struct home *home = *state;
    static const char *const order[] = {"sk-test-1", "sk-test-2", "sk-test-3", "sk-test-1", "sk-test-2"};
    publish(home, 1, "round_robin", "sk-test-1 sk-test-2 sk-test-3");
    open_home(home);
    for (size_t i = 0; i < 5; i++)
        assert_string_equal(next(home), order[i]);
    assert_int_equal(answered(home, HERMES_KEY_COOLING, 900, "429", 429), 0); /* the third */
    assert_string_equal(next(home), "sk-test-1");
    assert_string_equal(next(home), "sk-test-2");
    assert_string_equal(next(home), "sk-test-1");
}

static void least_used_evens_out_and_remembers(void **state)
{
    struct home *home = *state;
    publish(home, 1, "fill_first", "sk-test-1");
    open_home(home);
    for (int i = 0; i < 3; i++)
        assert_string_equal(next(home), "sk-test-1");
    publish(home, 2, "least_used", "sk-test-1 sk-test-2");
    hermes_close(home->hermes);
    open_home(home);
    for (int i = 0; i < 3; i++)
        assert_string_equal(next(home), "sk-test-2");
    assert_string_equal(next(home), "sk-test-1");
    assert_string_equal(next(home), "sk-test-2");
}

static void random_uses_all_keys(void **state)
{
    struct home *home = *state;
    unsigned seen = 0;
    publish(home, 1, "random", "sk-test-1 sk-test-2 sk-test-3");
    open_home(home);
    for (int i = 0; i < 500; i++)
        seen |= 1U << (next(home)[8] - '1');
    assert_int_equal(seen, 7);
}

static void an_unknown_strategy_is_fill_first(void **state)
{
    struct home *home = *state;
    publish(home, 1, "weighted", "sk-test-1 sk-test-2");
    open_home(home);
    assert_string_equal(next(home), "sk-test-1");
    assert_string_equal(next(home), "sk-test-1");
}

static void each_key_is_tried_once(void **state)
{
    struct home *home = *state;
    const char *tried[2];
    struct hermes_attempt first, second, third;
    publish(home, 1, "fill_first", "sk-test-1 sk-test-2");
    open_home(home);
    assert_int_equal(hermes_acquire(home->hermes, "MiMo", tried, 0, &first), 0);
    tried[0] = first.credential->fingerprint;
    assert_int_equal(hermes_acquire(home->hermes, "xiaomi", tried, 1, &second), 0);
    assert_string_equal(second.credential->secret, "sk-test-2");
    tried[1] = second.credential->fingerprint;
    assert_int_equal(hermes_acquire(home->hermes, NULL, tried, 2, &third), HERMES_EXHAUSTED);
    assert_true(hermes_earliest(home->hermes, NULL) == 0);
    hermes_release(home->hermes, &first);
    hermes_release(home->hermes, &second);
    assert_int_equal(hermes_acquire(home->hermes, "nobody", NULL, 0, &third), HERMES_NO_PROVIDER);
    assert_int_equal(hermes_acquire(home->hermes, "My LLM", NULL, 0, &third), HERMES_NO_KEY);
}

static void an_empty_key_never_goes_out(void **state)
{
    struct home *home = *state;
    struct hermes_attempt attempt;
    publish(home, 1, "fill_first", " ");
    open_home(home);
    assert_int_equal(hermes_acquire(home->hermes, NULL, NULL, 0, &attempt), HERMES_NO_KEY);
}

/* --- What a report does --- */

static void a_cooldown_is_seen_by_every_handle_and_outlives_them(void **state)
{
    struct home *home = *state;
    struct hermes_key_state told;
    struct home other = *home;
    publish(home, 1, "fill_first", "sk-test-1 sk-test-2");
    open_home(home);
    open_home(&other);
    assert_string_equal(next(&other), "sk-test-1");
    double until = now_seconds() + 900;
    assert_int_equal(answered(home, HERMES_KEY_COOLING, 900, "402-retry-after", 402), 0);
    assert_string_equal(next(&other), "sk-test-2");
    hermes_close(other.hermes);
    open_home(&other);
    assert_string_equal(next(&other), "sk-test-2");
    assert_int_equal(hermes_key_state(other.hermes, "xiaomi", print_of("sk-test-1"), &told), 0);
    assert_int_equal(told.verdict, HERMES_KEY_COOLING);
    assert_true(fabs(told.until - until) < 5);
    assert_string_equal(told.rule, "402-retry-after");
    assert_int_equal(told.status, 402);
    assert_int_equal(told.requests, 2);
    assert_true(told.last_used > until - 1000);
    hermes_close(other.hermes);
}

static void a_key_comes_back_when_its_time_is_over(void **state)
{
    struct home *home = *state;
    publish(home, 1, "fill_first", "sk-test-1");
    open_home(home);
    assert_int_equal(answered(home, HERMES_KEY_COOLING, 900, "429", 429), 0);
    double earliest = hermes_earliest(home->hermes, NULL);
    assert_true(earliest > now_seconds() + 800 && earliest < now_seconds() + 901);
    assert_string_equal(next(home), "");
    struct bookings bookings = {.path = NULL};
    char path[128];
    in_home(home, BOOKINGS_FILE, path);
    bookings.path = path;
    bookings_look(&bookings, false, 0);
    const struct bookings_id id = bookings_id("xiaomi", print_of("sk-test-1"));
    const struct booking over = {HERMES_KEY_COOLING, 429, 24, now_seconds() - 0.01, 0, 0, 0};
    assert_int_equal(bookings_put(&bookings, &id, &over), 0);
    assert_string_equal(next(home), "sk-test-1");
    assert_true(hermes_earliest(home->hermes, NULL) == 0);
    bookings_finish(&bookings);
}

static void a_dead_key_stays_dead_until_it_is_replaced_or_reset(void **state)
{
    struct home *home = *state;
    struct hermes_attempt late;
    char path[128];
    const struct hermes_judgement cooling = {
        .verdict = HERMES_KEY_COOLING, .until = now_seconds() + 1, .rule = "429", .status = 429, .given = true};
    const struct hermes_judgement good = {
        .verdict = HERMES_KEY_GOOD, .until = 0, .rule = "good", .status = 200, .given = false};
    publish(home, 1, "fill_first", "sk-test-1");
    open_home(home);
    assert_int_equal(hermes_acquire(home->hermes, NULL, NULL, 0, &late), 0);
    assert_int_equal(answered(home, HERMES_KEY_DEAD, INFINITY, "401-revoked", 401), 0);
    assert_int_equal(hermes_report(home->hermes, &late, &cooling), 0); /* what was under way cannot wake it */
    assert_int_equal(hermes_report(home->hermes, &late, &good), 0);
    hermes_release(home->hermes, &late);
    assert_string_equal(next(home), "");
    assert_true(isinf(hermes_earliest(home->hermes, NULL)));
    publish(home, 2, "fill_first", "sk-test-2");
    assert_int_equal(hermes_refresh(home->hermes), 1);
    assert_string_equal(next(home), "sk-test-2");
    publish(home, 3, "fill_first", "sk-test-1");
    assert_int_equal(hermes_refresh(home->hermes), 1);
    assert_string_equal(next(home), ""); /* an old key that comes back is still known */
    struct bookings bookings = {.path = path};
    in_home(home, BOOKINGS_FILE, path);
    bookings_look(&bookings, false, 0);
    bookings_clear(&bookings, "deepseek", NULL, now_seconds(), NULL, NULL);
    assert_string_equal(next(home), "");
    bookings_clear(&bookings, "xiaomi", NULL, now_seconds(), NULL, NULL);
    assert_string_equal(next(home), "sk-test-1");
    bookings_finish(&bookings);
}

static void a_report_books_the_key_that_was_used(void **state)
{
    struct home *home = *state;
    struct hermes_attempt attempt;
    const struct hermes_judgement cooling = {
        .verdict = HERMES_KEY_COOLING, .until = now_seconds() + 900, .rule = "429", .status = 429, .given = true};
    publish(home, 1, "fill_first", "sk-test-1");
    open_home(home);
    assert_int_equal(hermes_acquire(home->hermes, NULL, NULL, 0, &attempt), 0);
    publish(home, 2, "fill_first", "sk-test-2");
    assert_int_equal(hermes_refresh(home->hermes), 1);
    assert_int_equal(attempt.generation, 1);
    assert_string_equal(attempt.credential->secret, "sk-test-1"); /* the old view lives on in the attempt */
    assert_int_equal(hermes_report(home->hermes, &attempt, &cooling), 0);
    hermes_release(home->hermes, &attempt);
    assert_string_equal(next(home), "sk-test-2");
}

static void the_configuration_sets_a_cooldown_that_nobody_named(void **state)
{
    struct home *home = *state;
    static const struct {
        int status;
        bool given;
        double seconds;
    } cases[] = {{401, false, 7000}, {401, true, 300}, {403, false, 300}, {429, false, 300}};
    publish(home, 1, "fill_first", "sk-test-1");
    open_home(home);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hermes_attempt attempt;
        struct bookings bookings = {.path = NULL};
        char path[128];
        double now = now_seconds();
        const struct hermes_judgement judgement = {.verdict = HERMES_KEY_COOLING,
                                                   .until = now + 300,
                                                   .rule = "401",
                                                   .status = cases[i].status,
                                                   .given = cases[i].given};
        assert_int_equal(hermes_acquire(home->hermes, NULL, NULL, 0, &attempt), 0);
        assert_int_equal(hermes_report(home->hermes, &attempt, &judgement), 0);
        hermes_release(home->hermes, &attempt);
        assert_true(fabs(hermes_earliest(home->hermes, NULL) - now - cases[i].seconds) < 60);
        in_home(home, BOOKINGS_FILE, path);
        bookings.path = path;
        bookings_look(&bookings, false, now);
        bookings_clear(&bookings, NULL, NULL, now, NULL, NULL);
        bookings_finish(&bookings);
    }
}

/* What next would give for a model; the next key for it is answered with a limit of SCOPE. */
static const char *next_for(struct home *home, const char *model, const char *endpoint, enum hermes_scope scope)
{
    static char secret[64];
    struct hermes_attempt attempt;
    const struct hermes_use use = {model, endpoint};
    if (hermes_acquire_for(home->hermes, NULL, &use, NULL, 0, &attempt) != 0)
        return "";
    (void)snprintf(secret, sizeof secret, "%s", attempt.credential->secret);
    const struct hermes_judgement limit = {.verdict = HERMES_KEY_COOLING,
                                           .until = now_seconds() + 900,
                                           .rule = "429-retry-after",
                                           .status = 429,
                                           .given = true,
                                           .scope = scope};
    if (scope != HERMES_SCOPE_KEY)
        assert_int_equal(hermes_report(home->hermes, &attempt, &limit), 0);
    hermes_release(home->hermes, &attempt);
    return secret;
}

static void a_limit_of_a_part_leaves_the_rest(void **state)
{
    struct home *home = *state;
    const char *list = "GET /models";
    publish(home, 1, "fill_first", "sk-test-1 sk-test-2");
    open_home(home);
    assert_string_equal(next_for(home, "big", "POST /chat", HERMES_SCOPE_MODEL), "sk-test-1");
    assert_string_equal(next_for(home, "big", list, HERMES_SCOPE_KEY), "sk-test-2");
    assert_string_equal(next_for(home, "small", list, HERMES_SCOPE_ENDPOINT), "sk-test-1");
    assert_string_equal(next_for(home, "small", list, HERMES_SCOPE_KEY), "sk-test-2");
    assert_string_equal(next_for(home, "small", "POST /chat", HERMES_SCOPE_REQUEST), "sk-test-1");
    assert_string_equal(next_for(home, "small", "POST /chat", HERMES_SCOPE_KEY), "sk-test-1");
    assert_string_equal(next(home), "sk-test-1"); /* whoever says nothing wants no part */

    struct bookings bookings = {.path = NULL};
    char path[128];
    in_home(home, BOOKINGS_FILE, path);
    bookings.path = path;
    bookings_look(&bookings, false, now_seconds());
    bookings_clear(&bookings, NULL, NULL, now_seconds(), NULL, NULL);
    bookings_finish(&bookings);
    assert_string_equal(next_for(home, "big", list, HERMES_SCOPE_KEY), "sk-test-1");
}

static void the_only_key_rests_for_a_minute(void **state)
{
    struct home *home = *state;
    static const struct {
        const char *keys;
        const char *rule;
        double seconds;
    } cases[] = {{"sk-test-1", "429", 60},
                 {"sk-test-1", "403", 60},
                 {"sk-test-1", "429-empty-balance", 3600},
                 {"sk-test-1 sk-test-2", "429", 3600}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hermes_attempt attempt;
        double now = now_seconds();
        const struct hermes_judgement limit = {
            .verdict = HERMES_KEY_COOLING, .until = now + 3600, .rule = cases[i].rule, .status = 429};
        publish(home, (int)i + 1, "fill_first", cases[i].keys);
        open_home(home);
        assert_int_equal(hermes_acquire(home->hermes, NULL, NULL, 0, &attempt), 0);
        double until = acquire_until(home->hermes, &attempt, &limit, now);
        assert_true(fabs(until - now - cases[i].seconds) < 1);
        hermes_release(home->hermes, &attempt);
        hermes_close(home->hermes);
        home->hermes = NULL;
    }
}

static void an_outage_is_the_providers_not_the_keys(void **state)
{
    struct home *home = *state;
    struct hermes_key_state told;
    publish(home, 1, "fill_first", "sk-test-1");
    open_home(home);
    assert_int_equal(answered(home, HERMES_PROVIDER_OUT, 30, "5xx", 503), 0);
    assert_string_equal(next(home), "sk-test-1");
    assert_int_equal(hermes_key_state(home->hermes, NULL, NULL, &told), 0);
    assert_int_equal(told.verdict, HERMES_PROVIDER_OUT);
    assert_int_equal(answered(home, HERMES_KEY_GOOD, 0, "good", 200), 0);
    assert_int_equal(hermes_key_state(home->hermes, NULL, NULL, &told), 0);
    assert_int_equal(told.verdict, HERMES_KEY_GOOD);
    assert_int_equal(answered(home, HERMES_REQUEST_WRONG, 0, "4xx", 400), 0);
    assert_string_equal(next(home), "sk-test-1");
}

static void the_pool_has_a_word_too(void **state)
{
    struct home *home = *state;
    struct hermes_key_state told;
    char text[512];
    int len = snprintf(text, sizeof text,
                       "{\"format\":1,\"cooldowns\":{\"xiaomi\":{\"%s\":{\"status\":"
                       "\"exhausted\",\"until\":%f,\"raw\":["
                       "\"\\\"exhausted\\\"\",\"1\",\"402\",\"null\",\"null\",\"null\"]}}}}",
                       print_of("sk-test-1"), now_seconds() + 900);
    publish(home, 1, "fill_first", "sk-test-1 sk-test-2");
    write_file(home, COOLDOWNS_FILE, text, (size_t)len, 0600);
    open_home(home);
    assert_string_equal(next(home), "sk-test-2");
    assert_int_equal(hermes_key_state(home->hermes, NULL, print_of("sk-test-1"), &told), 0);
    assert_string_equal(told.rule, "pool");
    assert_int_equal(told.status, 402);
    write_file(home, COOLDOWNS_FILE, "{}", 2, 0600);
    double deadline = now_seconds() + 60;
    while (strcmp(next(home), "sk-test-1") != 0)
        assert_true(now_seconds() < deadline); /* seen within 20 milliseconds */
}

/* --- Files that are not as they should be --- */

static void bad_bookings_are_made_anew(void **state)
{
    struct home *home = *state;
    struct booking_table *table = calloc(1, sizeof *table);
    const char *names[] = {"empty", "short", "foreign bytes", "another size of slots", "format 0"};
    publish(home, 1, "fill_first", "sk-test-1 sk-test-2");
    for (size_t i = 0; i < 5; i++) {
        memcpy(table->magic, i == 2 ? "something" : "hermesbk", 8);
        table->format = i == 4 ? 0 : 1;
        table->slot_count = i == 3 ? 77 : BOOKING_SLOTS;
        write_file(home, BOOKINGS_FILE, table, i == 0 ? 0 : i == 1 ? 100 : sizeof *table, 0600);
        open_home(home);
        assert_string_equal(next(home), "sk-test-1");
        if (answered(home, HERMES_KEY_COOLING, 900, "429", 429) != 0)
            fail_msg("%s: not made anew", names[i]);
        hermes_close(home->hermes);
        open_home(home);
        assert_string_equal(next(home), "sk-test-2");
        hermes_close(home->hermes);
    }
    home->hermes = NULL;
    free(table);
}

static void bookings_of_others_are_not_believed(void **state)
{
    struct home *home = *state;
    char path[128];
    char elsewhere[128];
    struct stat st;
    publish(home, 1, "fill_first", "sk-test-1 sk-test-2");
    open_home(home);
    assert_int_equal(answered(home, HERMES_KEY_COOLING, 900, "429", 429), 0);
    hermes_close(home->hermes);
    in_home(home, BOOKINGS_FILE, path);
    assert_int_equal(chmod(path, 0666), 0);
    open_home(home);
    assert_string_equal(next(home), "sk-test-1");
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    hermes_close(home->hermes);
    in_home(home, "elsewhere", elsewhere); /* a planted link is replaced, not followed */
    assert_int_equal(rename(path, elsewhere), 0);
    assert_int_equal(symlink(elsewhere, path), 0);
    open_home(home);
    assert_string_equal(next(home), "sk-test-1");
    assert_int_equal(lstat(path, &st), 0);
    assert_true(S_ISREG(st.st_mode));
}

static void newer_bookings_are_left_alone(void **state)
{
    struct home *home = *state;
    char path[128];
    struct stat st;
    struct booking_table *table = calloc(1, sizeof *table);
    memcpy(table->magic, "hermesbk", 8);
    table->format = 2;
    table->slot_count = BOOKING_SLOTS;
    publish(home, 1, "fill_first", "sk-test-1 sk-test-2");
    write_file(home, BOOKINGS_FILE, table, sizeof *table, 0600);
    in_home(home, BOOKINGS_FILE, path);
    assert_int_equal(stat(path, &st), 0);
    ino_t inode = st.st_ino;
    open_home(home);
    assert_true(answered(home, HERMES_KEY_COOLING, 900, "429", 429) < 0); /* only this process knows, and it does */
    assert_string_equal(next(home), "sk-test-2");
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_ino, inode);
    free(table);
}

static void bookings_that_vanish_are_made_again(void **state)
{
    struct home *home = *state;
    char path[128];
    struct stat st;
    publish(home, 1, "fill_first", "sk-test-1 sk-test-2");
    open_home(home);
    assert_int_equal(answered(home, HERMES_KEY_COOLING, 900, "429", 429), 0);
    in_home(home, BOOKINGS_FILE, path);
    assert_int_equal(unlink(path), 0);
    double deadline = now_seconds() + 60;
    while (stat(path, &st) != 0) {
        (void)next(home);
        assert_true(now_seconds() < deadline);
    }
    assert_string_equal(next(home), "sk-test-1"); /* removing the file is a reset */
}

/* In a process of its own, as nobody: root may write anything. */
static int as_nobody(struct home *home)
{
    if (geteuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0))
        return 1;
    if (hermes_open(home->path, &home->hermes) != 0)
        return 2;
    if (strcmp(next(home), "sk-test-1") != 0)
        return 3;
    if (answered(home, HERMES_KEY_COOLING, 900, "429", 429) >= 0)
        return 4;
    int result = strcmp(next(home), "sk-test-2") != 0 ? 5 : 0;
    hermes_close(home->hermes);
    return result;
}

static void a_home_that_cannot_be_written_still_serves(void **state)
{
    struct home *home = *state;
    char path[128];
    int status;
    publish(home, 1, "fill_first", "sk-test-1 sk-test-2");
    in_home(home, SNAPSHOT_DIRECTORY, path);
    assert_int_equal(chmod(home->path, 0755), 0);
    assert_int_equal(chmod(path, 0555), 0);
    in_home(home, SNAPSHOT_FILE, path);
    assert_int_equal(chmod(path, 0444), 0);
    pid_t child = fork();
    if (child == 0)
        _exit(as_nobody(home));
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void a_snapshot_that_goes_bad_changes_nothing(void **state)
{
    struct home *home = *state;
    char path[128];
    publish(home, 1, "fill_first", "sk-test-1");
    open_home(home);
    in_home(home, SNAPSHOT_FILE, path);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(hermes_refresh(home->hermes), HERMES_ABSENT);
    assert_string_equal(next(home), "sk-test-1");
    write_file(home, SNAPSHOT_FILE, "{\"meta\":", 8, 0600);
    assert_int_equal(hermes_refresh(home->hermes), HERMES_CORRUPT);
    assert_int_equal(hermes_refresh(home->hermes), HERMES_CORRUPT);
    assert_string_equal(next(home), "sk-test-1");
    publish(home, 2, "fill_first", "sk-test-2");
    assert_int_equal(chmod(path, 0666), 0);
    assert_int_equal(hermes_refresh(home->hermes), HERMES_UNSAFE);
    assert_string_equal(next(home), "sk-test-1");
    publish(home, 3, "fill_first", "");
    assert_int_equal(hermes_refresh(home->hermes), 1);
    assert_string_equal(next(home), "");
    publish(home, 4, "fill_first", "sk-test-4");
    assert_int_equal(hermes_refresh(home->hermes), 1);
    assert_int_equal(hermes_refresh(home->hermes), 0);
    assert_string_equal(next(home), "sk-test-4");
}

static void a_provider_may_be_lost_while_its_key_is_in_use(void **state)
{
    struct home *home = *state;
    struct hermes_attempt attempt, other;
    struct hermes_key_state told;
    const struct hermes_judgement dead = {
        .verdict = HERMES_KEY_DEAD, .until = INFINITY, .rule = "401-revoked", .status = 401, .given = false};
    publish(home, 1, "fill_first", "sk-test-1");
    open_home(home);
    assert_int_equal(hermes_acquire(home->hermes, NULL, NULL, 0, &attempt), 0);
    publish(home, 2, NULL, "sk-test-1");
    assert_int_equal(hermes_refresh(home->hermes), 1);
    assert_int_equal(hermes_acquire(home->hermes, NULL, NULL, 0, &other), HERMES_NO_PROVIDER);
    assert_int_equal(hermes_key_state(home->hermes, NULL, NULL, &told), HERMES_NO_PROVIDER);
    assert_true(isinf(hermes_earliest(home->hermes, "xiaomi")));
    assert_string_equal(attempt.provider->base_url, "https://x.test/v1");
    assert_int_equal(hermes_report(home->hermes, &attempt, &dead), 0);
    hermes_release(home->hermes, &attempt);
    publish(home, 3, "fill_first", "sk-test-1 sk-test-2");
    assert_int_equal(hermes_refresh(home->hermes), 1);
    assert_string_equal(next(home), "sk-test-2");
}

static void a_full_table_keeps_what_counts(void **state)
{
    struct home *home = *state;
    char path[128];
    char name[32];
    double now = now_seconds();
    publish(home, 1, "fill_first", "sk-test-1 sk-test-2");
    open_home(home);
    assert_int_equal(answered(home, HERMES_KEY_COOLING, 900, "429", 429), 0);
    struct bookings bookings = {.path = path};
    in_home(home, BOOKINGS_FILE, path);
    bookings_look(&bookings, true, now);
    const struct booking over = {HERMES_KEY_COOLING, 429, 24, now - 1, 0, 0, 0};
    for (int i = 0; i < BOOKING_SLOTS; i++) {
        (void)snprintf(name, sizeof name, "sk-test-old-%d", i);
        const struct bookings_id id = bookings_id("old", print_of(name));
        (void)bookings_put(&bookings, &id, &over);
    }
    bookings_look(&bookings, true, now);
    assert_true(atomic_load(&bookings.shared->taken) < 10);
    bookings_finish(&bookings);
    assert_string_equal(next(home), "sk-test-2");
    hermes_close(home->hermes);
    open_home(home);
    assert_string_equal(next(home), "sk-test-2");
}

/* --- Looking things up --- */

static void values_of_the_configuration(void **state)
{
    struct home *home = *state;
    size_t len;
    static const struct {
        const char *path;
        const char *value;
    } cases[] = {{"model.provider", "\"mimo\""},
                 {"fallback_providers.0.model", "\"m\""},
                 {"fallback_providers.0", "{\"provider\":\"custom:my-llm\",\"model\":\"m\"}"},
                 {"model.a.b.c.0", "10"},
                 {"model.a.b.c.1.d", "\"x\\\"y\""},
                 {"model.a.b.c.2", NULL},
                 {"model.a.b.c.x", NULL},
                 {"model.provide", NULL},
                 {"model.provider.x", NULL},
                 {"fallback_providers.1", NULL},
                 {"providers", NULL},
                 {".", NULL},
                 {"model.", NULL},
                 {"model..provider", NULL}};
    publish(home, 1, "fill_first", "sk-test-1");
    open_home(home);
    const struct hermes_view *view = hermes_hold(home->hermes);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *value = hermes_config(view, cases[i].path, &len);
        if ((value == NULL) != (cases[i].value == NULL) ||
            (value != NULL && (strlen(cases[i].value) != len || memcmp(value, cases[i].value, len) != 0)))
            fail_msg("%s: got %.*s", cases[i].path, value == NULL ? 4 : (int)len, value == NULL ? "none" : value);
    }
    const struct hermes_provider *provider = hermes_provider(view, " MIMO ");
    assert_string_equal(provider->headers[0].name, "X-Team");
    assert_string_equal(provider->headers[0].value, "blue");
    assert_string_equal(hermes_provider(view, "My LLM")->id, "custom:my-llm");
    assert_string_equal(hermes_provider(view, "custom:my llm")->id, "custom:my-llm");
    assert_null(hermes_provider(view, "deepseek"));
    assert_null(hermes_provider(view, ""));
    hermes_view_unref(view);
}

/* --- Many threads on one handle; run under ThreadSanitizer by the preset tsan
 * --- */

enum { THREADS = 8, ROUNDS = 400 };

static void *gateway(void *data)
{
    struct home *home = data;
    struct hermes_key_state told;
    for (int i = 0; i < ROUNDS; i++) {
        struct hermes_attempt attempt;
        int changed = hermes_refresh(home->hermes);
        if (changed < 0)
            return "a refresh failed";
        int error = hermes_acquire(home->hermes, NULL, NULL, 0, &attempt);
        if (error == HERMES_EXHAUSTED)
            continue;
        if (error != 0)
            return "no key";
        const struct hermes_judgement judgement = {.verdict = i % 3 == 0 ? HERMES_KEY_COOLING : HERMES_KEY_GOOD,
                                                   .until = now_seconds() + 0.0005,
                                                   .rule = "429",
                                                   .status = 429,
                                                   .given = true};
        char whole[64];
        (void)snprintf(whole, sizeof whole, "sk-test-%lld-", attempt.generation);
        if (strncmp(attempt.credential->secret, whole, strlen(whole)) != 0)
            return "a key of another generation";
        if (hermes_report(home->hermes, &attempt, &judgement) != 0)
            return "a report failed";
        (void)hermes_key_state(home->hermes, NULL, attempt.credential->fingerprint, &told);
        (void)hermes_earliest(home->hermes, NULL);
        hermes_release(home->hermes, &attempt);
        const struct hermes_view *view = hermes_hold(home->hermes);
        if (hermes_variable(view, "A") == NULL)
            return "no variable";
        hermes_view_unref(view);
    }
    return NULL;
}

static void many_threads_share_a_handle(void **state)
{
    struct home *home = *state;
    pthread_t threads[THREADS];
    void *complaint;
    publish(home, 1, "round_robin", "sk-test-1-a sk-test-1-b sk-test-1-c");
    open_home(home);
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, gateway, home), 0);
    for (int generation = 2; generation < 30; generation++) {
        char keys[128];
        (void)snprintf(keys, sizeof keys, "sk-test-%d-a sk-test-%d-b sk-test-%d-c", generation, generation, generation);
        publish(home, generation, "round_robin", keys);
    }
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], &complaint), 0);
        if (complaint != NULL)
            fail_msg("%s", (const char *)complaint);
    }
}

/* Processes that book at once lose nothing. */
static void many_processes_share_the_bookings(void **state)
{
    struct home *home = *state;
    struct hermes_key_state told;
    int status;
    publish(home, 1, "fill_first", "sk-test-1");
    for (int i = 0; i < 4; i++)
        if (fork() == 0) {
            struct home mine = *home;
            if (hermes_open(home->path, &mine.hermes) != 0)
                _exit(1);
            for (int k = 0; k < 1000; k++)
                (void)next(&mine);
            hermes_close(mine.hermes);
            _exit(0);
        }
    while (wait(&status) > 0)
        assert_int_equal(status, 0);
    open_home(home);
    assert_int_equal(hermes_key_state(home->hermes, NULL, print_of("sk-test-1"), &told), 0);
    assert_int_equal(told.requests, 4000);
}

static void a_view_outlives_what_is_no_news(void **state)
{
    struct home *home = *state;
    publish(home, 7, "fill_first", "sk-test-1");
    open_home(home);
    const struct hermes_view *view = hermes_current(home->hermes);
    publish(home, 7, "fill_first", "sk-test-1"); /* restored from a backup: the same in another inode */
    assert_int_equal(hermes_refresh(home->hermes), 0);
    assert_ptr_equal(hermes_current(home->hermes), view);
    assert_string_equal(hermes_variable(view, "A"), "1");
}

/* compiled/ was deleted: its numbers begin anew. */
static void other_content_is_news_under_any_number(void **state)
{
    struct home *home = *state;
    publish(home, 1, "fill_first", "sk-test-1");
    open_home(home);
    publish(home, 1, "fill_first", "sk-test-2");
    assert_int_equal(hermes_refresh(home->hermes), 1);
    assert_string_equal(next(home), "sk-test-2");
    publish(home, 2, "fill_first", "sk-test-2");
    assert_int_equal(hermes_refresh(home->hermes), 1);
    assert_int_equal(hermes_generation(hermes_current(home->hermes)), 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(fill_first_stays_on_the_first_healthy_key),
        TEST(round_robin_takes_the_key_that_waits_longest),
        TEST(least_used_evens_out_and_remembers),
        TEST(random_uses_all_keys),
        TEST(an_unknown_strategy_is_fill_first),
        TEST(each_key_is_tried_once),
        TEST(an_empty_key_never_goes_out),
        TEST(a_cooldown_is_seen_by_every_handle_and_outlives_them),
        TEST(a_key_comes_back_when_its_time_is_over),
        TEST(a_dead_key_stays_dead_until_it_is_replaced_or_reset),
        TEST(a_report_books_the_key_that_was_used),
        TEST(the_configuration_sets_a_cooldown_that_nobody_named),
        TEST(a_limit_of_a_part_leaves_the_rest),
        TEST(the_only_key_rests_for_a_minute),
        TEST(an_outage_is_the_providers_not_the_keys),
        TEST(the_pool_has_a_word_too),
        TEST(bad_bookings_are_made_anew),
        TEST(bookings_of_others_are_not_believed),
        TEST(newer_bookings_are_left_alone),
        TEST(bookings_that_vanish_are_made_again),
        TEST(a_home_that_cannot_be_written_still_serves),
        TEST(a_snapshot_that_goes_bad_changes_nothing),
        TEST(a_provider_may_be_lost_while_its_key_is_in_use),
        TEST(a_full_table_keeps_what_counts),
        TEST(a_view_outlives_what_is_no_news),
        TEST(other_content_is_news_under_any_number),
        TEST(values_of_the_configuration),
        TEST(many_threads_share_a_handle),
        TEST(many_processes_share_the_bookings),
    };
    return cmocka_run_group_tests_name("runtime", tests, NULL, NULL);
}
