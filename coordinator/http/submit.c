// From a request to a command at the core, and back after its commit.
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "coordinator/http/reply.h"
#include "coordinator/http/server.h"

// SHA-256 over method, target and body, each ended by a NUL.
static void digest_of(const struct request *request, char out[65])
{
    unsigned char digest[crypto_hash_sha256_BYTES];
    crypto_hash_sha256_state hash;
    crypto_hash_sha256_init(&hash);
    crypto_hash_sha256_update(&hash, (const unsigned char *)request->method,
                              strlen(request->method) + 1);
    crypto_hash_sha256_update(&hash, (const unsigned char *)request->target,
                              strlen(request->target) + 1);
    if (request->body.len)
        crypto_hash_sha256_update(&hash, (const unsigned char *)request->body.data,
                                  request->body.len);
    crypto_hash_sha256_final(&hash, digest);
    sodium_bin2hex(out, 65, digest, sizeof digest);
}

static void command_free(struct command *command)
{
    free(command->name);
    cJSON_Delete(command->body);
    if (command->spec) {
        study_spec_fini(command->spec);
        free(command->spec);
    }
    free(command->idempotency_key);
    free(command);
}

// Runs on the core's thread. The request is suspended, so nobody else touches it until it is resumed;
// after that it may be gone.
static void answered(void *context, struct answer *answer)
{
    struct request *request = context;
    struct http *http = request->http;
    request->answer = answer;
    client_deadline(request->client, ANSWER_S);
    MHD_resume_connection(request->connection);
    pthread_mutex_lock(&http->lock);
    if (--http->in_flight == 0)
        pthread_cond_broadcast(&http->idle);
    pthread_mutex_unlock(&http->lock);
}

void request_submit(struct request *request, struct command *command)
{
    struct http *http = request->http;
    const char *key =
        strcmp(request->method, "POST") == 0 ? request->headers.idempotency_key : NULL;
    if (key) {
        command->idempotency_key = strdup(key);
        digest_of(request, command->digest);
    }
    pthread_mutex_lock(&http->lock);
    bool full = http->in_flight >= IN_FLIGHT_MAX, stopping = http->stopping;
    if (!full && !stopping)
        http->in_flight++;
    pthread_mutex_unlock(&http->lock);
    if (full || stopping || (key && !command->idempotency_key)) {
        if (stopping)
            reply_fail(request, 0, E_BUSY, "", "the coordinator is stopping; try again soon");
        else
            reply_fail(request, 0, E_RATE, "", "too many requests at once; try again");
        command_free(command);
        return;
    }
    request->phase = REQUEST_SUBMITTED;
    client_deadline(request->client, 0);
    MHD_suspend_connection(request->connection);
    core_submit(http->core, command, answered, request);
}

void request_command(struct request *request, enum command_kind kind, int trial, cJSON *body)
{
    struct command *command = calloc(1, sizeof *command);
    char *name = strdup(request->arguments[0]);
    if (!command || !name) {
        free(command);
        free(name);
        cJSON_Delete(body);
        reply_fail(request, 0, E_MEMORY, "", "out of memory");
        return;
    }
    *command = (struct command){.kind = kind, .name = name, .trial = trial, .body = body};
    request_submit(request, command);
}
