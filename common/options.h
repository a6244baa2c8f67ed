// Options as one table: flags, the configuration file, defaults, bounds and --help run over it.
#ifndef TUNERD_COMMON_OPTIONS_H
#define TUNERD_COMMON_OPTIONS_H

#include <stdint.h>

#include "common/error.h"

enum option_type { OPTION_STRING, OPTION_INTEGER, OPTION_BOOL };
struct option_spec {
    const char
        *name; // "state-dir": --state-dir DIR, --state-dir=DIR, and `state-dir = DIR` in the file
    enum option_type type;
    void *target;         // char ** (owned by the table's user, free()), int64_t *, bool *
    const char *fallback; // as text; NULL: leave the target alone
    int64_t min, max;     // integers
    const char *argument; // "DIR"
    const char *help;
};

// Fills defaults, then the file named by --config (or config_default when it exists), then flags: flags
// win. argv's first non-option and all after it are left: *rest is its index. --help and --version
// print to stdout and set *exit_now. Unknown options are errors that name the nearest known one.
enum code options_parse(const struct option_spec *specs, int nspecs, const char *usage,
                        const char *config_default, int argc, char **argv, int *rest,
                        bool *exit_now, struct error *err);
void options_free(const struct option_spec *specs, int nspecs);

extern const char tunerd_version[];

#endif
