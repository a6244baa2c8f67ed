#include "coordinator/dispatch/gate.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <zmq.h>

#include "common/keys.h"
#include "common/log.h"
#include "coordinator/alloc.h"

enum { ZAP_FRAMES = 7, ZAP_FRAME_MAX = 256, KEY_BYTES = 32, PROOF_MS = 5000 };

struct gate {
    struct key_pair keys;
    char *path; // of the list
    void *zap;
    pthread_t thread;
    pthread_mutex_t lock; // for what follows
    struct allowed_key *allowed;
    int count;
    struct timespec changed, looked;
};

// ---- the list

static bool same_time(struct timespec a, struct timespec b)
{
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

// With the lock held. A list that cannot be read any more lets nobody in; one that is half written is read
// again when it has changed.
static void look_again(struct gate *gate)
{
    struct timespec now;
    struct stat status;
    struct error err;
    clock_gettime(CLOCK_MONOTONIC, &now);
    if (now.tv_sec == gate->looked.tv_sec)
        return;
    gate->looked = now;
    struct timespec changed =
        stat(gate->path, &status) == 0 ? status.st_mtim : (struct timespec){.tv_sec = -1};
    if (same_time(changed, gate->changed))
        return;
    gate->changed = changed;
    free(gate->allowed);
    gate->allowed = NULL;
    gate->count = 0;
    if (keys_read_allowed(gate->path, &gate->allowed, &gate->count, &err))
        log_event(LOG_LEVEL_ERROR, "worker_keys_unreadable", "%s; no worker is let in",
                  err.message);
    else
        log_event(LOG_LEVEL_INFO, "worker_keys_read", "count=%d", gate->count);
}

bool gate_knows(struct gate *gate, const char *name)
{
    bool known = false;
    pthread_mutex_lock(&gate->lock);
    look_again(gate);
    for (int i = 0; i < gate->count && !known; i++)
        known = strcmp(gate->allowed[i].name, name) == 0;
    pthread_mutex_unlock(&gate->lock);
    return known;
}

// The name that belongs to a key of 32 bytes; "" when nobody's.
static void name_of(struct gate *gate, const void *key, char name[256])
{
    char text[KEY_TEXT];
    name[0] = '\0';
    if (!zmq_z85_encode(text, key, KEY_BYTES))
        return;
    pthread_mutex_lock(&gate->lock);
    look_again(gate);
    for (int i = 0; i < gate->count; i++)
        if (strcmp(gate->allowed[i].public, text) == 0)
            memcpy(name, gate->allowed[i].name, sizeof gate->allowed[i].name);
    pthread_mutex_unlock(&gate->lock);
}

// ---- the answerer

struct zap_request {
    int count;
    size_t len[ZAP_FRAMES];
    unsigned char frame[ZAP_FRAMES][ZAP_FRAME_MAX];
};
enum { ZAP_VERSION, ZAP_ID, ZAP_DOMAIN, ZAP_ADDRESS, ZAP_IDENTITY, ZAP_MECHANISM, ZAP_CREDENTIALS };

// False when the context has ended.
static bool receive_request(void *socket, struct zap_request *request)
{
    int more = 1;
    size_t size = sizeof more;
    *request = (struct zap_request){.count = 0};
    for (int n = 0; more; n++) {
        unsigned char dropped[ZAP_FRAME_MAX];
        unsigned char *into = n < ZAP_FRAMES ? request->frame[n] : dropped;
        int len = zmq_recv(socket, into, ZAP_FRAME_MAX, 0);
        if (len < 0 && errno == EINTR && n == 0)
            continue;
        if (len < 0)
            return false;
        if (n < ZAP_FRAMES)
            request->len[n] = (size_t)len;
        request->count = n + 1;
        zmq_getsockopt(socket, ZMQ_RCVMORE, &more, &size);
    }
    return true;
}

static bool is(const struct zap_request *request, int frame, const char *text)
{
    return request->len[frame] == strlen(text) &&
           memcmp(request->frame[frame], text, strlen(text)) == 0;
}

static void answer(void *socket, const struct zap_request *request, const char *name)
{
    const char *const texts[] = {name[0] ? "200" : "400", name[0] ? "OK" : "unknown key", name, ""};
    size_t id = request->len[ZAP_ID] < ZAP_FRAME_MAX ? request->len[ZAP_ID] : 0;
    zmq_send(socket, "1.0", 3, ZMQ_SNDMORE);
    zmq_send(socket, request->frame[ZAP_ID], id, ZMQ_SNDMORE);
    for (int i = 0; i < 4; i++)
        zmq_send(socket, texts[i], strlen(texts[i]), i < 3 ? ZMQ_SNDMORE : 0);
}

static void *answer_all(void *context)
{
    struct gate *gate = context;
    struct zap_request request;
    while (receive_request(gate->zap, &request)) {
        char name[256] = "";
        if (request.count == ZAP_FRAMES && is(&request, ZAP_VERSION, "1.0") &&
            is(&request, ZAP_MECHANISM, "CURVE") && request.len[ZAP_CREDENTIALS] == KEY_BYTES)
            name_of(gate, request.frame[ZAP_CREDENTIALS], name);
        size_t address = request.len[ZAP_ADDRESS] < ZAP_FRAME_MAX ? request.len[ZAP_ADDRESS] : 0;
        if (!name[0])
            log_event(LOG_LEVEL_WARNING, "key_refused", "address=%.*s", (int)address,
                      (const char *)request.frame[ZAP_ADDRESS]);
        answer(gate->zap, &request, name);
    }
    zmq_close(gate->zap);
    return NULL;
}

enum code gate_open(void *context, const struct gate_files *files, struct gate **out,
                    struct error *err)
{
    struct gate *gate = alloc_zero(1, sizeof *gate);
    pthread_mutex_init(&gate->lock, NULL);
    gate->path = alloc_sure(strdup(files->workers));
    enum code code = keys_read(files->key, true, &gate->keys, err);
    if (!code)
        code = keys_read_allowed(files->workers, &gate->allowed, &gate->count, err);
    if (!code) {
        gate->zap = alloc_sure(zmq_socket(context, ZMQ_REP));
        if (zmq_bind(gate->zap, "inproc://zeromq.zap.01") ||
            pthread_create(&gate->thread, NULL, answer_all, gate)) {
            zmq_close(gate->zap);
            code = fail(err, E_IO, "", "cannot start the check of workers' keys: %s",
                        zmq_strerror(errno));
        }
    }
    if (code) {
        free(gate->allowed);
        free(gate->path);
        free(gate);
        return code;
    }
    *out = gate;
    return OK;
}

void gate_close(struct gate *gate)
{
    if (!gate)
        return;
    pthread_join(gate->thread, NULL);
    pthread_mutex_destroy(&gate->lock);
    free(gate->allowed);
    free(gate->path);
    free(gate);
}

enum code gate_guard(const struct gate *gate, void *socket, struct error *err)
{
    int server = 1;
    if (zmq_setsockopt(socket, ZMQ_CURVE_SERVER, &server, sizeof server) ||
        zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, gate->keys.secret, KEY_TEXT - 1) ||
        zmq_setsockopt(socket, ZMQ_ZAP_DOMAIN, "tunerd", 6))
        return fail(err, E_IO, "", "cannot guard the socket for workers: %s", zmq_strerror(errno));
    return OK;
}

// ---- the proof

// What became of the handshake: 1 it got in, 0 it was refused, -1 nothing within the time.
static int outcome(void *monitor)
{
    uint16_t event = 0;
    unsigned char frame[256];
    if (zmq_recv(monitor, frame, sizeof frame, 0) < (int)sizeof event)
        return -1;
    memcpy(&event, frame, sizeof event);
    zmq_recv(monitor, frame, sizeof frame, 0); // the address
    return event == ZMQ_EVENT_HANDSHAKE_SUCCEEDED;
}

static int knock(const struct gate *gate, void *context, const char *endpoint)
{
    static const char address[] = "inproc://gate-proof";
    char public[KEY_TEXT], secret[KEY_TEXT];
    int zero = 0, wait = PROOF_MS, result = -1;
    void *socket = alloc_sure(zmq_socket(context, ZMQ_DEALER));
    void *monitor = alloc_sure(zmq_socket(context, ZMQ_PAIR));
    zmq_setsockopt(socket, ZMQ_LINGER, &zero, sizeof zero);
    zmq_setsockopt(monitor, ZMQ_LINGER, &zero, sizeof zero);
    zmq_setsockopt(monitor, ZMQ_RCVTIMEO, &wait, sizeof wait);
    if (zmq_curve_keypair(public, secret) == 0 &&
        zmq_setsockopt(socket, ZMQ_CURVE_SERVERKEY, gate->keys.public, KEY_TEXT - 1) == 0 &&
        zmq_setsockopt(socket, ZMQ_CURVE_PUBLICKEY, public, KEY_TEXT - 1) == 0 &&
        zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, secret, KEY_TEXT - 1) == 0 &&
        zmq_socket_monitor(socket, address,
                           ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH |
                               ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL |
                               ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL) == 0 &&
        zmq_connect(monitor, address) == 0 && zmq_connect(socket, endpoint) == 0)
        result = outcome(monitor);
    zmq_close(monitor);
    zmq_close(socket);
    return result;
}

enum code gate_prove(const struct gate *gate, void *context, const char *endpoint,
                     struct error *err)
{
    static const char any[] = "tcp://0.0.0.0:", any6[] = "tcp://[::]:";
    char near[512];
    if (strncmp(endpoint, any, strlen(any)) == 0)
        snprintf(near, sizeof near, "tcp://127.0.0.1:%s", endpoint + strlen(any));
    else if (strncmp(endpoint, any6, strlen(any6)) == 0)
        snprintf(near, sizeof near, "tcp://127.0.0.1:%s", endpoint + strlen(any6));
    else
        snprintf(near, sizeof near, "%s", endpoint);
    switch (knock(gate, context, near)) {
    case 0:
        return OK;
    case 1:
        return fail(err, E_INTERNAL, "",
                    "a random key got in at %s: the check of workers' keys "
                    "does not work here",
                    near);
    default:
        return fail(err, E_IO, "", "no answer from the own socket at %s", near);
    }
}
