// A socket lives for one connection: ZeroMQ's own reconnection is off, because after it `hello` would
// come behind whatever was queued, and a coordinator started anew would see messages of a stranger.
#include "worker/link.h"

#include <errno.h>
#include <math.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "common/options.h"

static const double retry_least_s = 0.2, retry_most_s = 5, welcome_wait_s = 5, refused_wait_s = 30;

enum code link_init(struct link *link, const struct link_options *options, struct error *err)
{
    *link = (struct link){.options = *options, .heartbeat_s = 1, .lease_s = 15};
    if (gethostname(link->host, sizeof link->host - 1) != 0)
        snprintf(link->host, sizeof link->host, "unknown");
    link->zmq = zmq_ctx_new();
    if (link->zmq == NULL)
        return fail(err, E_IO, "", "cannot start ZeroMQ: %s", zmq_strerror(errno));
    return OK;
}

static void close_sockets(struct link *link)
{
    if (link->monitor != NULL)
        zmq_close(link->monitor);
    if (link->socket != NULL)
        zmq_close(link->socket);
    link->monitor = link->socket = NULL;
}

void link_fini(struct link *link)
{
    close_sockets(link);
    if (link->zmq != NULL)
        zmq_ctx_term(link->zmq);
    link->zmq = NULL;
}

// Waits twice as long after each failure, up to a bound, and by chance up to half of that longer, so that
// a fleet does not come back all at once.
static void part(struct link *link, double now, double least_s)
{
    double wait = retry_least_s;
    for (int i = 1; i < link->failures && wait < retry_most_s; i++)
        wait *= 2;
    if (wait > retry_most_s)
        wait = retry_most_s;
    if (wait < least_s)
        wait = least_s;
    wait *= 1 + randombytes_uniform(1000) / 2000.0;
    close_sockets(link);
    link->state = LINK_APART;
    link->retry_at = now + wait;
    link->failures++;
}

static bool set_number(void *socket, int option, int value)
{
    return zmq_setsockopt(socket, option, &value, sizeof value) == 0;
}

static bool set_text(void *socket, int option, const char *text)
{
    return zmq_setsockopt(socket, option, text, strlen(text)) == 0;
}

static bool configure(const struct link *link)
{
    const struct link_keys *keys = link->options.keys;
    int64_t most = WIRE_MESSAGE_MAX;
    bool ok = set_text(link->socket, ZMQ_ROUTING_ID, link->options.worker) &&
              set_number(link->socket, ZMQ_LINGER, 0) && set_number(link->socket, ZMQ_IPV6, 1) &&
              set_number(link->socket, ZMQ_RECONNECT_IVL, -1) &&
              set_number(link->socket, ZMQ_HANDSHAKE_IVL, 5000) &&
              set_number(link->socket, ZMQ_SNDHWM, 1000) &&
              set_number(link->socket, ZMQ_RCVHWM, 1000) &&
              zmq_setsockopt(link->socket, ZMQ_MAXMSGSIZE, &most, sizeof most) == 0;
    if (ok && keys->given)
        ok = set_text(link->socket, ZMQ_CURVE_SERVERKEY, keys->coordinator.public) &&
             set_text(link->socket, ZMQ_CURVE_PUBLICKEY, keys->own.public) &&
             set_text(link->socket, ZMQ_CURVE_SECRETKEY, keys->own.secret);
    return ok;
}

static bool watch(struct link *link)
{
    const int events = ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_CLOSED |
                       ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL |
                       ZMQ_EVENT_HANDSHAKE_FAILED_AUTH;
    char address[64];
    snprintf(address, sizeof address, "inproc://link-%p", link->socket);
    link->monitor = zmq_socket(link->zmq, ZMQ_PAIR);
    return link->monitor != NULL && set_number(link->monitor, ZMQ_LINGER, 0) &&
           zmq_socket_monitor(link->socket, address, events) == 0 &&
           zmq_connect(link->monitor, address) == 0;
}

static bool send_text(struct link *link, const char *header, size_t header_len, const void *payload,
                      size_t len)
{
    // Whole messages only: when the first frame is taken, the second is too.
    return zmq_send(link->socket, header, header_len, ZMQ_SNDMORE | ZMQ_DONTWAIT) >= 0 &&
           zmq_send(link->socket, payload, len, ZMQ_DONTWAIT) >= 0;
}

static bool send_tree(struct link *link, cJSON *header)
{
    size_t len;
    char *text = wire_encode(header, &len);
    bool sent = text != NULL && send_text(link, text, len, "", 0);
    free(text);
    return sent;
}

static void add_trouble(const struct link *link, cJSON *message)
{
    const char *trouble = link->options.trouble(link->options.context);
    if (*trouble)
        cJSON_AddStringToObject(message, "trouble", trouble);
}

static bool say_hello(struct link *link)
{
    cJSON *hello = wire_message("hello");
    cJSON_AddStringToObject(hello, "worker", link->options.worker);
    cJSON_AddStringToObject(hello, "name", link->options.name);
    cJSON_AddStringToObject(hello, "host", link->host);
    cJSON_AddNumberToObject(hello, "slots", link->options.slots);
    cJSON_AddStringToObject(hello, "version", tunerd_version);
    cJSON_AddStringToObject(hello, "cpu", link->options.cpu);
    cJSON *leases = cJSON_AddArrayToObject(hello, "leases");
    if (leases != NULL)
        link->options.list_held(link->options.context, leases);
    add_trouble(link, hello);
    return send_tree(link, hello);
}

static void connect_now(struct link *link, double now)
{
    link->socket = zmq_socket(link->zmq, ZMQ_DEALER);
    if (link->socket == NULL || !configure(link) || !watch(link) ||
        zmq_connect(link->socket, link->options.endpoint) != 0 || !say_hello(link)) {
        log_event(LOG_LEVEL_ERROR, "connect_failed", "endpoint=%s error=%s", link->options.endpoint,
                  zmq_strerror(errno));
        part(link, now, retry_most_s);
        return;
    }
    link->state = LINK_CONNECTING;
    link->retry_at = now + welcome_wait_s;
}

static void ping(struct link *link, double now)
{
    link->next_ping = now + link->heartbeat_s;
    cJSON *message = wire_message("ping");
    cJSON_AddNumberToObject(message, "number", (double)++link->pings);
    cJSON_AddNumberToObject(message, "free", link->options.free_slots(link->options.context));
    cJSON *leases = cJSON_AddArrayToObject(message, "leases");
    if (leases != NULL)
        link->options.list_running(link->options.context, leases, link->pings);
    add_trouble(link, message);
    send_tree(link, message);
}

static double silent_at(const struct link *link)
{
    return link->heard + 2.5 * link->heartbeat_s + 0.5;
}

void link_step(struct link *link, double now)
{
    if (link->state == LINK_JOINED && now >= silent_at(link)) {
        log_event(LOG_LEVEL_WARNING, "coordinator_silent", "for_s=%.1f", now - link->heard);
        part(link, now, 0);
        link->retry_at = now;
    }
    if (link->state == LINK_CONNECTING && now >= link->retry_at)
        part(link, now, 0);
    if (link->state == LINK_APART && now >= link->retry_at)
        connect_now(link, now);
    if (link->state == LINK_JOINED && now >= link->next_ping)
        ping(link, now);
}

double link_due(const struct link *link)
{
    if (link->state != LINK_JOINED)
        return link->retry_at;
    double silent = silent_at(link);
    return silent < link->next_ping ? silent : link->next_ping;
}

void link_poll_items(const struct link *link, zmq_pollitem_t items[2])
{
    items[0] = (zmq_pollitem_t){.socket = link->socket, .fd = -1, .events = ZMQ_POLLIN};
    items[1] = (zmq_pollitem_t){.socket = link->monitor, .fd = -1, .events = ZMQ_POLLIN};
}

// Drains the monitor; true when the connection has ended.
static bool connection_ended(struct link *link)
{
    bool ended = false;
    for (;;) {
        zmq_msg_t frame;
        uint16_t event = 0;
        zmq_msg_init(&frame);
        if (zmq_msg_recv(&frame, link->monitor, ZMQ_DONTWAIT) < 0) {
            zmq_msg_close(&frame);
            return ended;
        }
        if (zmq_msg_size(&frame) >= sizeof event && zmq_msg_more(&frame))
            memcpy(&event, zmq_msg_data(&frame), sizeof event);
        zmq_msg_close(&frame);
        if (event == ZMQ_EVENT_HANDSHAKE_FAILED_AUTH ||
            event == ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL)
            log_event(LOG_LEVEL_ERROR, "handshake_failed",
                      "endpoint=%s; check this worker's keys against the coordinator's",
                      link->options.endpoint);
        ended = ended || event != 0;
    }
}

// Reads one message whole: header, payload, and drops any frame beyond.
static bool receive_frames(struct link *link, zmq_msg_t *header, zmq_msg_t *payload)
{
    zmq_msg_init(header);
    zmq_msg_init(payload);
    if (zmq_msg_recv(header, link->socket, ZMQ_DONTWAIT) < 0)
        return false;
    if (zmq_msg_more(header))
        zmq_msg_recv(payload, link->socket, 0);
    while (zmq_msg_more(payload)) {
        zmq_msg_t extra;
        zmq_msg_init(&extra);
        zmq_msg_recv(&extra, link->socket, 0);
        bool more = zmq_msg_more(&extra);
        zmq_msg_close(&extra);
        if (!more)
            break;
    }
    return true;
}

static void on_welcome(struct link *link, const cJSON *header, double now)
{
    link->state = LINK_JOINED;
    link->heartbeat_s = json_number_or(header, "heartbeat_s", 1);
    link->lease_s = json_number_or(header, "lease_s", 15);
    link->failures = 0;
    link->next_ping = now;
    log_event(LOG_LEVEL_INFO, "joined", "coordinator=%s version=%s heartbeat_s=%g lease_s=%g",
              json_string_or(header, "coordinator", ""), json_string_or(header, "version", ""),
              link->heartbeat_s, link->lease_s);
}

static void on_refused(struct link *link, const cJSON *header, double now)
{
    log_event(LOG_LEVEL_ERROR, "refused", "reason=%s", json_string_or(header, "reason", ""));
    part(link, now, refused_wait_s);
}

static void act_upon(struct link *link, const cJSON *header, double now)
{
    const char *type = json_string_or(header, "type", "");
    link->heard = now;
    if (strcmp(type, "welcome") == 0)
        on_welcome(link, header, now);
    else if (strcmp(type, "refused") == 0)
        on_refused(link, header, now);
}

bool link_receive(struct link *link, double now, struct link_message *message)
{
    if (link->socket != NULL && connection_ended(link)) {
        if (link->state == LINK_JOINED)
            log_event(LOG_LEVEL_WARNING, "disconnected", "endpoint=%s", link->options.endpoint);
        else if (link->failures == 0)
            log_event(LOG_LEVEL_WARNING, "no_coordinator", "endpoint=%s; trying again",
                      link->options.endpoint);
        part(link, now, 0);
    }
    while (link->socket != NULL) {
        zmq_msg_t header;
        bool got = receive_frames(link, &header, &message->payload);
        struct error err;
        message->header =
            got ? wire_decode(zmq_msg_data(&header), zmq_msg_size(&header), &err) : NULL;
        zmq_msg_close(&header);
        if (message->header != NULL) {
            act_upon(link, message->header, now);
            return true;
        }
        zmq_msg_close(&message->payload);
        if (!got)
            return false;
        if (now >= link->complain_at)
            log_event(LOG_LEVEL_WARNING, "bad_message", "%s", err.message);
        link->complain_at = now + 1;
    }
    return false;
}

void link_message_close(struct link_message *message)
{
    cJSON_Delete(message->header);
    zmq_msg_close(&message->payload);
}

bool link_send(struct link *link, cJSON *header, const void *payload, size_t len)
{
    size_t header_len;
    char *text = wire_encode(header, &header_len);
    bool sent = text != NULL && link_send_text(link, text, header_len, payload, len);
    free(text);
    return sent;
}

bool link_send_text(struct link *link, const char *header, size_t header_len, const void *payload,
                    size_t len)
{
    return link->state == LINK_JOINED && send_text(link, header, header_len, payload, len);
}

void link_ping_soon(struct link *link)
{
    link->next_ping = -INFINITY;
}

void link_recover(struct link *link, double now, double gap_s)
{
    link->heard += gap_s;
    if (link->state == LINK_JOINED)
        ping(link, now);
}

void link_bye(struct link *link)
{
    if (link->state == LINK_JOINED && send_tree(link, wire_message("bye")))
        set_number(link->socket, ZMQ_LINGER, 1000);
}
