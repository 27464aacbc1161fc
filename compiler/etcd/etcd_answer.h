/* What etcd's JSON gateway says, whole or a line of a watch; a stranger may have said it.
 *
 *     struct etcd_answer answer = etcd_answer_read(bytes, len, 200);
 *     if (answer.error == 0)
 *         number = etcd_answer_number(&answer, "TTL");
 *     etcd_answer_finish(&answer);
 */
#ifndef HERMES_ETCD_ANSWER_H
#define HERMES_ETCD_ANSWER_H

#include "etcd.h"

enum { ETCD_WHY_SIZE = 512 };

struct etcd_answer {
    struct cJSON *root;
    const struct cJSON *result; /* that of a stream, or the root */
    int error;                  /* 0 or an enum etcd_error */
    bool unauthenticated;       /* the user's token is none any more, or there is none */
    bool leader_changed;        /* while it was asked: the new leader answers */
    char why[ETCD_WHY_SIZE];    /* the error's reason, without control characters */
};

/* With this HTTP STATUS. */
struct etcd_answer etcd_answer_read(const char *bytes, size_t len, long status) MUST_CHECK;
struct etcd_answer etcd_answer_read_line(const char *line, size_t len) MUST_CHECK;
void etcd_answer_finish(struct etcd_answer *answer);

/* TEXT, which a stranger may have made, as it can be shown. */
void etcd_answer_explain(char ret[ETCD_WHY_SIZE], const char *text);

/* A member of the result: "", 0 or false where there is none; etcd writes numbers of 64 bits as strings. */
const char *etcd_answer_text(const struct etcd_answer *answer, const char *name);
long long etcd_answer_number(const struct etcd_answer *answer, const char *name);
bool etcd_answer_truth(const struct etcd_answer *answer, const char *name);
/* Of its header: "": none. */
const char *etcd_answer_cluster(const struct etcd_answer *answer);
/* What was read, or the events of a watch. */
struct etcd_values etcd_answer_values(const struct etcd_answer *answer, struct arena *arena);

#endif
