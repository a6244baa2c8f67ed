#include "worker/prepare.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "common/log.h"

// Changes when prepared files get another form: old ones are then never found and age out.
static const char form[] = "tunerd prepared 1";

void preparations_init(struct preparations *preparations, const struct cache *cache,
                       struct spawner *spawner, double memory, double patience_s)
{
    *preparations = (struct preparations){
        .cache = cache, .spawner = spawner, .memory = memory, .patience_s = patience_s};
}

static void drop(struct preparation **at)
{
    struct preparation *gone = *at;
    *at = gone->next;
    child_close(&gone->child);
    free(gone);
}

void preparations_fini(struct preparations *preparations)
{
    while (preparations->first != NULL)
        drop(&preparations->first);
}

static const cJSON *generate_of(const cJSON *job)
{
    const cJSON *data = json_member(json_member(job, "config"), "dataset");
    const cJSON *generate = json_member(data, "generate");
    return cJSON_IsObject(generate)
               ? generate
               : json_member(json_member(json_member(job, "dataset"), "source"), "generate");
}

// The name of the generator, NULL for a set made from files.
static const char *generator_of(const cJSON *dataset)
{
    const cJSON *source = json_member(dataset, "source");
    bool generated = strcmp(json_string_or(source, "format", ""), "generated") == 0;
    return json_string_or(source, "generator",
                          generated ? json_string_or(dataset, "name", NULL) : NULL);
}

enum code preparation_key(const cJSON *job, char key[65], struct error *err)
{
    const cJSON *dataset = json_member(job, "dataset");
    const char *generator = generator_of(dataset);
    cJSON *all = cJSON_CreateObject();
    cJSON_AddStringToObject(all, "form", form);
    cJSON_AddItemReferenceToObject(all, "source", (cJSON *)json_member(dataset, "source"));
    cJSON_AddItemReferenceToObject(all, "files", (cJSON *)json_member(dataset, "files"));
    if (generator != NULL) {
        cJSON_AddStringToObject(all, "generator", generator);
        cJSON_AddItemReferenceToObject(all, "generate", (cJSON *)generate_of(job));
    }
    char *text = json_write(all);
    cJSON_Delete(all);
    if (text == NULL)
        return fail(err, E_MEMORY, "", "out of memory");
    unsigned char digest[crypto_hash_sha256_BYTES];
    crypto_hash_sha256(digest, (const unsigned char *)text, strlen(text));
    sodium_bin2hex(key, 65, digest, sizeof digest);
    free(text);
    return OK;
}

static cJSON *describe(const struct preparations *preparations, const cJSON *job, const char *key)
{
    const struct cache *cache = preparations->cache;
    const cJSON *dataset = json_member(job, "dataset"), *file;
    const char *generator = generator_of(dataset);
    cJSON *work = cJSON_CreateObject();
    cJSON_AddStringToObject(work, "work", "prepare");
    cJSON_AddNumberToObject(work, "memory", preparations->memory);
    char *target = cache_path(cache, CACHE_PREPARED, key);
    cJSON_AddStringToObject(work, "target", target ? target : "");
    free(target);
    cJSON_AddItemToObject(work, "source", cJSON_Duplicate(json_member(dataset, "source"), true));
    if (generator != NULL) {
        cJSON_AddStringToObject(work, "generator", generator);
        cJSON_AddItemToObject(work, "generate", cJSON_Duplicate(generate_of(job), true));
    }
    cJSON *names = cJSON_AddArrayToObject(work, "names");
    cJSON *paths = cJSON_AddArrayToObject(work, "paths");
    cJSON_ArrayForEach(file, json_member(dataset, "files"))
    {
        char *path = cache_path(cache, CACHE_BLOBS, json_string_or(file, "sha256", ""));
        cJSON_AddItemToArray(names, cJSON_CreateString(json_string_or(file, "file", "")));
        cJSON_AddItemToArray(paths, cJSON_CreateString(path ? path : ""));
        free(path);
    }
    return work;
}

static struct preparation **find(struct preparations *preparations, const char *key)
{
    struct preparation **at = &preparations->first;
    while (*at != NULL && strcmp((*at)->key, key) != 0)
        at = &(*at)->next;
    return at;
}

static enum code begin(struct preparations *preparations, const cJSON *job, const char *key,
                       double now, struct error *err)
{
    struct preparation *new = calloc(1, sizeof *new);
    if (new == NULL)
        return fail(err, E_MEMORY, "", "out of memory");
    snprintf(new->key, sizeof new->key, "%s", key);
    enum code code =
        child_start(&new->child, preparations->spawner, describe(preparations, job, key), now,
                    preparations->patience_s, err);
    if (code != OK) {
        free(new);
        return code;
    }
    new->next = preparations->first;
    preparations->first = new;
    return OK;
}

enum preparation_state preparations_want(struct preparations *preparations, const cJSON *job,
                                         const char *key, double now, struct error *err)
{
    struct preparation **at = find(preparations, key);
    if (*at != NULL && (*at)->err.code != OK) {
        *err = (*at)->err;
        drop(at);
        return PREPARATION_FAILED;
    }
    if (*at != NULL)
        return PREPARATION_BUSY;
    if (cache_has(preparations->cache, CACHE_PREPARED, key, -1))
        return PREPARATION_READY;
    enum code code = begin(preparations, job, key, now, err);
    return code == OK || code == E_BUSY || code == E_IO ? PREPARATION_BUSY : PREPARATION_FAILED;
}

static bool read_frames(struct preparation *preparation, double now)
{
    bool ended = false;
    cJSON *frame;
    while ((frame = child_read(&preparation->child, now)) != NULL) {
        if (strcmp(json_string_or(frame, "type", ""), "prepared") != 0)
            fail(&preparation->err,
                 strcmp(json_string_or(frame, "code", ""), code_name(E_DISK)) == 0 ? E_DISK
                                                                                   : E_INVALID,
                 "", "%.400s", json_string_or(frame, "error", "the data set cannot be prepared"));
        preparation->child.ended = ended = true;
        cJSON_Delete(frame);
    }
    return ended;
}

bool preparations_step(struct preparations *preparations, double now)
{
    bool news = false;
    for (struct preparation *p = preparations->first; p != NULL; p = p->next) {
        news = read_frames(p, now) || news;
        if (!child_check(&p->child, now))
            spawner_kill(preparations->spawner);
    }
    return news;
}

static void on_exit_of(struct preparation **at, int status, double now)
{
    struct preparation *gone = *at;
    read_frames(gone, now);
    if (!gone->child.ended) {
        char how[200];
        child_describe(&gone->child, status, how, sizeof how);
        fail(&gone->err, E_INTERNAL, "", "preparing the data set failed: %s", how);
    }
    log_event(gone->err.code == OK ? LOG_LEVEL_INFO : LOG_LEVEL_WARNING, "dataset_prepared",
              "key=%.12s %s", gone->key, gone->err.code == OK ? "ok" : gone->err.message);
    if (gone->err.code == OK)
        drop(at);
    else
        child_close(&gone->child); // the error waits for whoever wants the set
}

bool preparations_news(struct preparations *preparations, enum spawner_event event,
                       const struct spawner_news *news, double now)
{
    struct preparation **at = &preparations->first;
    while (*at != NULL && ((*at)->child.id == 0 || (*at)->child.id != news->id))
        at = &(*at)->next;
    if (*at == NULL)
        return false;
    if (event == SPAWNER_SPAWNED)
        child_spawned(&(*at)->child, news->pidfd, now);
    else if (event == SPAWNER_EXITED)
        on_exit_of(at, news->status, now);
    else
        drop(at); // refused: wanted again, it is tried again
    return true;
}

void preparations_lost(struct preparations *preparations)
{
    for (struct preparation **at = &preparations->first; *at != NULL;)
        if ((*at)->child.id != 0)
            drop(at);
        else
            at = &(*at)->next;
}
