// Host, Origin and token. Comparing digests keeps the token out of memory and makes lengths equal.
#include "coordinator/http/access.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <netdb.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TOKEN_MIN = 22, TOKEN_MAX = 512 }; // 22 characters of base64 hold 128 bits

static bool is_port(const char *text)
{
    size_t len = strlen(text);
    return len > 0 && len <= 5 && strspn(text, "0123456789") == len &&
           strtol(text, NULL, 10) <= 65535;
}

enum code access_address(const char *listen, struct sockaddr_storage *out, socklen_t *len,
                         struct error *err)
{
    const char *colon = strrchr(listen, ':');
    char host[128];
    bool bracketed = listen[0] == '[';
    size_t host_len = colon ? (size_t)(colon - listen) : 0;
    if (!colon || host_len == 0 || host_len >= sizeof host ||
        (bracketed && (host_len < 3 || colon[-1] != ']')))
        return fail(err, E_RANGE, "",
                    "'%s' is no address to listen on; write HOST:PORT, as 127.0.0.1:8080", listen);
    snprintf(host, sizeof host, "%.*s", (int)host_len - 2 * bracketed, listen + bracketed);
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_PASSIVE | AI_NUMERICSERV | AI_NUMERICHOST};
    struct addrinfo *found = NULL;
    if (strcasecmp(host, "localhost") == 0)
        snprintf(host, sizeof host, "127.0.0.1");
    int failed = is_port(colon + 1) ? getaddrinfo(host, colon + 1, &hints, &found) : EAI_NONAME;
    if (failed || found->ai_addrlen > sizeof *out) {
        if (found)
            freeaddrinfo(found);
        return fail(err, E_RANGE, "",
                    "'%s' is no address to listen on; write a numeric HOST:PORT, as "
                    "127.0.0.1:8080",
                    listen);
    }
    memset(out, 0, sizeof *out);
    memcpy(out, found->ai_addr, found->ai_addrlen);
    *len = found->ai_addrlen;
    freeaddrinfo(found);
    return OK;
}

int access_port(const struct sockaddr_storage *address)
{
    return ntohs(address->ss_family == AF_INET6 ? ((const struct sockaddr_in6 *)address)->sin6_port
                                                : ((const struct sockaddr_in *)address)->sin_port);
}

static bool is_loopback(const struct sockaddr_storage *address)
{
    if (address->ss_family == AF_INET6)
        return IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)address)->sin6_addr);
    return ntohl(((const struct sockaddr_in *)address)->sin_addr.s_addr) >> 24 == 127;
}

static enum code add_host(struct access *access, const char *name, int port, struct error *err)
{
    char host[300];
    int len = port ? snprintf(host, sizeof host, "%s:%d", name, port)
                   : snprintf(host, sizeof host, "%s", name);
    if (len < 0 || (size_t)len >= sizeof host)
        return fail(err, E_RANGE, "", "the host name '%.60s…' is too long", name);
    for (char *p = host; *p; p++)
        if (*p >= 'A' && *p <= 'Z')
            *p = (char)(*p - 'A' + 'a');
    if (access->nhosts == ACCESS_HOSTS_MAX)
        return fail(err, E_RANGE, "", "more than %d host names", ACCESS_HOSTS_MAX);
    char *copy = strdup(host);
    if (!copy)
        return fail(err, E_MEMORY, "", "out of memory");
    access->hosts[access->nhosts++] = copy;
    return OK;
}

// A browser leaves port 80 out of Host.
static enum code add_with_port(struct access *access, const char *name, int port, struct error *err)
{
    enum code code = add_host(access, name, port, err);
    return code || port != 80 ? code : add_host(access, name, 0, err);
}

static enum code add_address(struct access *access, const struct sockaddr *address, int port,
                             struct error *err)
{
    char text[INET6_ADDRSTRLEN], name[INET6_ADDRSTRLEN + 2];
    if (address->sa_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)address;
        if (!inet_ntop(AF_INET, &in->sin_addr, name, sizeof name))
            return OK;
    } else if (address->sa_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)address;
        if (!inet_ntop(AF_INET6, &in6->sin6_addr, text, sizeof text))
            return OK;
        snprintf(name, sizeof name, "[%s]", text);
    } else {
        return OK;
    }
    return add_with_port(access, name, port, err);
}

static enum code add_own_names(struct access *access, int port, struct error *err)
{
    char name[256];
    enum code code = OK;
    if (gethostname(name, sizeof name) == 0) {
        name[sizeof name - 1] = '\0';
        code = add_with_port(access, name, port, err);
    }
    struct ifaddrs *all = NULL;
    if (code == OK && getifaddrs(&all) == 0) {
        for (struct ifaddrs *i = all; i && access->nhosts < ACCESS_HOSTS_MAX / 2; i = i->ifa_next)
            if (i->ifa_addr && add_address(access, i->ifa_addr, port, err))
                break;
        freeifaddrs(all);
    }
    return code;
}

static enum code add_extra(struct access *access, const char *extra, int port, struct error *err)
{
    enum code code = OK;
    while (extra && *extra && code == OK) {
        extra += strspn(extra, " ");
        size_t len = strcspn(extra, ",");
        char name[256];
        snprintf(name, sizeof name, "%.*s", (int)(len < 255 ? len : 255), extra);
        const char *bracket = strrchr(name, ']');
        const char *colon = strchr(bracket ? bracket : name, ':');
        if (len)
            code = colon ? add_host(access, name, 0, err) : add_with_port(access, name, port, err);
        extra += len + (extra[len] == ',');
    }
    return code;
}

static enum code keep_digest(struct access *access, const char *token, size_t len)
{
    crypto_hash_sha256(access->token_digest, (const unsigned char *)token, len);
    access->needs_token = true;
    return OK;
}

static enum code make_token(struct access *access, const char *path, struct error *err)
{
    unsigned char bytes[32];
    char token[sodium_base64_ENCODED_LEN(sizeof bytes, sodium_base64_VARIANT_URLSAFE_NO_PADDING)];
    randombytes_buf(bytes, sizeof bytes);
    sodium_bin2base64(token, sizeof token, bytes, sizeof bytes,
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return fail(err, E_IO, "", "cannot make the token file %s: %s", path, strerror(errno));
    size_t len = strlen(token);
    bool written =
        write(fd, token, len) == (ssize_t)len && write(fd, "\n", 1) == 1 && fsync(fd) == 0;
    if (close(fd) != 0 || !written) {
        unlink(path);
        return fail(err, E_IO, "", "cannot write the token file %s", path);
    }
    enum code code = keep_digest(access, token, len);
    sodium_memzero(token, sizeof token);
    return code;
}

static enum code read_token(struct access *access, const char *path, struct error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT)
        return make_token(access, path, err);
    if (fd < 0)
        return fail(err, E_IO, "", "cannot read the token file %s: %s", path, strerror(errno));
    struct stat st;
    char token[TOKEN_MAX + 2];
    ssize_t len = fstat(fd, &st) == 0 ? read(fd, token, sizeof token) : -1;
    close(fd);
    if (len < 0)
        return fail(err, E_IO, "", "cannot read the token file %s", path);
    if (st.st_mode & 037) // the group may: a credential of systemd's shows its access list there
        return fail(err, E_DENIED, "", "others may read the token file %s; chmod 600 it", path);
    while (len > 0 && strchr(" \t\r\n", token[len - 1]) && token[len - 1])
        len--;
    bool plain = len >= TOKEN_MIN && len <= TOKEN_MAX;
    for (ssize_t i = 0; plain && i < len; i++)
        plain = token[i] > 0x20 && token[i] < 0x7f;
    if (!plain)
        return fail(err, E_DENIED, "",
                    "the token in %s is not one line of %d to %d printable characters; remove the "
                    "file and a good one is made",
                    path, TOKEN_MIN, TOKEN_MAX);
    enum code code = keep_digest(access, token, (size_t)len);
    sodium_memzero(token, sizeof token);
    return code;
}

enum code access_init(struct access *access, const struct sockaddr_storage *bound,
                      const char *extra, const char *token_file, struct error *err)
{
    *access = (struct access){0};
    bool loopback = is_loopback(bound);
    if (!loopback && !token_file)
        return fail(err, E_DENIED, "",
                    "this address can be reached from other machines; give --token-file too, or "
                    "listen on 127.0.0.1");
    if (sodium_init() < 0)
        return fail(err, E_INTERNAL, "", "libsodium cannot start");
    int port = access_port(bound);
    static const char *const local[] = {"localhost", "127.0.0.1", "[::1]"};
    enum code code = OK;
    for (int i = 0; i < 3 && code == OK; i++)
        code = add_with_port(access, local[i], port, err);
    if (code == OK)
        code = loopback ? add_address(access, (const struct sockaddr *)bound, port, err)
                        : add_own_names(access, port, err);
    if (code == OK)
        code = add_extra(access, extra, port, err);
    if (code == OK && token_file)
        code = read_token(access, token_file, err);
    if (code)
        access_fini(access);
    return code;
}

void access_fini(struct access *access)
{
    for (int i = 0; i < access->nhosts; i++)
        free(access->hosts[i]);
    sodium_memzero(access, sizeof *access);
}

static bool knows(const struct access *access, const char *host)
{
    for (int i = 0; i < access->nhosts; i++)
        if (strcasecmp(access->hosts[i], host) == 0)
            return true;
    return false;
}

enum code access_check_host(const struct access *access, const char *host, struct error *err)
{
    if (!host)
        return fail(err, E_SYNTAX, "#Host", "there is no Host header; HTTP/1.1 needs one");
    if (!knows(access, host))
        return fail(err, E_DENIED, "#Host",
                    "this coordinator is not known as '%.100s'; use %s, or start it with "
                    "--http-host",
                    host, access->hosts[0]);
    return OK;
}

enum code access_check_origin(const struct access *access, const char *origin, struct error *err)
{
    if (!origin)
        return OK;
    const char *host = strncmp(origin, "http://", 7) == 0    ? origin + 7
                       : strncmp(origin, "https://", 8) == 0 ? origin + 8
                                                             : "";
    if (!knows(access, host))
        return fail(err, E_DENIED, "#Origin",
                    "pages of '%.100s' may not use this coordinator; only its own pages may",
                    origin);
    return OK;
}

bool access_token_holds(const struct access *access, const char *authorization)
{
    if (!access->needs_token)
        return true;
    if (!authorization || strncasecmp(authorization, "Bearer ", 7) != 0)
        return false;
    const char *token = authorization + 7;
    token += strspn(token, " ");
    unsigned char digest[32];
    crypto_hash_sha256(digest, (const unsigned char *)token, strlen(token));
    return sodium_memcmp(digest, access->token_digest, sizeof digest) == 0;
}
