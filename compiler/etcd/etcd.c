#include "etcd.h"

#include "etcd_connection.h"
#include "etcd_request.h"

int etcd_range(struct etcd *etcd, struct arena *arena, const char *key, const char *end, struct etcd_values *ret)
{
    struct etcd_answer answer;
    int error = etcd_connection_call(etcd, "/v3/kv/range", etcd_request_range(key, end), &answer);
    if (error == 0)
        *ret = etcd_answer_values(&answer, arena);
    etcd_answer_finish(&answer);
    return error;
}

int etcd_commit(struct etcd *etcd, const char *guard, long long mod_revision, const struct etcd_change *changes,
                size_t count, bool *ret_done)
{
    struct etcd_answer answer;
    char *request = etcd_request_commit(guard, mod_revision, changes, count);
    int error = etcd_connection_call(etcd, "/v3/kv/txn", request, &answer);
    if (error == 0)
        *ret_done = etcd_answer_truth(&answer, "succeeded");
    etcd_answer_finish(&answer);
    return error;
}

static int call_lease(struct etcd *etcd, const char *path, char *request, const char *wanted, long long *ret)
{
    struct etcd_answer answer;
    int error = etcd_connection_call(etcd, path, request, &answer);
    if (error == 0)
        *ret = etcd_answer_number(&answer, wanted);
    etcd_answer_finish(&answer);
    return error;
}

int etcd_lease_grant(struct etcd *etcd, long long seconds, long long *ret)
{
    return call_lease(etcd, "/v3/lease/grant", etcd_request_lease(0, seconds), "ID", ret);
}

int etcd_lease_keep(struct etcd *etcd, long long lease, long long *ret_left)
{
    return call_lease(etcd, "/v3/lease/keepalive", etcd_request_lease(lease, 0), "TTL", ret_left);
}

int etcd_lease_left(struct etcd *etcd, long long lease, long long *ret_left)
{
    return call_lease(etcd, "/v3/lease/timetolive", etcd_request_lease(lease, 0), "TTL", ret_left);
}
