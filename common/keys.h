// CURVE keys between coordinator and workers, as text files:
//
//   key file          public = <Z85>        0600; made by --make-key FILE, which also writes FILE.pub with
//                     secret = <Z85>        the public line alone, to be given to the other side
//   allowed workers   NAME <Z85>            one a line, '#' starts a comment: the workers a coordinator lets
//                                           in, each under the name it must say in its hello
//
// Beyond loopback both sides need keys: without them anybody could run, or read, the trainings.
#ifndef TUNERD_COMMON_KEYS_H
#define TUNERD_COMMON_KEYS_H

#include "common/error.h"

enum { KEY_TEXT = 41 }; // 40 characters of Z85

struct key_pair {
    char public[KEY_TEXT];
    char secret[KEY_TEXT]; // "" when the file has none
};

// Makes a pair and writes `path` and `path`.pub. Never overwrites: E_CONFLICT. E_IO.
enum code keys_create(const char *path, struct error *err);

// Reads a key file. With need_secret a file that others may read is refused (E_DENIED); its group may, as
// it is with systemd's credentials.
// E_NOT_FOUND, E_IO, E_SYNTAX, E_MISSING.
enum code keys_read(const char *path, bool need_secret, struct key_pair *out, struct error *err);

struct allowed_key {
    char name[256];
    char public[KEY_TEXT];
};
// Reads the list of allowed workers, malloc'ed. Errors as above; a name or a key twice is E_CONFLICT.
enum code keys_read_allowed(const char *path, struct allowed_key **out, int *count,
                            struct error *err);

// True when nobody on another machine can reach or be reached by it: tcp:// on 127.*, [::1] or localhost,
// ipc:// and inproc://.
bool keys_is_loopback(const char *endpoint);

#endif
