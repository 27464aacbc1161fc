#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "text.h"
#include "json_span.h"
#include "pool.h"
#include "source.h"

#define NOW 1795000000.0

static struct arena *arena;

static int start(void **state)
{
    (void)state;
    arena = arena_create();
    return 0;
}

static int finish(void **state)
{
    (void)state;
    arena_destroy(arena);
    return 0;
}

struct world {
    struct cooldowns cooldowns;
    struct diagnostics diagnostics;
    const char *text;
};

static struct world world_of(const char *text)
{
    return (struct world){.cooldowns = {.arena = arena}, .diagnostics = {.arena = arena}, .text = text};
}

static struct credential key(enum credential_rank rank, const char *secret, const char *origin)
{
    struct origin *origins = arena_alloc(arena, sizeof *origins);
    origins->key = origin;
    return (struct credential){
        .id = fingerprint_credential_id("xiaomi", secret, strlen(secret)),
        .fingerprint = fingerprint_of(secret, strlen(secret)),
        .rank = rank,
        .secret = secret,
        .label = origin,
        .origins = origins,
        .origin_count = 1,
    };
}

/* A provider xiaomi with COUNT keys, whose variable holds SEED (NULL: it is not set). */
static struct providers xiaomi(struct credential *keys, uint32_t count, const char *seed)
{
    struct provider *provider = arena_alloc(arena, sizeof *provider);
    struct provider **items = arena_alloc(arena, sizeof *items);
    struct seed *seeds = arena_alloc(arena, sizeof *seeds);
    *seeds = (struct seed){"env:", "XIAOMI_API_KEY", seed, seed != NULL, false, false};
    *provider = (struct provider){.id = "xiaomi",
                                  .row = provider_table_find("xiaomi"),
                                  .base_url = "https://x.test/v1",
                                  .seeds = seeds,
                                  .seed_count = 1,
                                  .credentials = keys,
                                  .credential_count = count,
                                  .projected = true};
    *items = provider;
    return (struct providers){.items = items, .count = 1};
}

static const char *project(struct world *world, const struct providers *providers)
{
    struct source source = {.kind = SOURCE_POOL, .label = "auth.json", .path = "auth.json"};
    source.present = world->text != NULL;
    source.bytes = world->text != NULL ? world->text : "";
    source.len = strlen(source.bytes);
    const struct pool_input input = {&source, providers, &world->cooldowns, NOW, false, false};
    struct pool_projection projection = pool_project(arena, &input, &world->diagnostics);
    struct text text = {.arena = arena};
    for (size_t i = 0; i < projection.count; i++)
        text_append(&text, projection.pieces[i].bytes, projection.pieces[i].len);
    if (projection.count > 0)
        world->text = text.bytes;
    return text.bytes;
}

#define ENTRY(id, priority, source, token, status, at, reset)                                                          \
    "      {\n        \"id\": \"" id "\",\n        \"auth_type\": \"api_key\",\n        \"priority\": " priority       \
    ",\n        \"source\": \"" source "\",\n        \"access_token\": \"" token                                       \
    "\",\n        \"last_status\": " status ",\n        \"last_status_at\": " at                                       \
    ",\n        \"last_error_code\": null,\n        "                                                                  \
    "\"last_error_reason\": null,\n        \"last_error_message\": null,\n        \"last_error_reset_at\": " reset     \
    ",\n        \"base_url\": \"https://x.test/v1\",\n        \"x_future\": 1e+22\n      }"
#define STORE(entries)                                                                                                 \
    "{\n  \"version\": 1,\n  \"providers\": {},\n  \"credential_pool\": {\n    \"xiaomi\": [\n" entries                \
    "\n    ]\n  },\n  \"big\": 12345678901234567890\n}\n"

/* "" when there is none. */
static const char *member(const char *text, size_t index, const char *name)
{
    size_t at;
    const struct json *root = json_span_scan(arena, text, strlen(text), &at);
    const struct json *pool = json_span_member(json_span_member(root, "credential_pool"), "xiaomi");
    assert_non_null(pool);
    if (index >= pool->count)
        return "";
    const struct json *value = json_span_member(&pool->children[index], name);
    return value == NULL ? "" : json_span_raw(arena, text, value);
}

static void a_fresh_key_is_never_exhausted_because_of_an_old_one(void **state)
{
    struct world world = world_of(STORE(
        ENTRY("aaaaaa", "0", "env:XIAOMI_API_KEY", "sk-test-old", "\"exhausted\"", "1794999999.5", "1795003600.25")));
    struct credential keys[] = {key(RANK_ENV, "sk-test-new", "XIAOMI_API_KEY")};
    struct providers providers = xiaomi(keys, 1, "sk-test-new");
    (void)state;
    const char *text = project(&world, &providers);
    assert_string_equal(member(text, 0, "access_token"), "\"sk-test-new\"");
    assert_string_equal(member(text, 0, "last_status"), "null");
    /* a process of Hermes 0.10.0 may still write the old one: it stays, behind, with what it earned */
    assert_string_equal(member(text, 1, "access_token"), "\"sk-test-old\"");
    assert_string_equal(member(text, 1, "last_status"), "\"exhausted\"");
    assert_string_equal(member(text, 1, "x_future"), "1e+22");
    /* and the old one is remembered */
    const struct cooldown *old = cooldowns_get(&world.cooldowns, "xiaomi", fingerprint_of("sk-test-old", 11).text);
    assert_non_null(old);
    assert_string_equal(old->raw[COOLDOWN_RESET_AT], "1795003600.25");
    assert_null(project(&world, &providers));
}

static void a_key_that_comes_back_within_the_hour_is_still_cooling(void **state)
{
    struct world world = world_of(STORE(
        ENTRY("aaaaaa", "0", "env:XIAOMI_API_KEY", "sk-test-one", "\"exhausted\"", "1794999999.5", "1795003600.25")));
    struct credential one[] = {key(RANK_CONFIG, "sk-test-one", "model.api_key")};
    struct credential two[] = {key(RANK_CONFIG, "sk-test-two", "model.api_key")};
    struct providers first = xiaomi(one, 1, "sk-test-one");
    struct providers second = xiaomi(two, 1, "sk-test-two");
    (void)state;
    (void)project(&world, &first);
    assert_string_equal(member(world.text, 0, "last_status"), "\"exhausted\"");
    (void)project(&world, &second);
    assert_string_equal(member(world.text, 0, "last_status"), "null");
    (void)project(&world, &first);
    assert_string_equal(member(world.text, 0, "last_status"), "\"exhausted\"");
    assert_string_equal(member(world.text, 0, "last_error_reset_at"), "1795003600.25");
}

static void a_reset_by_hand_counts(void **state)
{
    struct world world =
        world_of(STORE(ENTRY("aaaaaa", "0", "env:XIAOMI_API_KEY", "sk-test-one", "null", "null", "null")));
    struct credential keys[] = {key(RANK_CONFIG, "sk-test-one", "model.api_key")};
    struct providers providers = xiaomi(keys, 1, "sk-test-one");
    struct cooldown known = {
        .provider = "xiaomi", .fingerprint = keys[0].fingerprint, .until = NOW + 100, .pooled = true};
    (void)state;
    for (int i = 0; i < COOLDOWN_MEMBERS; i++)
        known.raw[i] = "null";
    known.raw[COOLDOWN_STATUS] = "\"exhausted\"";
    cooldowns_put(&world.cooldowns, &known);
    (void)project(&world, &providers);
    assert_string_equal(member(world.text, 0, "last_status"), "null");
    assert_int_equal(world.cooldowns.count, 0);
}

static void hermes_may_have_written_the_new_fingerprint_over_the_old_status(void **state)
{
    struct world world = world_of(STORE(
        ENTRY("aaaaaa", "0", "env:XIAOMI_API_KEY", "sk-test-old", "\"exhausted\"", "1794999999.5", "1795003600.25")));
    struct credential old[] = {key(RANK_ENV, "sk-test-old", "XIAOMI_API_KEY")};
    struct credential new[] = {key(RANK_ENV, "sk-test-new", "XIAOMI_API_KEY")};
    struct providers before = xiaomi(old, 1, "sk-test-old");
    struct providers after = xiaomi(new, 1, "sk-test-new");
    (void)state;
    (void)project(&world, &before); /* the marking is seen, and remembered of the old key */
    world.text = STORE(
        ENTRY("aaaaaa", "0", "env:XIAOMI_API_KEY", "sk-test-new", "\"exhausted\"", "1794999999.5", "1795003600.25"));
    (void)project(&world, &after);
    assert_string_equal(member(world.text, 0, "last_status"), "null");
    assert_string_equal(member(world.text, 1, "last_status"), "");
}

static void one_key_is_one_entry(void **state)
{
    struct credential keys[] = {key(RANK_CONFIG, "sk-test-one", "model.api_key"),
                                key(RANK_ENV, "sk-test-two", "XIAOMI_API_KEY")};
    struct origin origins[] = {{.key = "model.api_key"}, {.key = "XIAOMI_API_KEY"}};
    struct credential same = keys[0];
    same.origins = origins;
    same.origin_count = 2;
    struct providers config = xiaomi(&same, 1, "sk-test-one");
    struct providers both = xiaomi(keys, 2, "sk-test-two");
    struct world fresh = world_of(NULL);
    struct world seeded =
        world_of(STORE(ENTRY("aaaaaa", "0", "env:XIAOMI_API_KEY", "sk-test-one", "null", "null", "null")));
    struct world manual = world_of(STORE(ENTRY("aaaaaa", "0", "manual", "sk-test-one", "null", "null", "null")));
    (void)state;
    assert_null(project(&seeded, &config));
    assert_null(project(&manual, &config));
    assert_non_null(project(&fresh, &config)); /* as Hermes will seed it */
    assert_string_equal(member(fresh.text, 0, "source"), "\"env:XIAOMI_API_KEY\"");
    assert_string_equal(member(fresh.text, 0, "access_token"), "\"sk-test-one\"");
    assert_string_equal(member(fresh.text, 1, "access_token"), "");
    struct world other = world_of(NULL);
    assert_non_null(project(&other, &both));
    assert_string_equal(member(other.text, 0, "source"), "\"manual:hermes-watch:model.api_key\"");
    assert_string_equal(member(other.text, 1, "source"), "\"env:XIAOMI_API_KEY\"");
    assert_string_equal(member(other.text, 2, "source"), "");
}

static void an_entry_made_in_hermess_place_follows_its_variable_until_hermes_has_it(void **state)
{
    struct credential old[] = {key(RANK_ENV, "sk-test-old", "XIAOMI_API_KEY")};
    struct credential new[] = {key(RANK_ENV, "sk-test-new", "XIAOMI_API_KEY")};
    struct providers before = xiaomi(old, 1, "sk-test-old");
    struct providers after = xiaomi(new, 1, "sk-test-new");
    struct providers none = xiaomi(NULL, 0, NULL);
    struct world world = world_of(NULL);
    (void)state;
    assert_non_null(project(&world, &before));
    assert_non_null(project(&world, &after));
    assert_string_equal(member(world.text, 0, "access_token"), "\"sk-test-new\"");
    assert_string_equal(member(world.text, 1, "access_token"), "");
    assert_null(project(&world, &after));
    struct world loaded = world;
    loaded.text = STORE(ENTRY("aaaaaa", "0", "env:XIAOMI_API_KEY", "sk-test-new", "null", "null", "null"));
    assert_null(project(&loaded, &none)); /* from then on it is Hermes's */
    assert_non_null(project(&world, &none));
    assert_null(strstr(world.text, "sk-test"));
}

/* Whoever removes auth.json wants to begin anew. */
static void a_store_that_was_removed_is_made_without_cooldowns(void **state)
{
    struct world world = world_of(STORE(
        ENTRY("aaaaaa", "0", "env:XIAOMI_API_KEY", "sk-test-one", "\"exhausted\"", "1794999999.5", "1795003600.25")));
    struct credential keys[] = {key(RANK_ENV, "sk-test-one", "XIAOMI_API_KEY")};
    struct providers providers = xiaomi(keys, 1, "sk-test-one");
    (void)state;
    assert_null(project(&world, &providers));
    assert_non_null(cooldowns_get(&world.cooldowns, "xiaomi", keys[0].fingerprint.text));
    world.text = NULL;
    assert_non_null(project(&world, &providers));
    assert_string_equal(member(world.text, 0, "last_status"), "null");
}

/* A process of Hermes 0.10.0 that lacks the variable does so at each of its loads. */
static void an_entry_that_hermes_takes_out_is_not_made_again(void **state)
{
    struct credential keys[] = {key(RANK_ENV, "sk-test-one", "XIAOMI_API_KEY")};
    struct providers providers = xiaomi(keys, 1, "sk-test-one");
    struct world world = world_of("{\"providers\":{}}");
    (void)state;
    assert_non_null(project(&world, &providers));
    world.text = STORE("");
    assert_null(project(&world, &providers));
}

static void what_an_earlier_version_put_beside_hermess_entry_goes(void **state)
{
    struct world world = world_of(STORE(ENTRY(
        "0a1b2c", "-1", "manual:hermes-watch:XIAOMI_API_KEY", "sk-test-one", "\"exhausted\"", "1794999999.5",
        "1795003600.25") ",\n" ENTRY("bbbbbb", "0", "env:XIAOMI_API_KEY", "sk-test-one", "null", "null", "null")));
    struct credential keys[] = {key(RANK_ENV, "sk-test-one", "XIAOMI_API_KEY")};
    struct providers providers = xiaomi(keys, 1, "sk-test-one");
    (void)state;
    assert_non_null(project(&world, &providers));
    assert_string_equal(member(world.text, 0, "id"), "\"bbbbbb\"");
    assert_string_equal(member(world.text, 0, "last_error_reset_at"), "1795003600.25");
    assert_string_equal(member(world.text, 1, "id"), "");
    assert_null(project(&world, &providers));
}

static void hermess_own_entry_stands_where_the_configuration_has_its_key(void **state)
{
    struct world world =
        world_of(STORE(ENTRY("aaaaaa", "0", "manual", "sk-test-manual", "null", "null", "null") ",\n" ENTRY(
            "bbbbbb", "1", "env:XIAOMI_API_KEY", "sk-test-env", "null", "null", "null")));
    struct credential keys[] = {key(RANK_CONFIG, "sk-test-env", "model.api_key")};
    struct providers providers = xiaomi(keys, 1, "sk-test-env");
    (void)state;
    assert_non_null(project(&world, &providers));
    assert_string_equal(member(world.text, 0, "id"), "\"aaaaaa\"");
    assert_string_equal(member(world.text, 1, "priority"), "-1");
    assert_string_equal(member(world.text, 2, "id"), "");
    assert_null(project(&world, &providers));
}

static void a_cleared_entry_says_when(void **state)
{
    struct world world = world_of(
        "{\"providers\": {}, \"credential_pool\": {\"xiaomi\": [{\"id\": \"aaaaaa\", \"source\": "
        "\"env:XIAOMI_API_KEY\", \"secret_fingerprint\": \"sha256:0123456789abcdef\", \"last_status\": \"exhausted\", "
        "\"last_status_at\": 1794999999.5, \"model_cooldowns\": {\"m\": 1795009999}, \"failure_reason\": "
        "\"billing\"}]}}");
    struct credential keys[] = {key(RANK_ENV, "sk-test-new", "XIAOMI_API_KEY")};
    struct providers providers = xiaomi(keys, 1, "sk-test-new");
    (void)state;
    assert_non_null(project(&world, &providers));
    assert_string_equal(member(world.text, 0, "last_status"), "null");
    assert_string_equal(member(world.text, 0, "status_cleared_at"), "1795000000");
    assert_string_equal(member(world.text, 0, "model_cooldowns"), "{}");
    assert_string_equal(member(world.text, 0, "failure_reason"), "null");
    assert_null(project(&world, &providers));
}

/* Hermes up to 0.18 notes the refusal of a session's old key in the entry of the new one. */
static void a_death_right_after_a_rotation_is_doubted(void **state)
{
    static const char *const at[] = {"1795000010.5", "1795000900.5"};
    (void)state;
    for (size_t late = 0; late < 2; late++) {
        struct world world = world_of(STORE(ENTRY("aaaaaa", "0", "manual", "sk-test-manual", "null", "null", "null")));
        struct credential one[] = {key(RANK_CONFIG, "sk-test-one", "model.api_key")};
        struct credential two[] = {key(RANK_CONFIG, "sk-test-two", "model.api_key")};
        struct providers first = xiaomi(one, 1, NULL);
        struct providers second = xiaomi(two, 1, NULL);
        assert_non_null(project(&world, &first));
        two[0].fresh = true;
        assert_non_null(project(&world, &second));
        two[0].fresh = false;
        const char *id = member(world.text, 0, "id");
        world.text = arena_printf(arena,
                                  "{\"providers\": {}, \"credential_pool\": {\"xiaomi\": [{\"id\": %s, \"source\": "
                                  "\"manual:hermes-watch:model.api_key\", \"access_token\": \"sk-test-two\", "
                                  "\"priority\": -1, \"last_status\": "
                                  "\"dead\", \"last_status_at\": %s, \"last_error_code\": 401}]}}",
                                  id, at[late]);
        assert_non_null(project(&world, &second));
        assert_string_equal(member(world.text, 0, "last_status"), late ? "\"dead\"" : "null");
        assert_int_equal(world.cooldowns.count, late);
    }
}

/* As Hermes since 0.20.1 counts: an hour only where there is another key to turn to. */
static void an_only_key_rests_for_a_minute(void **state)
{
    static const char *const until[] = {"1795000059.500000", "1795003599.500000"};
    for (size_t more = 0; more < 2; more++) {
        struct world world = world_of(
            more ? STORE(ENTRY("aaaaaa", "0", "manual", "sk-test-manual", "null", "null", "null") ",\n" ENTRY(
                       "bbbbbb", "1", "env:XIAOMI_API_KEY", "sk-test-env", "\"exhausted\"", "1794999999.5", "null"))
                 : STORE(ENTRY("bbbbbb", "1", "env:XIAOMI_API_KEY", "sk-test-env", "\"exhausted\"", "1794999999.5",
                               "null")));
        struct credential keys[] = {key(RANK_ENV, "sk-test-env", "XIAOMI_API_KEY")};
        struct providers providers = xiaomi(keys, 1, "sk-test-env");
        size_t len;
        (void)state;
        assert_null(project(&world, &providers));
        assert_non_null(strstr(cooldowns_text(&world.cooldowns, &len), until[more]));
    }
}

static void order_is_as_hermes_has_it_but_for_config_keys(void **state)
{
    struct world world =
        world_of(STORE(ENTRY("aaaaaa", "0", "manual", "sk-test-manual", "null", "null", "null") ",\n" ENTRY(
            "bbbbbb", "1", "env:XIAOMI_API_KEY", "sk-test-env", "null", "null", "null")));
    struct credential keys[] = {key(RANK_CONFIG, "sk-test-config", "model.api_key"),
                                key(RANK_ENV, "sk-test-env", "XIAOMI_API_KEY")};
    struct providers providers = xiaomi(keys, 2, "sk-test-env");
    (void)state;
    (void)project(&world, &providers);
    assert_string_equal(member(world.text, 0, "priority"), "-1");
    assert_string_equal(member(world.text, 1, "id"), "\"aaaaaa\"");
    assert_string_equal(member(world.text, 2, "id"), "\"bbbbbb\"");
    assert_string_equal(member(world.text, 3, "id"), "");
    assert_string_equal(member(world.text, 0, "base_url"), "\"https://x.test/v1\"");
}

static void taking_the_keys_away_restores_the_text(void **state)
{
    static const char *const stores[] = {
        STORE(ENTRY("aaaaaa", "0", "manual", "sk-test-manual", "null", "null", "null")),
        "{\n  \"version\": 1,\n  \"providers\": {}\n}\n",
        ("{\n  \"providers\": {},\n  \"credential_pool\": {\n    \"nous\": [\n      {\n        \"id\": \"a\"\n      "
         "}\n    ]\n"
         "  },\n  \"nan\": NaN\n}\n"),
    };
    struct credential keys[] = {key(RANK_CONFIG, "sk-test-config", "model.api_key")};
    struct providers providers = xiaomi(keys, 1, NULL);
    struct providers nobody = {0};
    (void)state;
    for (size_t i = 0; i < sizeof stores / sizeof *stores; i++) {
        struct world world = world_of(stores[i]);
        assert_non_null(project(&world, &providers));
        assert_null(project(&world, &providers));
        assert_non_null(project(&world, &nobody));
        assert_string_equal(world.text, stores[i]);
    }
}

static void a_subscription_is_never_overtaken_by_an_env_key(void **state)
{
    struct world world =
        world_of("{\"providers\": {}, \"credential_pool\": {\"xiaomi\": [{\"id\": \"a\", \"auth_type\": "
                 "\"oauth\", \"priority\": 0, \"source\": \"device_code\"}]}}");
    struct credential keys[] = {key(RANK_ENV, "sk-test-env", "XIAOMI_API_KEY")};
    struct providers providers = xiaomi(keys, 1, "sk-test-env");
    (void)state;
    assert_null(project(&world, &providers));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fresh_key_is_never_exhausted_because_of_an_old_one),
        cmocka_unit_test(a_key_that_comes_back_within_the_hour_is_still_cooling),
        cmocka_unit_test(a_reset_by_hand_counts),
        cmocka_unit_test(hermes_may_have_written_the_new_fingerprint_over_the_old_status),
        cmocka_unit_test(one_key_is_one_entry),
        cmocka_unit_test(an_entry_made_in_hermess_place_follows_its_variable_until_hermes_has_it),
        cmocka_unit_test(an_entry_that_hermes_takes_out_is_not_made_again),
        cmocka_unit_test(a_store_that_was_removed_is_made_without_cooldowns),
        cmocka_unit_test(what_an_earlier_version_put_beside_hermess_entry_goes),
        cmocka_unit_test(hermess_own_entry_stands_where_the_configuration_has_its_key),
        cmocka_unit_test(a_cleared_entry_says_when),
        cmocka_unit_test(a_death_right_after_a_rotation_is_doubted),
        cmocka_unit_test(an_only_key_rests_for_a_minute),
        cmocka_unit_test(order_is_as_hermes_has_it_but_for_config_keys),
        cmocka_unit_test(taking_the_keys_away_restores_the_text),
        cmocka_unit_test(a_subscription_is_never_overtaken_by_an_env_key),
    };
    return cmocka_run_group_tests_name("pool", tests, start, finish);
}
