// A doubly linked list under one lock. An entry leaves it before libmicrohttpd closes the descriptor,
// so a sweep never shuts down one that has been given out again.
#include "coordinator/http/clients.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

enum { FIRST_REQUEST_S = 30 };

int64_t clock_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void clients_init(struct clients *clients)
{
    *clients = (struct clients){0};
    pthread_mutex_init(&clients->lock, NULL);
}

void clients_fini(struct clients *clients)
{
    pthread_mutex_destroy(&clients->lock);
}

int clients_count(struct clients *clients)
{
    pthread_mutex_lock(&clients->lock);
    int count = clients->count;
    pthread_mutex_unlock(&clients->lock);
    return count;
}

void clients_sweep(struct clients *clients, int64_t now_ms)
{
    pthread_mutex_lock(&clients->lock);
    for (struct client *c = clients->first; c; c = c->next) {
        if (c->deadline_ms && c->deadline_ms <= now_ms) {
            shutdown(c->fd, SHUT_RDWR);
            c->deadline_ms = 0;
        }
    }
    pthread_mutex_unlock(&clients->lock);
}

static struct client *enter(struct clients *clients, int fd)
{
    struct client *client = calloc(1, sizeof *client);
    if (!client)
        return NULL;
    *client = (struct client){.fd = fd, .clients = clients};
    client->deadline_ms = clock_ms() + FIRST_REQUEST_S * 1000;
    pthread_mutex_lock(&clients->lock);
    client->next = clients->first;
    if (client->next)
        client->next->previous = client;
    clients->first = client;
    clients->count++;
    pthread_mutex_unlock(&clients->lock);
    return client;
}

static void leave(struct clients *clients, struct client *client)
{
    pthread_mutex_lock(&clients->lock);
    if (client->previous)
        client->previous->next = client->next;
    else
        clients->first = client->next;
    if (client->next)
        client->next->previous = client->previous;
    clients->count--;
    pthread_mutex_unlock(&clients->lock);
    free(client);
}

void clients_notify(void *context, struct MHD_Connection *connection, void **socket_context,
                    enum MHD_ConnectionNotificationCode code)
{
    struct clients *clients = context;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        const union MHD_ConnectionInfo *info =
            MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
        *socket_context = info ? enter(clients, info->connect_fd) : NULL;
    } else if (*socket_context) {
        leave(clients, *socket_context);
        *socket_context = NULL;
    }
}

struct client *client_of(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info ? info->socket_context : NULL;
}

void client_deadline(struct client *client, int seconds)
{
    if (!client)
        return;
    int64_t deadline = seconds ? clock_ms() + (int64_t)seconds * 1000 : 0;
    pthread_mutex_lock(&client->clients->lock);
    client->deadline_ms = deadline;
    pthread_mutex_unlock(&client->clients->lock);
}
