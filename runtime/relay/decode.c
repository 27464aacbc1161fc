#include "decode.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include <brotli/decode.h>
#include <zlib.h>
#include <zstd.h>

#include "bytes.h"

enum { PIECE = 64 * 1024 };

/* Room for a piece more. */
static int make_room(struct bytes *result, size_t limit)
{
    if (bytes_len(result) > limit)
        return -E2BIG;
    return bytes_reserve(result, PIECE) ? 0 : -ENOMEM;
}

/* WINDOW: zlib's windowBits, which say what stands around the data. */
static int inflate_with(int window, const char *body, size_t len, size_t limit, struct bytes *result)
{
    z_stream z = {.next_in = (Bytef *)(uintptr_t)body, .avail_in = (uInt)len};
    int error = len > UINT32_MAX ? -E2BIG : inflateInit2(&z, window) == Z_OK ? 0 : -ENOMEM;
    if (error != 0)
        return error;
    int state = Z_OK;
    while (error == 0 && state == Z_OK && (error = make_room(result, limit)) == 0) {
        z.next_out = (Bytef *)result->data + result->end;
        z.avail_out = PIECE;
        state = inflate(&z, Z_NO_FLUSH);
        result->end += PIECE - z.avail_out;
    }
    (void)inflateEnd(&z);
    return error != 0 ? error : state == Z_STREAM_END ? 0 : -EINVAL;
}

static int decode_gzip(const char *body, size_t len, size_t limit, struct bytes *result)
{
    return inflate_with(15 + 16, body, len, limit, result);
}

/* What is called deflate is zlib's format, and with some clients the bare data. */
static int decode_deflate(const char *body, size_t len, size_t limit, struct bytes *result)
{
    int error = inflate_with(15, body, len, limit, result);
    if (error != -EINVAL)
        return error;
    bytes_clear(result);
    return inflate_with(-15, body, len, limit, result);
}

static int decode_br(const char *body, size_t len, size_t limit, struct bytes *result)
{
    BrotliDecoderState *state = BrotliDecoderCreateInstance(NULL, NULL, NULL);
    const uint8_t *in = (const uint8_t *)body;
    BrotliDecoderResult said = BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT;
    int error = state == NULL ? -ENOMEM : 0;
    while (error == 0 && said == BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT && (error = make_room(result, limit)) == 0) {
        uint8_t *out = (uint8_t *)result->data + result->end;
        size_t left = PIECE;
        said = BrotliDecoderDecompressStream(state, &len, &in, &left, &out, NULL);
        result->end += PIECE - left;
    }
    BrotliDecoderDestroyInstance(state);
    return error != 0 ? error : said == BROTLI_DECODER_RESULT_SUCCESS && len == 0 ? 0 : -EINVAL;
}

static int decode_zstd(const char *body, size_t len, size_t limit, struct bytes *result)
{
    ZSTD_DStream *stream = ZSTD_createDStream();
    ZSTD_inBuffer in = {body, len, 0};
    size_t said = 1;
    int error = stream == NULL ? -ENOMEM : 0;
    while (error == 0 && (in.pos < in.size || said > 0) && (error = make_room(result, limit)) == 0) {
        ZSTD_outBuffer out = {result->data + result->end, PIECE, 0};
        size_t before = in.pos;
        said = ZSTD_decompressStream(stream, &out, &in);
        result->end += out.pos;
        if (ZSTD_isError(said) || (said > 0 && in.pos == before && out.pos == 0))
            error = -EINVAL;
    }
    (void)ZSTD_freeDStream(stream);
    return error;
}

static int decode_identity(const char *body, size_t len, size_t limit, struct bytes *result)
{
    return len > limit ? -E2BIG : bytes_add(result, body, len) ? 0 : -ENOMEM;
}

int decode(const char *encoding, const char *body, size_t len, size_t limit, struct bytes *result)
{
    static const struct {
        const char *name;
        int (*decode)(const char *body, size_t len, size_t limit, struct bytes *result);
    } known[] = {{"gzip", decode_gzip}, {"x-gzip", decode_gzip}, {"deflate", decode_deflate},
                 {"br", decode_br},     {"zstd", decode_zstd},   {"identity", decode_identity}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcasecmp(known[i].name, encoding) == 0)
            return known[i].decode(body, len, limit, result);
    return -ENOTSUP;
}
