/* What lies sealed in etcd and in compiled/: any bytes in its place, and any text in a seal that is right. */
#include "fleet_cooldown.h"
#include "fleet_copy.h"
#include "fleet_machine.h"
#include "fuzz.h"

static const struct fleet_key key = {.seal = "a key of 32 bytes for the seal..",
                                     .name = "another of 32 bytes for names..."};

static void check_revision(struct arena *arena, const struct text *text, const struct fleet_revision *revision)
{
    struct fleet_revision again;
    must(revision->number > 0, "a revision without a number");
    must(revision->env + revision->env_len == text->bytes + text->len, "an env file that ends elsewhere");
    struct text made = fleet_revision_text(arena, revision);
    must(fleet_revision_parse(arena, made.bytes, made.len, &again) && again.number == revision->number &&
             fleet_revision_same(&again, revision),
         "a revision that is another one when it is written again");
}

/* TEXT as a machine of the fleet would seal it. */
static void check_sealed(struct arena *arena, const char *text, size_t len)
{
    struct fleet_copy copy;
    struct fleet_revision revision;
    struct text opened;
    const char *place = fleet_copy_place(arena, "prod", "sources/env");
    const struct text sealed = fleet_seal(arena, &key, place, text, len);
    const struct text file =
        fleet_copy_text(arena, &(struct fleet_copy){"prod", "15118495548433857066", sealed.bytes, sealed.len});
    must(fleet_copy_parse(arena, file.bytes, file.len, &copy), "a copy that cannot be read");
    must(fleet_seal_open(arena, &key, place, copy.sealed, copy.len, &opened) && opened.len == len &&
             memcmp(opened.bytes, text, len) == 0,
         "a seal that opens to something else");
    const char *trouble = fleet_copy_open(arena, &copy, &key, "prod", &revision);
    must((trouble == NULL) == fleet_revision_parse(arena, opened.bytes, opened.len, &revision), "two opinions");
    if (trouble == NULL)
        check_revision(arena, &opened, &revision);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fleet_copy copy;
    struct fleet_revision revision;
    struct fleet_machine machine;
    struct fleet_cooldown cooldown;
    struct arena *arena = arena_create();
    const char *text = arena_strndup(arena, (const char *)data, size);
    if (fleet_copy_parse(arena, text, size, &copy))
        must(fleet_copy_open(arena, &copy, &key, copy.fleet, &revision) != NULL, "a seal without the key");
    if (fleet_machine_parse(arena, text, size, &machine))
        must(fleet_machine_text(arena, &machine).len > 0, "a machine that cannot be written");
    if (fleet_cooldown_parse(arena, text, size, &cooldown))
        must(cooldown.seconds > 0 && cooldown.status >= 0, "a cooldown of no time");
    check_sealed(arena, text, size);
    arena_destroy(arena);
    return 0;
}
