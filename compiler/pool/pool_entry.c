#include "pool_entry.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "json_python.h"
#include "pool.h"
#include "reset_time.h"

/* How long Hermes lets a key rest where the provider did not say, in seconds. */
static const double TTL_USUAL = 3600, TTL_UNAUTHORIZED = 300, TTL_PERMANENT = 21600;

enum member {
    MEMBER_ID,
    MEMBER_LABEL,
    MEMBER_SOURCE,
    MEMBER_TOKEN,
    MEMBER_AUTH_TYPE,
    MEMBER_PRIORITY,
    MEMBER_BASE_URL,
    MEMBER_REQUEST_COUNT,
    MEMBERS_OF_OUTLINE,
    MEMBER_FINGERPRINT = MEMBERS_OF_OUTLINE,
    MEMBER_FAILURE_KIND,
    MEMBER_FAILURE_REASON,
    MEMBER_MODEL_COOLDOWNS,
    MEMBER_STATE, /* COOLDOWN_MEMBERS of them */
    MEMBER_STATUS_AT = MEMBER_STATE + COOLDOWN_STATUS_AT,
    MEMBER_ERROR_CODE = MEMBER_STATE + COOLDOWN_ERROR_CODE,
    MEMBER_RESET_AT = MEMBER_STATE + COOLDOWN_RESET_AT,
    MEMBERS
};

/* The members of an entry that matter. */
struct picked {
    struct arena *arena;
    const char *text;
    struct json members[MEMBERS];
};

static void pick(struct picked *picked, const struct json *json, size_t count)
{
    static const char *const names[MEMBERS] = {"id",
                                               "label",
                                               "source",
                                               "access_token",
                                               "auth_type",
                                               "priority",
                                               "base_url",
                                               "request_count",
                                               "secret_fingerprint",
                                               "last_failure_kind",
                                               "failure_reason",
                                               "model_cooldowns",
                                               "last_status",
                                               "last_status_at",
                                               "last_error_code",
                                               "last_error_reason",
                                               "last_error_message",
                                               "last_error_reset_at"};
    json_span_pick(picked->arena, picked->text, json, names, count, picked->members);
}

/* NULL: it has none. */
static const struct json *member(const struct picked *picked, size_t which)
{
    return picked->members[which].end == 0 ? NULL : &picked->members[which];
}

static const char *string(const struct picked *picked, size_t which)
{
    return json_span_string(picked->arena, picked->text, member(picked, which));
}

static bool number(const struct picked *picked, size_t which, double *ret)
{
    return json_span_number(picked->text, member(picked, which), ret);
}

/* As leniently as Hermes reads one: seconds, milliseconds, or a text of either or of a date. False: none is named. */
static bool moment(const struct picked *picked, size_t which, double *ret)
{
    const char *text = string(picked, which);
    double at;
    if (text != NULL)
        at = reset_time_moment(text);
    else if (number(picked, which, &at))
        at = at > MILLISECONDS_FROM ? at / 1000 : at;
    else
        return false;
    if (!(at > 0))
        return false;
    *ret = at;
    return true;
}

static bool is_text(const struct picked *picked, size_t which, const char *wanted)
{
    const char *text = string(picked, which);
    return text != NULL && strcmp(text, wanted) == 0;
}

static bool failed_for_good(const struct picked *picked)
{
    return is_text(picked, MEMBER_FAILURE_KIND, "auth_permanent");
}

static bool answered_with(const struct picked *picked, int wanted)
{
    double code;
    return number(picked, MEMBER_ERROR_CODE, &code) && code == wanted;
}

/* Of a refused key and of an account without money a minute changes nothing. */
static bool rests_briefly_alone(const struct picked *picked)
{
    double reset;
    return !moment(picked, MEMBER_RESET_AT, &reset) && !failed_for_good(picked) && !answered_with(picked, 401) &&
           !answered_with(picked, 402) && !is_text(picked, MEMBER_FAILURE_REASON, "billing");
}

static bool has_members(const struct picked *picked, size_t which)
{
    const struct json *value = member(picked, which);
    return value != NULL && value->kind == JSON_OBJECT &&
           memchr(picked->text + value->start, ':', value->end - value->start) != NULL;
}

static double until_of(const struct picked *picked, double at)
{
    double reset;
    if (moment(picked, MEMBER_RESET_AT, &reset))
        return reset;
    if (at <= 0)
        return 0; /* no limit: Hermes takes it as available */
    if (failed_for_good(picked))
        return at + TTL_PERMANENT;
    if (answered_with(picked, 401))
        return at + TTL_UNAUTHORIZED;
    return at + TTL_USUAL;
}

static struct entry_state read_state(const struct picked *picked, double now)
{
    struct entry_state state = entry_state_clean();
    const char *status = string(picked, MEMBER_STATE);
    for (size_t i = 0; i < COOLDOWN_MEMBERS; i++) {
        const struct json *value = member(picked, MEMBER_STATE + i);
        if (value != NULL && !(value->kind == JSON_WORD && picked->text[value->start] == 'n'))
            state.raw[i] = json_span_raw(picked->arena, picked->text, value);
    }
    (void)moment(picked, MEMBER_STATUS_AT, &state.at);
    state.dead = status != NULL && strcmp(status, "dead") == 0;
    if (state.dead)
        state.until = INFINITY;
    else if (status != NULL && strcmp(status, "exhausted") == 0)
        state.until = until_of(picked, state.at);
    state.active = state.until > now;
    state.brief = state.active && !state.dead && rests_briefly_alone(picked);
    state.by_kind =
        state.active && !state.dead && strcmp(state.raw[COOLDOWN_RESET_AT], "null") == 0 && failed_for_good(picked);
    return state;
}

static const struct seed *find_seed(const struct provider *provider, const char *source)
{
    for (size_t i = 0; provider != NULL && i < provider->seed_count; i++)
        if (provider_seed_is(&provider->seeds[i], source))
            return &provider->seeds[i];
    return NULL;
}

static struct entry outline(const struct picked *picked, const struct json *json)
{
    struct entry entry = {.json = json};
    entry.id = string(picked, MEMBER_ID);
    entry.label = string(picked, MEMBER_LABEL);
    entry.source = string(picked, MEMBER_SOURCE);
    entry.token = string(picked, MEMBER_TOKEN);
    entry.auth_type = string(picked, MEMBER_AUTH_TYPE);
    entry.base_url = string(picked, MEMBER_BASE_URL);
    entry.counted = member(picked, MEMBER_REQUEST_COUNT) != NULL;
    /* Hermes takes an absent one for 0, and stumbles over one that is no number. */
    entry.has_priority = member(picked, MEMBER_PRIORITY) == NULL || number(picked, MEMBER_PRIORITY, &entry.priority);
    entry.source = entry.source == NULL ? "manual" : entry.source;
    entry.ours = strncmp(entry.source, POOL_OUR_SOURCE, strlen(POOL_OUR_SOURCE)) == 0;
    entry.manual = strcasecmp(entry.source, "manual") == 0 || strncasecmp(entry.source, "manual:", 7) == 0;
    entry.oauth = !entry.ours && entry.auth_type != NULL && strcmp(entry.auth_type, "oauth") == 0;
    return entry;
}

bool pool_entry_made(const char *pool, const struct entry *entry)
{
    bool variable = strncmp(entry->source, "env:", 4) == 0;
    if (entry->token == NULL || entry->id == NULL || (variable && entry->counted) ||
        (!variable && strncmp(entry->source, "config:", 7) != 0))
        return false;
    return strcmp(entry->id, fingerprint_credential_id(pool, entry->token, strlen(entry->token)).text) == 0;
}

struct entry pool_entry_outline(struct arena *arena, const char *text, const struct json *json)
{
    struct picked picked = {.arena = arena, .text = text};
    pick(&picked, json, MEMBERS_OF_OUTLINE);
    return outline(&picked, json);
}

bool pool_entry_any_ours(struct arena *arena, const char *text, const struct json *array)
{
    for (size_t i = 0; array->kind == JSON_ARRAY && i < array->count; i++) {
        if (array->children[i].kind != JSON_OBJECT)
            continue;
        struct entry entry = pool_entry_outline(arena, text, &array->children[i]);
        if (entry.ours || pool_entry_made(array->name, &entry))
            return true;
    }
    return false;
}

struct entry pool_entry_read(struct arena *arena, const char *text, const struct json *json,
                             const struct provider *provider, double now)
{
    struct picked picked = {.arena = arena, .text = text};
    pick(&picked, json, MEMBERS);
    struct entry entry = outline(&picked, json);
    const char *stored = string(&picked, MEMBER_FINGERPRINT);
    entry.has_fingerprint = member(&picked, MEMBER_FINGERPRINT) != NULL;
    entry.held_back = string(&picked, MEMBER_FAILURE_REASON) != NULL || has_members(&picked, MEMBER_MODEL_COOLDOWNS);
    entry.seed = entry.ours ? NULL : find_seed(provider, entry.source);
    if (entry.token != NULL && *entry.token != '\0')
        strcpy(entry.on_disk, fingerprint_of(entry.token, strlen(entry.token)).text);
    else if (stored != NULL && fingerprint_valid(stored))
        strcpy(entry.on_disk, stored);
    strcpy(entry.effective, entry.on_disk);
    if (entry.seed != NULL && entry.seed->secret != NULL)
        strcpy(entry.effective, fingerprint_of(entry.seed->secret, strlen(entry.seed->secret)).text);
    entry.on_disk_state = read_state(&picked, now);
    entry.state = entry.on_disk_state;
    return entry;
}

void pool_entry_note_only(struct entry *entries, size_t count, double now)
{
    struct entry *only = NULL;
    size_t alive = 0;
    for (size_t i = 0; i < count; i++) {
        if (entries[i].state.dead)
            continue;
        only = &entries[i];
        alive++;
    }
    if (alive != 1)
        return;
    entry_state_alone(&only->on_disk_state, now);
    entry_state_alone(&only->state, now);
}

static const struct entry_edit *edit_for(const struct json *member, const struct json *json,
                                         const struct entry_edit *edits, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(edits[i].name, member->name) == 0 && json_span_member(json, member->name) == member)
            return &edits[i];
    return NULL;
}

const char *pool_entry_edited(struct arena *arena, const char *text, const struct json *json,
                              const struct entry_edit *edits, size_t count)
{
    struct text out = {.arena = arena};
    json = json_span_opened(arena, text, json);
    size_t copied = json->start;
    for (size_t i = 0; i < json->count; i++) {
        const struct json *member = &json->children[i];
        const struct entry_edit *edit = edit_for(member, json, edits, count);
        if (edit == NULL)
            continue;
        text_append(&out, text + copied, member->start - copied);
        text_puts(&out, edit->raw);
        copied = member->end;
    }
    size_t last = json->count > 0 ? json->children[json->count - 1].end : json->start + 1;
    text_append(&out, text + copied, (last > copied ? last : copied) - copied);
    copied = last > copied ? last : copied;
    for (size_t i = 0; i < count; i++)
        if (json_span_member(json, edits[i].name) == NULL)
            text_printf(&out, "%s\n        %s: %s", out.bytes[out.len - 1] == '{' ? "" : ",",
                        json_python_quote(arena, edits[i].name), edits[i].raw);
    text_append(&out, text + copied, json->end - copied);
    return out.bytes;
}
