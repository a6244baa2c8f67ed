#include "coordinator/dispatch/router.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#include "common/keys.h"
#include "common/wire.h"
#include "coordinator/alloc.h"

enum {
    PEER_QUEUE = 1000, // messages
    HANDSHAKE_MS = 5000,
    FRAMES = 3, // routing id, header, payload
};

struct router {
    void *context, *socket;
    struct gate *gate; // NULL: no keys
};

static enum code set(void *socket, int option, int value, struct error *err)
{
    if (zmq_setsockopt(socket, option, &value, sizeof value) == 0)
        return OK;
    return fail(err, E_IO, "", "cannot set up the socket for workers: %s", zmq_strerror(errno));
}

static enum code set_options(void *socket, struct error *err)
{
    static const struct {
        int option, value;
    } options[] = {
        {ZMQ_ROUTER_MANDATORY, 1},
        {ZMQ_ROUTER_HANDOVER, 1},
        {ZMQ_LINGER, 0},
        {ZMQ_SNDHWM, PEER_QUEUE},
        {ZMQ_RCVHWM, PEER_QUEUE},
        {ZMQ_HANDSHAKE_IVL, HANDSHAKE_MS},
        {ZMQ_IPV6, 1},
        {ZMQ_TCP_KEEPALIVE, 1},
    };
    for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
        enum code code = set(socket, options[i].option, options[i].value, err);
        if (code)
            return code;
    }
    int64_t largest = WIRE_MESSAGE_MAX;
    if (zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &largest, sizeof largest))
        return fail(err, E_IO, "", "cannot set up the socket for workers: %s", zmq_strerror(errno));
    return OK;
}

static enum code check_files(const char *endpoint, const struct gate_files *files,
                             struct error *err)
{
    if (!files->key != !files->workers)
        return fail(err, E_DENIED, "", "--key and --worker-keys belong together; give both");
    if (!files->key && !keys_is_loopback(endpoint))
        return fail(err, E_DENIED, "",
                    "workers may connect to %s from other machines, which needs --key and "
                    "--worker-keys; or listen on tcp://127.0.0.1:5670",
                    endpoint);
    return OK;
}

static enum code bind_socket(struct router *router, const char *endpoint, struct error *err)
{
    char bound[512];
    size_t size = sizeof bound;
    if (zmq_bind(router->socket, endpoint))
        return fail(err, errno == EINVAL ? E_RANGE : E_IO, "",
                    "cannot listen for workers on %s: %s; choose another --worker-listen", endpoint,
                    zmq_strerror(errno));
    if (!router->gate)
        return OK;
    if (zmq_getsockopt(router->socket, ZMQ_LAST_ENDPOINT, bound, &size))
        return fail(err, E_IO, "", "cannot name the socket for workers: %s", zmq_strerror(errno));
    return gate_prove(router->gate, router->context, bound, err);
}

enum code router_open(const char *endpoint, const struct gate_files *files, struct router **out,
                      struct error *err)
{
    enum code code = check_files(endpoint, files, err);
    if (code)
        return code;
    struct router *router = alloc_zero(1, sizeof *router);
    router->context = alloc_sure(zmq_ctx_new());
    if (files->key)
        code = gate_open(router->context, files, &router->gate, err);
    if (!code && !(router->socket = zmq_socket(router->context, ZMQ_ROUTER)))
        code = fail(err, E_IO, "", "cannot make the socket for workers: %s", zmq_strerror(errno));
    if (!code)
        code = set_options(router->socket, err);
    if (!code && router->gate)
        code = gate_guard(router->gate, router->socket, err);
    if (!code)
        code = bind_socket(router, endpoint, err);
    if (code) {
        router_close(router);
        return code;
    }
    *out = router;
    return OK;
}

void router_close(struct router *router)
{
    if (!router)
        return;
    if (router->socket)
        zmq_close(router->socket);
    zmq_ctx_shutdown(router->context);
    gate_close(router->gate);
    zmq_ctx_term(router->context);
    free(router);
}

int router_fd(const struct router *router)
{
    int fd = -1;
    size_t size = sizeof fd;
    zmq_getsockopt(router->socket, ZMQ_FD, &fd, &size);
    return fd;
}

bool router_has_input(struct router *router)
{
    int events = 0;
    size_t size = sizeof events;
    return zmq_getsockopt(router->socket, ZMQ_EVENTS, &events, &size) == 0 && events & ZMQ_POLLIN;
}

// An id is safe as a key, in a log line and in a file's name.
static void read_id(const void *data, size_t len, char out[65])
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                  "0123456789._:-";
    out[0] = '\0';
    if (len < 1 || len > 64)
        return;
    memcpy(out, data, len);
    out[len] = '\0';
    if (strspn(out, allowed) != len)
        out[0] = '\0';
}

// All frames of one message; the number of them. What is beyond FRAMES is read and dropped.
static int receive_frames(void *socket, zmq_msg_t frames[FRAMES])
{
    int n = 0;
    for (bool more = true; more;) {
        zmq_msg_t frame;
        zmq_msg_init(&frame);
        if (zmq_msg_recv(&frame, socket, ZMQ_DONTWAIT) < 0) {
            zmq_msg_close(&frame);
            return n;
        }
        more = zmq_msg_more(&frame);
        if (n < FRAMES)
            zmq_msg_move(&frames[n], &frame);
        zmq_msg_close(&frame);
        n++;
    }
    return n;
}

// Under keys: whose message it is; false when the worker is not on the list any more.
static bool read_user(const struct router *router, zmq_msg_t *frame, char out[256])
{
    out[0] = '\0';
    if (!router->gate)
        return true;
    const char *user = zmq_msg_gets(frame, "User-Id");
    if (!user || strlen(user) > 255)
        return false;
    memcpy(out, user, strlen(user) + 1);
    return gate_knows(router->gate, out);
}

bool router_receive(struct router *router, struct router_message *message)
{
    zmq_msg_t *frames = alloc_zero(FRAMES, sizeof *frames);
    for (;;) {
        for (int i = 0; i < FRAMES; i++)
            zmq_msg_init(&frames[i]);
        int n = receive_frames(router->socket, frames);
        *message = (struct router_message){.frames = frames};
        if (n == 0) {
            router_release(message);
            return false;
        }
        if (n == FRAMES && read_user(router, &frames[1], message->user))
            break;
        for (int i = 0; i < FRAMES; i++)
            zmq_msg_close(&frames[i]);
    }
    read_id(zmq_msg_data(&frames[0]), zmq_msg_size(&frames[0]), message->worker);
    message->header = zmq_msg_data(&frames[1]);
    message->header_len = zmq_msg_size(&frames[1]);
    message->payload = zmq_msg_data(&frames[2]);
    message->payload_len = zmq_msg_size(&frames[2]);
    return true;
}

void router_release(struct router_message *message)
{
    zmq_msg_t *frames = message->frames;
    for (int i = 0; frames && i < FRAMES; i++)
        zmq_msg_close(&frames[i]);
    free(frames);
    message->frames = NULL;
}

enum code router_send(struct router *router, const char *worker, const char *header,
                      size_t header_len, const void *payload, size_t payload_len)
{
    int more = ZMQ_SNDMORE | ZMQ_DONTWAIT;
    if (zmq_send(router->socket, worker, strlen(worker), more) < 0)
        return errno == EAGAIN ? E_BUSY : E_NOT_FOUND;
    if (zmq_send(router->socket, header, header_len, more) < 0)
        return E_BUSY;
    if (zmq_send(router->socket, payload ? payload : "", payload_len, ZMQ_DONTWAIT) < 0)
        return E_BUSY;
    return OK;
}
