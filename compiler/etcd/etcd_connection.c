#include "etcd_connection.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "etcd_bytes.h"
#include "etcd_request.h"
#include "http_only.h"

enum { CONNECT_MS = 2000, CALL_MS = 5000, KEEP_ALIVE_S = 30 };

struct etcd {
    struct etcd_access access;
    size_t at; /* the endpoint that is asked first */
    CURL *curl;
    char *token; /* of the user; NULL: none yet */
    struct etcd_bytes answer;
    char cluster[32];
    char trouble[ETCD_WHY_SIZE];
    char curl_error[CURL_ERROR_SIZE];
};

/* --- from its beginning to its end --- */

struct etcd *etcd_create(const struct etcd_access *access)
{
    struct etcd *etcd = calloc(1, sizeof *etcd);
    if (etcd == NULL)
        return NULL;
    etcd->access = *access;
    etcd->answer.most = ETCD_ANSWER_MOST;
    etcd->at = access->endpoint_count > 1 ? randombytes_uniform((uint32_t)access->endpoint_count) : 0;
    return etcd;
}

static void forget_token(struct etcd *etcd)
{
    if (etcd->token == NULL)
        return;
    sodium_memzero(etcd->token, strlen(etcd->token));
    free(etcd->token);
    etcd->token = NULL;
}

void etcd_destroy(struct etcd *etcd)
{
    if (etcd == NULL)
        return;
    if (etcd->curl != NULL)
        curl_easy_cleanup(etcd->curl);
    forget_token(etcd);
    etcd_bytes_finish(&etcd->answer);
    free(etcd);
}

const char *etcd_trouble(const struct etcd *etcd)
{
    return etcd->trouble;
}

const char *etcd_cluster(const struct etcd *etcd)
{
    return etcd->cluster;
}

/* --- endpoints --- */

static const char *endpoint(const struct etcd *etcd)
{
    return etcd->access.endpoints[etcd->at];
}

size_t etcd_connection_at(const struct etcd *etcd)
{
    return etcd->at;
}

void etcd_connection_next(struct etcd *etcd)
{
    etcd->at = (etcd->at + 1) % etcd->access.endpoint_count;
}

/* --- what is said about it --- */

void etcd_connection_note(struct etcd *etcd, const char *why)
{
    char line[ETCD_WHY_SIZE];
    (void)snprintf(line, sizeof line, "%s: %.300s", endpoint(etcd), why);
    etcd_answer_explain(etcd->trouble, line);
}

static bool is_certificate(CURLcode code)
{
    return code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CERTPROBLEM || code == CURLE_SSL_CACERT_BADFILE;
}

int etcd_connection_failed(struct etcd *etcd, CURLcode code, const char *words)
{
    if (code == CURLE_WRITE_ERROR)
        etcd_connection_note(etcd, "the answer is larger than 32 MiB");
    else
        etcd_connection_note(etcd, *words != '\0' ? words : curl_easy_strerror(code));
    return code == CURLE_WRITE_ERROR ? ETCD_NONSENSE : is_certificate(code) ? ETCD_REFUSED : ETCD_AWAY;
}

int etcd_connection_heard(struct etcd *etcd, const struct etcd_answer *answer)
{
    const char *cluster = etcd_answer_cluster(answer);
    if (answer->error != 0)
        etcd_connection_note(etcd, answer->why);
    else if (*cluster != '\0')
        (void)snprintf(etcd->cluster, sizeof etcd->cluster, "%s", cluster);
    if (answer->unauthenticated)
        forget_token(etcd);
    return answer->error;
}

/* --- a request --- */

static bool set_files(CURL *curl, const struct etcd_access *access)
{
    return (access->ca_file == NULL || curl_easy_setopt(curl, CURLOPT_CAINFO, access->ca_file) == CURLE_OK) &&
           (access->cert_file == NULL || (curl_easy_setopt(curl, CURLOPT_SSLCERT, access->cert_file) == CURLE_OK &&
                                          curl_easy_setopt(curl, CURLOPT_SSLKEY, access->cert_key_file) == CURLE_OK));
}

bool etcd_connection_prepare(const struct etcd *etcd, CURL *curl, const char *path, const char *body,
                             struct curl_slist *headers, char *error)
{
    char url[1024];
    (void)snprintf(url, sizeof url, "%s%s", endpoint(etcd), path);
    return http_only(curl) == CURLE_OK && curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 2L) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_PROXY, "") == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, error) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_TCP_KEEPALIVE, 1L) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_TCP_KEEPIDLE, (long)KEEP_ALIVE_S) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_URL, url) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body) == CURLE_OK && set_files(curl, &etcd->access);
}

struct curl_slist *etcd_connection_headers(const struct etcd *etcd, bool with_token)
{
    char *line = NULL;
    struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
    headers = curl_slist_append(headers, "Expect:"); /* no pause before a long body */
    if (!with_token || etcd->token == NULL || asprintf(&line, "Authorization: %s", etcd->token) < 0)
        return headers;
    headers = curl_slist_append(headers, line);
    sodium_memzero(line, strlen(line));
    free(line);
    return headers;
}

static size_t take_answer(char *data, size_t size, size_t count, void *etcd)
{
    return etcd_bytes_add(&((struct etcd *)etcd)->answer, data, size * count) ? size * count : 0;
}

static CURLcode perform(struct etcd *etcd, const char *path, const char *body, bool with_token)
{
    struct curl_slist *headers = etcd_connection_headers(etcd, with_token);
    if (etcd->curl == NULL)
        etcd->curl = curl_easy_init();
    etcd->answer.len = 0;
    *etcd->curl_error = '\0';
    CURL *curl = etcd->curl;
    bool set = curl != NULL && etcd_connection_prepare(etcd, curl, path, body, headers, etcd->curl_error) &&
               curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)CALL_MS) == CURLE_OK &&
               curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_answer) == CURLE_OK &&
               curl_easy_setopt(curl, CURLOPT_WRITEDATA, etcd) == CURLE_OK;
    CURLcode code = set ? curl_easy_perform(curl) : CURLE_FAILED_INIT;
    if (curl != NULL)
        (void)curl_easy_setopt(curl, CURLOPT_HTTPHEADER, NULL);
    curl_slist_free_all(headers);
    return code;
}

/* Of *RET only where the answer is good there is something to finish. */
static int call_once(struct etcd *etcd, const char *path, const char *body, bool with_token, struct etcd_answer *ret)
{
    long status = 0;
    *ret = (struct etcd_answer){0};
    CURLcode code = perform(etcd, path, body, with_token);
    if (code != CURLE_OK)
        return etcd_connection_failed(etcd, code, etcd->curl_error);
    (void)curl_easy_getinfo(etcd->curl, CURLINFO_RESPONSE_CODE, &status);
    struct etcd_answer answer = etcd_answer_read(etcd->answer.at, etcd->answer.len, status);
    int error = etcd_connection_heard(etcd, &answer);
    if (error == 0) {
        *ret = answer;
        return 0;
    }
    ret->unauthenticated = answer.unauthenticated;
    ret->leader_changed = answer.leader_changed;
    etcd_answer_finish(&answer);
    return error;
}

/* --- the user --- */

static int authenticate(struct etcd *etcd)
{
    struct etcd_answer answer;
    const char *password = etcd->access.password != NULL ? etcd->access.password : "";
    char *body = etcd_request_login(etcd->access.username, password);
    if (body == NULL)
        return ETCD_AWAY;
    int error = call_once(etcd, "/v3/auth/authenticate", body, false, &answer);
    sodium_memzero(body, strlen(body));
    free(body);
    if (error == 0)
        etcd->token = strdup(etcd_answer_text(&answer, "token"));
    if (etcd->answer.at != NULL)
        sodium_memzero(etcd->answer.at, etcd->answer.len);
    etcd_answer_finish(&answer);
    return error;
}

/* At one endpoint. A token that has grown old is replaced; what a change of leaders ended is asked once more. */
static int call_here(struct etcd *etcd, const char *path, const char *body, struct etcd_answer *ret)
{
    for (int i = 0;; i++) {
        *ret = (struct etcd_answer){0};
        int error = etcd->access.username != NULL && etcd->token == NULL ? authenticate(etcd) : 0;
        if (error == 0)
            error = call_once(etcd, path, body, true, ret);
        bool outdated = ret->unauthenticated && etcd->access.username != NULL;
        if (error == 0 || (!outdated && !ret->leader_changed) || i > 0)
            return error;
    }
}

int etcd_connection_call(struct etcd *etcd, const char *path, char *body, struct etcd_answer *ret)
{
    int error = ETCD_AWAY;
    *ret = (struct etcd_answer){0};
    for (size_t i = 0; body != NULL && i < etcd->access.endpoint_count; i++) {
        error = call_here(etcd, path, body, ret);
        if (error == 0 || error == ETCD_COMPACTED)
            break;
        if (error != ETCD_REFUSED || i + 1 < etcd->access.endpoint_count)
            etcd_connection_next(etcd);
    }
    free(body);
    return error;
}
