// Who may talk to the coordinator: names it is reached by (any page in the user's browser can reach a
// loopback port: DNS rebinding, cross-site posts) and the bearer token.
#ifndef TUNERD_COORDINATOR_HTTP_ACCESS_H
#define TUNERD_COORDINATOR_HTTP_ACCESS_H

#include <netinet/in.h>
#include <sys/socket.h>

#include "common/error.h"

enum { ACCESS_HOSTS_MAX = 64 };

struct access {
    int nhosts;
    char *hosts[ACCESS_HOSTS_MAX]; // "name:port", lower case, owned
    bool needs_token;
    unsigned char token_digest[32]; // SHA-256; the token itself is not kept
};

// "127.0.0.1:8080", "[::1]:0" to a socket address. E_RANGE.
enum code access_address(const char *listen, struct sockaddr_storage *out, socklen_t *len,
                         struct error *err);
int access_port(const struct sockaddr_storage *address);
// The names for this bound address: loopback's, the machine's own and `extra` ("name[:port],…").
// token_file NULL: none, which is refused (E_DENIED) when the address is not loopback. A token file
// that others may read is refused; one that does not exist is made with a random token, mode 0600.
enum code access_init(struct access *access, const struct sockaddr_storage *bound,
                      const char *extra, const char *token_file, struct error *err);
void access_fini(struct access *access);

// host, origin, authorization: header values or NULL. E_SYNTAX (no Host) or E_DENIED.
enum code access_check_host(const struct access *access, const char *host, struct error *err);
enum code access_check_origin(const struct access *access, const char *origin, struct error *err);
// True when no token is needed or this is the one. Takes the same time for every wrong one.
bool access_token_holds(const struct access *access, const char *authorization);

#endif
