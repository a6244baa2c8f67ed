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

// ---- beside

struct beside {
    struct request *request;
    beside_work work;
};

static struct answer *answer_of(enum code code, struct buf *out, const struct error *err)
{
    struct answer *answer = calloc(1, sizeof *answer);
    if (!answer)
        return NULL;
    answer->status = 200;
    if (code == OK)
        answer->body = buf_take(out, NULL);
    if (answer->body)
        return answer;
    answer->status = code ? code_http_status(code) : 500;
    answer->faults = calloc(1, sizeof *answer->faults);
    if (answer->faults && code)
        faults_add(answer->faults, err);
    return answer;
}

static void *run_beside(void *context)
{
    struct beside *beside = context;
    struct request *request = beside->request;
    struct http *http = request->http;
    struct buf out;
    struct error err = {0};
    buf_init(&out, ANSWER_MAX);
    enum code code = beside->work(request, &out, &err);
    struct answer *answer = answer_of(code, &out, &err);
    buf_fini(&out);
    free(beside);
    pthread_mutex_lock(&http->lock);
    http->beside = false;
    pthread_mutex_unlock(&http->lock);
    answered(request, answer);
    return NULL;
}

static bool take_beside(struct http *http)
{
    pthread_mutex_lock(&http->lock);
    bool free_now = !http->beside && !http->stopping;
    if (free_now) {
        http->beside = true;
        http->in_flight++;
    }
    pthread_mutex_unlock(&http->lock);
    return free_now;
}

void request_beside(struct request *request, beside_work work)
{
    struct http *http = request->http;
    struct beside *beside = calloc(1, sizeof *beside);
    pthread_attr_t detached;
    pthread_t thread;
    if (!beside || !take_beside(http)) {
        free(beside);
        reply_fail(request, 0, E_RATE, "", "another long computation is running; try again soon");
        return;
    }
    *beside = (struct beside){request, work};
    request->phase = REQUEST_SUBMITTED;
    client_deadline(request->client, 0);
    MHD_suspend_connection(request->connection);
    pthread_attr_init(&detached);
    pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
    int failed = pthread_create(&thread, &detached, run_beside, beside);
    pthread_attr_destroy(&detached);
    if (failed) // slower, but the same
        run_beside(beside);
}

// ---- commands

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
