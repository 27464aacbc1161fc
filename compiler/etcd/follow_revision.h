/* What a machine does with the revision that etcd offers: it takes it whole into its copy, or says why not and keeps
 * the one that it has. Revisions never go back. */
#ifndef HERMES_FOLLOW_REVISION_H
#define HERMES_FOLLOW_REVISION_H

#include "fleet.h"

struct revision_follower {
    struct fleet *fleet;
    long long number; /* of the copy; 0: none */
    char id[32];
    char cluster[32];
    long long offered;  /* the last one that was understood; 0: none */
    char trouble[1024]; /* why what is offered is not taken; "": nothing is wrong */
};

enum revision_answer {
    REVISION_TAKEN,   /* the copy is another one now */
    REVISION_KEPT,    /* it is what the copy is, or there is nothing */
    REVISION_REFUSED, /* `trouble` says why */
    REVISION_FOREIGN, /* likewise, and this etcd is not the one that the copy came from */
};

void follow_revision_open(struct revision_follower *follower, struct fleet *fleet);
/* VALUE: what lies at `sources/env`; NULL: nothing does. */
enum revision_answer follow_revision(struct revision_follower *follower, struct arena *arena,
                                     const struct etcd_value *value);
/* The copy is gone: what etcd offers is to be taken anew. */
bool follow_revision_is_lost(const struct revision_follower *follower);

#endif
