#include "follow_machine.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cjson/cJSON.h>
#include <sodium.h>

#include "clock.h"
#include "iso_time.h"
#include "parse_json.h"
#include "safe_read.h"

#define SECOND 1000000LL

/* By which machines are told apart. A clone, or a container, may have its original's ID, and seldom its name, too. */
static const char *machine_id(struct arena *arena, const char *host)
{
    struct safe_read read = safe_read(arena, "/etc/machine-id", 0);
    bool known = read.status == SAFE_READ_OK && read.len >= 32;
    return arena_printf(arena, "%.32s %s", known ? read.bytes : "", host);
}

static const char *place_of(struct fleet *fleet, const char *host, const char *twin)
{
    char machine[FLEET_NAME_SIZE];
    char home[FLEET_NAME_SIZE];
    fleet_key_name(fleet->key, machine_id(fleet->arena, host), machine);
    fleet_key_name(fleet->key, fleet->home, home);
    return fleet_place(fleet,
                       arena_printf(fleet->arena, "machines/%s/%s%s%s", machine, home, *twin != '\0' ? "~" : "", twin));
}

static void since_now(struct machine_follower *f)
{
    struct timespec now = clock_wall_time();
    struct tm utc;
    (void)gmtime_r(&now.tv_sec, &utc);
    (void)strftime(f->since, sizeof f->since, "%Y-%m-%dT%H:%M:%SZ", &utc);
}

void follow_machine_open(struct machine_follower *f, struct fleet *fleet)
{
    unsigned char random[(sizeof f->instance - 1) / 2];
    *f = (struct machine_follower){.fleet = fleet, .changed = true};
    (void)gethostname(f->host, sizeof f->host - 1);
    randombytes_buf(random, sizeof random);
    (void)sodium_bin2hex(f->instance, sizeof f->instance, random, sizeof random);
    f->place = place_of(fleet, f->host, "");
    strcpy(f->state, "waiting");
    since_now(f);
}

/* True: it is another one now. */
static bool set(char *text, size_t size, const char *value)
{
    char fresh[512];
    (void)snprintf(fresh, sizeof fresh, "%s", value == NULL ? "" : value);
    fresh[size - 1 < sizeof fresh - 1 ? size - 1 : sizeof fresh - 1] = '\0';
    if (strcmp(text, fresh) == 0)
        return false;
    strcpy(text, fresh);
    return true;
}

void follow_machine_learn(struct machine_follower *f, const char *line, size_t len)
{
    cJSON *root = cJSON_ParseWithLength(line, len);
    long long generation = parse_json_number(root, "generation", PARSE_JSON_COUNT_MOST);
    long long revision = parse_json_number(root, "revision", PARSE_JSON_COUNT_MOST);
    bool other = set(f->state, sizeof f->state, cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(root, "state")));
    if (other)
        since_now(f);
    other |= set(f->error, sizeof f->error, cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(root, "error")));
    f->changed |= other || generation != f->told.generation || revision != f->told.revision;
    f->told.generation = generation;
    f->told.revision = revision;
    cJSON_Delete(root);
}

void follow_machine_refuse(struct machine_follower *f, const char *trouble)
{
    if (!set(f->refusal, sizeof f->refusal, trouble))
        return;
    f->changed = true;
    since_now(f);
}

bool follow_machine_sees(struct machine_follower *f, struct arena *arena, const struct etcd_value *value)
{
    struct text text;
    struct fleet_machine other;
    if (value->value == NULL || f->twin || f->lease == 0 || strcmp(value->key, f->place) != 0 ||
        !fleet_seal_open(arena, f->fleet->key, value->key, value->value, value->len, &text) ||
        !fleet_machine_parse(arena, text.bytes, text.len, &other) || strcmp(other.instance, f->instance) == 0)
        return false;
    f->twin = f->changed = true;
    f->place = place_of(f->fleet, f->host, f->instance); /* so that both are seen */
    return true;
}

static const char *error_of(const struct machine_follower *f)
{
    if (*f->refusal != '\0')
        return f->refusal;
    if (f->twin)
        return FOLLOW_MACHINE_TWIN;
    return f->error;
}

static int write_record(struct machine_follower *f, struct arena *arena)
{
    bool done;
    struct fleet_machine machine = {
        .host = f->host,
        .home = f->fleet->home,
        .version = HERMES_VERSION,
        .instance = f->instance,
        .revision = f->told.revision,
        .generation = f->told.generation,
        .state = *f->refusal != '\0' ? "refused"
                 : f->twin           ? "twin"
                                     : f->state,
        .since = f->since,
        .error = error_of(f),
    };
    struct text text = fleet_machine_text(arena, &machine);
    struct text sealed = fleet_seal(arena, f->fleet->key, f->place, text.bytes, text.len);
    const struct etcd_change change = {.key = f->place, .value = sealed.bytes, .len = sealed.len, .lease = f->lease};
    return etcd_commit(f->fleet->etcd, NULL, 0, &change, 1, &done);
}

/* A lease, or the old one for another minute. */
static int renew(struct machine_follower *f, long long now)
{
    long long left = 0;
    int error = f->lease == 0 ? 0 : etcd_lease_keep(f->fleet->etcd, f->lease, &left);
    if (error == 0 && left <= 0) {
        f->changed = true;
        error = etcd_lease_grant(f->fleet->etcd, FOLLOW_LEASE_S, &f->lease);
    }
    if (error == 0)
        f->renew = now + FOLLOW_RENEW_S * SECOND;
    return error;
}

int follow_machine_turn(struct machine_follower *f, struct arena *arena, long long *ret_next)
{
    long long now = clock_monotonic_us();
    int error = now >= f->renew ? renew(f, now) : 0;
    if (error == 0 && f->changed && now >= f->next) {
        error = write_record(f, arena);
        f->changed = error != 0;
        f->next = now + SECOND;
    }
    *ret_next = f->changed && f->next < f->renew ? f->next : f->renew;
    return error;
}
