#include "decode.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include <brotli/decode.h>
#include <zlib.h>
#include <zstd.h>

#include "bytes.h"

enum { PIECE = 64 * 1024, MOST = 3 }; /* MOST: encodings of one body */

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
        if (state == Z_STREAM_END && z.avail_in > 0) /* gzip's data may be in several parts */
            state = window > 15 && inflateReset(&z) == Z_OK ? Z_OK : Z_DATA_ERROR;
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

static const struct coding {
    const char *name;
    int (*undo)(const char *body, size_t len, size_t limit, struct bytes *result);
} codings[] = {{"gzip", decode_gzip}, {"x-gzip", decode_gzip}, {"deflate", decode_deflate},
               {"br", decode_br},     {"zstd", decode_zstd},   {"identity", decode_identity}};

/* The last one in the LEN bytes of LIST, which are what is left of it then. NULL: it is not known. */
static const struct coding *take_last(const char *list, size_t *len)
{
    const char *comma = memrchr(list, ',', *len);
    const char *name = comma == NULL ? list : comma + 1;
    const char *end = list + *len;
    while (name < end && (*name == ' ' || *name == '\t'))
        name++;
    while (end > name && (end[-1] == ' ' || end[-1] == '\t'))
        end--;
    *len = comma == NULL ? 0 : (size_t)(comma - list);
    for (size_t i = 0; i < sizeof codings / sizeof *codings; i++)
        if (strlen(codings[i].name) == (size_t)(end - name) &&
            strncasecmp(codings[i].name, name, (size_t)(end - name)) == 0)
            return &codings[i];
    return NULL;
}

int decode(const char *encodings, const char *body, size_t len, size_t limit, struct bytes *result)
{
    struct bytes before = {0};
    size_t left = strlen(encodings);
    int error = 0;
    for (int count = 0; error == 0 && (count == 0 || left > 0); count++) {
        const struct coding *coding = count < MOST ? take_last(encodings, &left) : NULL;
        const struct bytes swap = before;
        before = *result;
        *result = swap;
        bytes_clear(result);
        error = coding == NULL ? -ENOTSUP
                : count == 0   ? coding->undo(body, len, limit, result)
                               : coding->undo(bytes_at(&before), bytes_len(&before), limit, result);
    }
    bytes_finish(&before);
    return error;
}
