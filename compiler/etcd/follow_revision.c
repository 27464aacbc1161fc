#include "follow_revision.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fleet_trial.h"
#include "replace.h"

void follow_revision_open(struct revision_follower *f, struct fleet *fleet)
{
    *f = (struct revision_follower){.fleet = fleet, .number = fleet->own.number};
    if (f->number == 0)
        return;
    (void)snprintf(f->id, sizeof f->id, "%s", fleet->own.id);
    (void)snprintf(f->cluster, sizeof f->cluster, "%s", fleet->own_cluster);
}

bool follow_revision_is_lost(const struct revision_follower *f)
{
    char path[4096];
    (void)snprintf(path, sizeof path, "%s/" FLEET_COPY_FILE, f->fleet->home);
    return f->number > 0 && access(path, F_OK) < 0;
}

static bool is_foreign(const struct revision_follower *f)
{
    return *f->cluster != '\0' && strcmp(f->cluster, etcd_cluster(f->fleet->etcd)) != 0;
}

static enum revision_answer refuse(struct revision_follower *f, const char *text)
{
    if (is_foreign(f))
        (void)snprintf(f->trouble, sizeof f->trouble, "%s (this is another etcd cluster, %s, than before, %s)", text,
                       etcd_cluster(f->fleet->etcd), f->cluster);
    else
        (void)snprintf(f->trouble, sizeof f->trouble, "%s", text);
    return is_foreign(f) ? REVISION_FOREIGN : REVISION_REFUSED;
}

static int write_copy(struct revision_follower *f, struct arena *arena, const struct etcd_value *value)
{
    const struct fleet_copy copy = {.fleet = f->fleet->settings->name,
                                    .cluster = etcd_cluster(f->fleet->etcd),
                                    .sealed = value->value,
                                    .len = value->len};
    struct text text = fleet_copy_text(arena, &copy);
    (void)mkdir(arena_printf(arena, "%s/compiled", f->fleet->home), 0700);
    return replace_file(arena_printf(arena, "%s/" FLEET_COPY_FILE, f->fleet->home), text.bytes, text.len, 0600);
}

static enum revision_answer take(struct revision_follower *f, struct arena *arena, const struct fleet_offer *offer)
{
    int error = write_copy(f, arena, &offer->sealed);
    if (error != 0)
        return refuse(
            f, arena_printf(arena, "revision %lld cannot be written: %s", offer->revision.number, strerror(-error)));
    f->number = offer->revision.number;
    (void)snprintf(f->id, sizeof f->id, "%s", offer->revision.id);
    (void)snprintf(f->cluster, sizeof f->cluster, "%s", etcd_cluster(f->fleet->etcd));
    *f->trouble = '\0';
    return REVISION_TAKEN;
}

static enum revision_answer try(struct revision_follower *f, struct arena *arena, const struct fleet_offer *offer)
{
    struct fleet_trial trial = fleet_trial(f->fleet->home, f->fleet->managed, &offer->revision);
    const char *trouble = trial.trouble == NULL ? NULL : arena_strdup(arena, trial.trouble);
    compilation_finish(&trial.compilation);
    return trouble == NULL ? take(f, arena, offer) : refuse(f, trouble);
}

static enum revision_answer nothing_there(struct revision_follower *f, struct arena *arena)
{
    *f->trouble = '\0';
    if (f->number == 0)
        return REVISION_KEPT;
    return refuse(f, arena_printf(arena,
                                  "etcd no longer has an env file for fleet %s; revision %lld stays active. Push it "
                                  "again: hermes-fleet push FILE",
                                  f->fleet->settings->name, f->number));
}

static const char *going_back(const struct revision_follower *f, struct arena *arena, long long number)
{
    return arena_printf(arena,
                        "revision %lld is older than revision %lld, which is active: etcd was restored from a backup, "
                        "or an old value was put back. To accept it: hermes-fleet rollback %lld",
                        number, f->number, number);
}

enum revision_answer follow_revision(struct revision_follower *f, struct arena *arena, const struct etcd_value *value)
{
    if (value == NULL || value->value == NULL)
        return nothing_there(f, arena);
    struct fleet_offer offer = fleet_offer_of(f->fleet, arena, "sources/env", value);
    if (offer.trouble != NULL)
        return refuse(f, arena_printf(arena, "the env file in etcd %s", offer.trouble));
    const long long number = f->offered = offer.revision.number;
    bool same = number == f->number && strcmp(offer.revision.id, f->id) == 0;
    if (number < f->number)
        return refuse(f, going_back(f, arena, number));
    if (number == f->number && !same)
        return refuse(f, arena_printf(arena,
                                      "there are two revisions %lld, and the other one is active: etcd was restored "
                                      "from a backup. To accept this one: hermes-fleet rollback %lld",
                                      number, number));
    if (same && !is_foreign(f) && !follow_revision_is_lost(f)) {
        *f->trouble = '\0';
        return REVISION_KEPT;
    }
    return same ? take(f, arena, &offer) : try(f, arena, &offer);
}
