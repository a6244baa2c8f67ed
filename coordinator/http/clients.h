// Every open connection with its own deadline. libmicrohttpd's time-out counts idle time only, so a
// client that sends a byte now and then would hold a connection for ever; past its deadline the socket
// is shut down under it.
#ifndef TUNERD_COORDINATOR_HTTP_CLIENTS_H
#define TUNERD_COORDINATOR_HTTP_CLIENTS_H

#include <microhttpd.h>
#include <pthread.h>
#include <stdint.h>

struct client {
    int fd;
    int64_t deadline_ms; // of clock_ms(); 0: none
    struct client *previous, *next;
    struct clients *clients;
};

struct clients {
    pthread_mutex_t lock;
    struct client *first;
    int count;
};

void clients_init(struct clients *clients);
void clients_fini(struct clients *clients);
int clients_count(struct clients *clients);
// Shuts down what is overdue.
void clients_sweep(struct clients *clients, int64_t now_ms);

// For MHD_OPTION_NOTIFY_CONNECTION, with the struct clients as context.
void clients_notify(void *context, struct MHD_Connection *connection, void **socket_context,
                    enum MHD_ConnectionNotificationCode code);
// The connection's entry; NULL when there was no memory for one.
struct client *client_of(struct MHD_Connection *connection);
// From now; 0 takes the deadline away. client may be NULL.
void client_deadline(struct client *client, int seconds);

// CLOCK_MONOTONIC in milliseconds.
int64_t clock_ms(void);

#endif
