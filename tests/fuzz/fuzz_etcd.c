/* What answers in etcd's place: the first byte picks the status, or a line of a watch; the rest is what it says. */
#include "etcd_answer.h"
#include "fuzz.h"

static void check_values(const struct etcd_answer *answer)
{
    struct arena *arena = arena_create();
    const struct etcd_values values = etcd_answer_values(answer, arena);
    must(values.revision < INT64_MAX, "a revision after which there is none");
    for (size_t i = 0; i < values.count; i++) {
        const struct etcd_value *value = &values.items[i];
        must(value->key != NULL, "a value without a key");
        must(value->value == NULL || value->value[value->len] == '\0', "a value without an end");
    }
    arena_destroy(arena);
}

static void check_error(const struct etcd_answer *answer)
{
    must(answer->error >= ETCD_COMPACTED && answer->error <= ETCD_AWAY, "an error of no kind");
    for (const char *c = answer->why; *c != '\0'; c++)
        must((unsigned char)*c >= ' ' && *c != 127, "a control character is shown");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const long statuses[] = {0, 200, 200, 200, 307, 400, 401, 403, 404, 412, 429, 500, 503};
    if (size == 0)
        return 0;
    const long status = statuses[*data % (sizeof statuses / sizeof *statuses)];
    char *text = malloc(size); /* so that what is read beyond it is noticed */
    memcpy(text, data + 1, size - 1);
    struct etcd_answer answer =
        status == 0 ? etcd_answer_read_line(text, size - 1) : etcd_answer_read(text, size - 1, status);
    must(status == 0 || status == 200 || answer.error != 0, "a failure that counts as an answer");
    if (answer.error == 0)
        check_values(&answer);
    else
        check_error(&answer);
    (void)etcd_answer_number(&answer, "TTL");
    (void)etcd_answer_text(&answer, "token");
    (void)etcd_answer_cluster(&answer);
    etcd_answer_finish(&answer);
    free(text);
    return 0;
}
