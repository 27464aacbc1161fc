#include "body.h"

#include <errno.h>
#include <string.h>

#include "copy_text.h"
#include "decode.h"
#include "exchange.h"
#include "headers.h"
#include "model.h"

static int decode_body(struct exchange *x)
{
    struct bytes plain = {0};
    const char *encoding = headers_line(&x->headers, "content-encoding");
    if (encoding == NULL || bytes_len(&x->body) == 0)
        return 0;
    int error =
        x->streaming ? -ENOTSUP : decode(encoding, bytes_at(&x->body), bytes_len(&x->body), REPLAY_LIMIT, &plain);
    if (error == -ENOTSUP && x->route.provider[0] != '\0')
        return 0; /* it goes on as it came */
    if (error != 0) {
        bytes_finish(&plain);
        return error;
    }
    bytes_finish(&x->body);
    x->body = plain;
    x->body_length = (long long)bytes_len(&plain);
    headers_remove(&x->headers, "content-encoding");
    return 0;
}

static void find_model(struct exchange *x)
{
    size_t len;
    const char *in_path = route_model(&x->route, &len);
    const char *type = headers_line(&x->headers, "content-type");
    x->model = (struct model_place){0};
    x->use_model[0] = '\0';
    if (in_path != NULL) {
        if (!route_decode(in_path, len, x->use_model, sizeof x->use_model))
            x->use_model[0] = '\0';
        return;
    }
    const char *body = bytes_at(&x->body);
    if (type != NULL && (model_find_in_form(type, body, bytes_len(&x->body), &x->model) ||
                         model_find_in_pairs(type, body, bytes_len(&x->body), &x->model)))
        ;
    else if (bytes_len(&x->body) == 0 || !model_find(bytes_at(&x->body), bytes_len(&x->body), &x->model))
        return;
    if (!model_name(bytes_at(&x->body), x->model, x->use_model))
        x->use_model[0] = '\0';
}

int body_look(struct exchange *x)
{
    int error = decode_body(x);
    if (error == 0)
        find_model(x);
    memcpy(x->first_model, x->use_model, sizeof x->first_model);
    return error;
}

/* The model in the body is use_model from now on. */
static bool write_model(struct exchange *x)
{
    struct bytes changed = {0};
    size_t before = bytes_len(&x->body);
    if (!model_replace(bytes_at(&x->body), before, x->model, x->use_model, &changed)) {
        bytes_finish(&changed);
        return false;
    }
    bytes_finish(&x->body);
    x->body = changed;
    x->model.end = x->model.end + bytes_len(&changed) - before;
    if (x->body_length > 0)
        x->body_length += (long long)bytes_len(&changed) - (long long)before;
    return true;
}

/* Where the model's text is what it says, some bytes go; else it is written anew. */
static bool cut_body(struct exchange *x, size_t count)
{
    char *model = bytes_at(&x->body) + x->model.start;
    size_t len = x->model.end - x->model.start;
    if (x->model.escaped || (!x->model.of_form && memchr(model, '\\', len) != NULL))
        return write_model(x);
    memmove(model, model + count, bytes_len(&x->body) - x->model.start - count);
    x->body.end -= count;
    x->model.end -= count;
    if (x->body_length > 0)
        x->body_length -= (long long)count;
    return true;
}

bool body_cut_model(struct exchange *x, size_t count)
{
    memmove(x->use_model, x->use_model + count, strlen(x->use_model + count) + 1);
    memcpy(x->first_model, x->use_model, sizeof x->first_model);
    if (x->model.end > x->model.start)
        return cut_body(x, count);
    route_cut_model(&x->route, &x->target, count);
    return true;
}

bool body_set_model(struct exchange *x, const char *model)
{
    COPY_TEXT(x->use_model, model);
    memcpy(x->first_model, x->use_model, sizeof x->first_model);
    return x->model.end > x->model.start ? write_model(x) : route_set_model(&x->route, &x->target, model);
}
