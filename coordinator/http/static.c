// The dashboard and the API's description, from memory: no request ever names a file.
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "coordinator/http/reply.h"
#include "coordinator/http/resources.h"

enum { UNPACKED_MAX = 64 << 20 };

static const struct asset *find(const struct uri *uri)
{
    for (const struct asset *a = assets; a->path; a++) {
        const char *path = a->path;
        bool same = true;
        for (int i = 0; same && i < uri->nsegments; i++) {
            size_t len = strlen(uri->segments[i]);
            same = *path == '/' && strncmp(path + 1, uri->segments[i], len) == 0;
            path += same ? 1 + len : 0;
        }
        if (same && *path == '\0')
            return a;
    }
    return NULL;
}

bool static_has(const struct uri *uri)
{
    return find(uri) != NULL;
}

// For the rare client that does not take gzip. The caller's to free(); NULL on failure.
static char *unpack(const struct asset *asset, size_t *len)
{
    size_t size = asset->gzip_len * 8 + 1024;
    z_stream z = {.next_in = (unsigned char *)(uintptr_t)asset->gzip,
                  .avail_in = (unsigned)asset->gzip_len};
    if (inflateInit2(&z, 16 + MAX_WBITS) != Z_OK)
        return NULL;
    char *bytes = NULL;
    int rc = Z_OK;
    while (rc == Z_OK && size <= UNPACKED_MAX) {
        char *more = realloc(bytes, size);
        if (!more)
            break;
        bytes = more;
        z.next_out = (unsigned char *)bytes + z.total_out;
        z.avail_out = (unsigned)(size - z.total_out);
        rc = inflate(&z, Z_FINISH);
        rc = rc == Z_BUF_ERROR && z.avail_out == 0 ? Z_OK : rc;
        size *= 2;
    }
    *len = z.total_out;
    inflateEnd(&z);
    if (rc == Z_STREAM_END)
        return bytes;
    free(bytes);
    return NULL;
}

static void give(struct request *request, const struct asset *asset)
{
    if (header_lists(request->headers.if_none_match, asset->etag, true)) {
        reply_empty(request, 304);
    } else if (header_lists(request->headers.accept_encoding, "gzip", true)) {
        reply_static(request, 200, asset->type, asset->gzip, asset->gzip_len);
        reply_header(request, "Content-Encoding", "gzip");
    } else {
        size_t len = 0;
        char *bytes = unpack(asset, &len);
        if (bytes)
            reply_bytes(request, 200, asset->type, bytes, len);
        else
            reply_fail(request, 0, E_MEMORY, "", "out of memory");
    }
    if (request->status < 400) {
        MHD_del_response_header(request->response, "Cache-Control", "no-store");
        reply_header(request, "Cache-Control", "no-cache");
        reply_header(request, "Vary", "Accept-Encoding");
        reply_header(request, "ETag", asset->etag);
    }
}

void static_get(struct request *request)
{
    const struct asset *asset = find(&request->uri);
    if (asset)
        give(request, asset);
}

void static_openapi(struct request *request)
{
    give(request, &openapi_asset);
}
