/* Any request and any answer that hermes-relay looks into: a target up to the first NUL, and the rest a body. */
#include "fuzz.h"
#include "bytes.h"
#include "decode.h"
#include "headers.h"
#include "hold.h"
#include "mask.h"
#include "model.h"
#include "route.h"
#include "usage.h"

static const char key[] = "sk-test-fuzz-key";

static void try_target(const char *target)
{
    static const struct hermes_provider provider = {.base_url = "https://example.com/v1", .auth = "bearer"};
    struct bytes url = {0};
    struct route route;
    if (route_parse(target, &route) != 0)
        return;
    size_t model = 0;
    must(route_model(&route, &model) == NULL || model <= strlen(target), "a model longer than its path");
    if (route_fits(provider.base_url, provider.auth, &route) != 0)
        return; /* it is not asked */
    must(route_url(provider.base_url, provider.auth, &route, &url), "no memory");
    must(strncmp(url.data, "https://example.com/v1", 22) == 0, "another place than the provider's");
    must(strpbrk(url.data, " \r\n#") == NULL, "a URL that means something else");
    url.data[strcspn(url.data, "?")] = '\0';
    must(strstr(url.data, "/../") == NULL && strstr(url.data, "/./") == NULL, "a way out of the provider's path");
    bytes_finish(&url);
}

static void try_model(const char *body, size_t len)
{
    struct model_place place;
    struct bytes changed = {0};
    if (!model_find(body, len, &place))
        return;
    must(place.start < place.end && place.end <= len, "a model outside the body");
    char name[MODEL_SIZE];
    must(!model_name(body, place, name) || strlen(name) < sizeof name, "a name beyond its place");
    must(model_replace(body, len, place, "another", &changed), "no memory");
    must(model_find(bytes_at(&changed), bytes_len(&changed), &place) && place.end - place.start == 7 &&
             memcmp(bytes_at(&changed) + place.start, "another", 7) == 0,
         "the model was not replaced");
    bytes_finish(&changed);
}

static void try_form(const char *body, size_t len)
{
    struct model_place place;
    must(!model_find_in_form("multipart/form-data; boundary=b", body, len, &place) ||
             (place.start < place.end && place.end <= len),
         "a field outside the form");
}

static void try_encodings(const char *body, size_t len)
{
    static const char *const names[] = {"gzip", "deflate", "br", "zstd"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct bytes plain = {0};
        must(decode(names[i], body, len, 4096, &plain) != 0 || bytes_len(&plain) <= 2 * 65536, "more than was allowed");
        bytes_finish(&plain);
    }
}

/* The body in two pieces, as they might come: no byte of a key may go out. */
static void try_mask(const char *body, size_t len, size_t cut)
{
    struct bytes whole = {0};
    must(bytes_add(&whole, body, len), "no memory");
    size_t out = cut - mask_key(bytes_at(&whole), cut, key, sizeof key - 1);
    (void)mask_key(bytes_at(&whole) + out, len - out, key, sizeof key - 1);
    must(memmem(bytes_at(&whole), len, key, sizeof key - 1) == NULL, "a key went out");
    bytes_finish(&whole);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    const char *text = (const char *)data;
    size_t target_len = strnlen(text, size);
    char *target = strndup(text, target_len);
    const char *body = text + target_len + (target_len < size);
    size_t len = size - (size_t)(body - text);
    long long in = 0;
    long long out = 0;
    struct hold_piece piece;
    try_target(target);
    try_model(body, len);
    if (len > 0)
        try_form(body, len);
    try_encodings(body, len);
    if (len > 0)
        try_mask(body, len, len / 2);
    for (int hold = HOLD_NOTHING; hold <= HOLD_BODY; hold++)
        must(!hold_enough((enum hold)hold, body, len, &piece) || (piece.start <= piece.end && piece.end <= len),
             "a piece outside the answer");
    usage_scan(body, len, &in, &out);
    struct bytes headers = {.data = target, .end = target_len, .capacity = target_len};
    struct header_line line;
    for (size_t at = 0; headers_next(&headers, &at, &line);)
        must(line.value + line.value_len <= target + target_len, "a header outside the headers");
    free(target);
    return 0;
}
