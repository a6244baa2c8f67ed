#include "common/keys.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zmq.h>

static enum code write_new(const char *path, mode_t mode, const char *text, struct error *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (fd < 0 && errno == EEXIST)
        return fail(err, E_CONFLICT, "", "%.200s exists already; delete it or choose another name",
                    path);
    if (fd < 0)
        return fail(err, E_IO, "", "cannot create %.200s: %s", path, strerror(errno));
    size_t len = strlen(text);
    bool written = write(fd, text, len) == (ssize_t)len && fsync(fd) == 0;
    int failure = errno;
    if (close(fd) != 0 || !written) {
        unlink(path);
        return fail(err, E_IO, "", "cannot write %.200s: %s", path, strerror(failure));
    }
    return OK;
}

enum code keys_create(const char *path, struct error *err)
{
    char public[KEY_TEXT], secret[KEY_TEXT], text[256], beside[4096];
    if (snprintf(beside, sizeof beside, "%s.pub", path) >= (int)sizeof beside)
        return fail(err, E_LIMIT, "", "the key file's name is too long");
    if (zmq_curve_keypair(public, secret) != 0)
        return fail(err, E_INTERNAL, "", "ZeroMQ is built without CURVE");
    snprintf(text, sizeof text, "public = %s\nsecret = %s\n", public, secret);
    enum code code = write_new(path, 0600, text, err);
    if (code != OK)
        return code;
    snprintf(text, sizeof text, "public = %s\n", public);
    code = write_new(beside, 0644, text, err);
    if (code != OK)
        unlink(path);
    return code;
}

// A Z85 key: 40 characters that decode; anything else is refused here, not by a silent handshake.
static bool is_key(const char *text)
{
    unsigned char bytes[32];
    return strlen(text) == KEY_TEXT - 1 && zmq_z85_decode(bytes, text) != NULL;
}

static FILE *open_list(const char *path, bool secret, enum code *code, struct error *err)
{
    struct stat status;
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        *code = fail(err, errno == ENOENT ? E_NOT_FOUND : E_IO, "", "cannot read %.200s: %s", path,
                     strerror(errno));
    } else if (fstat(fileno(file), &status) != 0) {
        *code = fail(err, E_IO, "", "cannot read %.200s: %s", path, strerror(errno));
    } else if (secret && (status.st_mode & (S_IWGRP | S_IXGRP | S_IRWXO)) != 0) {
        *code = fail(err, E_DENIED, "",
                     "%.200s holds a secret key and is open to others; run "
                     "chmod 600 on it",
                     path);
    } else {
        *code = OK;
        return file;
    }
    if (file != NULL)
        fclose(file);
    return NULL;
}

// The next line that says something, split into two words with `sign` between them, or blanks alone when
// that is 0. False at the end. A key may itself begin with any sign.
static bool next_line(FILE *file, char sign, int *number, char line[512], char **name, char **value)
{
    static const char blanks[] = " \t\r\n";
    while (fgets(line, 512, file) != NULL) {
        ++*number;
        char *at = line + strspn(line, blanks);
        if (*at == '#' || *at == '\0')
            continue;
        *name = at;
        at += sign ? strcspn(at, (const char[]){' ', '\t', '\r', '\n', sign, '\0'})
                   : strcspn(at, blanks);
        char *end = at;
        at += strspn(at, blanks);
        if (sign && *at == sign)
            at += 1 + strspn(at + 1, blanks);
        *end = '\0';
        *value = at;
        at[strcspn(at, blanks)] = '\0';
        return true;
    }
    return false;
}

enum code keys_read(const char *path, bool need_secret, struct key_pair *out, struct error *err)
{
    enum code code;
    struct key_pair pair = {.public = ""};
    char line[512], *name, *value;
    int number = 0;
    FILE *file = open_list(path, need_secret, &code, err);
    if (file == NULL)
        return code;
    while (code == OK && next_line(file, '=', &number, line, &name, &value)) {
        char *target = strcmp(name, "public") == 0   ? pair.public
                       : strcmp(name, "secret") == 0 ? pair.secret
                                                     : NULL;
        if (target == NULL || !is_key(value))
            code = fail(err, E_SYNTAX, "",
                        "%.200s:%d: not of the form \"public = KEY\" or \"secret = "
                        "KEY\" with a key of 40 characters",
                        path, number);
        else
            memcpy(target, value, KEY_TEXT);
    }
    fclose(file);
    if (code == OK && (pair.public[0] == '\0' || (need_secret && pair.secret[0] == '\0')))
        code = fail(err, E_MISSING, "", "%.200s has no %s key; make one with --make-key", path,
                    pair.public[0] == '\0' ? "public" : "secret");
    if (code == OK)
        *out = pair;
    return code;
}

static enum code add_allowed(struct allowed_key **list, int *count, const char *name,
                             const char *key, const char *path, int number, struct error *err)
{
    if (!is_key(key) || strlen(name) >= sizeof(*list)->name)
        return fail(err, E_SYNTAX, "",
                    "%.200s:%d: not of the form \"NAME KEY\" with a public key of "
                    "40 characters",
                    path, number);
    for (int i = 0; i < *count; i++)
        if (strcmp((*list)[i].name, name) == 0 || strcmp((*list)[i].public, key) == 0)
            return fail(err, E_CONFLICT, "", "%.200s:%d: the name or its key stands there twice",
                        path, number);
    struct allowed_key *more = realloc(*list, (size_t)(*count + 1) * sizeof *more);
    if (more == NULL)
        return fail(err, E_MEMORY, "", "out of memory");
    *list = more;
    snprintf(more[*count].name, sizeof more->name, "%s", name);
    memcpy(more[*count].public, key, KEY_TEXT);
    ++*count;
    return OK;
}

enum code keys_read_allowed(const char *path, struct allowed_key **out, int *count,
                            struct error *err)
{
    enum code code;
    struct allowed_key *list = NULL;
    char line[512], *name, *value;
    int number = 0, n = 0;
    FILE *file = open_list(path, false, &code, err);
    if (file == NULL)
        return code;
    while (code == OK && next_line(file, 0, &number, line, &name, &value))
        code = add_allowed(&list, &n, name, value, path, number, err);
    fclose(file);
    if (code != OK) {
        free(list);
        return code;
    }
    *out = list;
    *count = n;
    return OK;
}

bool keys_is_loopback(const char *endpoint)
{
    static const char *const local[] = {"tcp://127.", "tcp://[::1]:", "tcp://localhost:", "ipc://",
                                        "inproc://"};
    for (size_t i = 0; i < sizeof local / sizeof *local; i++)
        if (strncmp(endpoint, local[i], strlen(local[i])) == 0)
            // 127.evil.example is a name, not an address.
            return i != 0 || endpoint[10 + strspn(endpoint + 10, "0123456789.*")] == ':';
    return false;
}
