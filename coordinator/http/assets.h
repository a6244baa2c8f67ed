// The dashboard, built into the binary: web/ is bundled and compressed into this table at build time.
#ifndef TUNERD_COORDINATOR_HTTP_ASSETS_H
#define TUNERD_COORDINATOR_HTTP_ASSETS_H

#include <stddef.h>

struct asset {
    const char *path;          // "/", "/app.js": exactly as requested
    const char *type;          // Content-Type
    const char *etag;          // with its quotes: "\"3f2a…\""
    const unsigned char *gzip; // the whole file, gzip
    size_t gzip_len;
};

// Ended by a NULL path. Generated into $(O)/gen/assets.c.
extern const struct asset assets[];

#endif
