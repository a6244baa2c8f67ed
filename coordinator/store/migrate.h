// schema/migrations/NNN_*.sql, in the binary, applied by number; user_version counts them.
#ifndef TUNERD_COORDINATOR_STORE_MIGRATE_H
#define TUNERD_COORDINATOR_STORE_MIGRATE_H

#include <sqlite3.h>

#include "common/error.h"

struct migration {
    int number;
    const char *name, *sql;
};

// Brings the file to the newest version, each step in a transaction of its own. E_STORE when a step
// fails (it is undone) or the file is newer than this program.
enum code migrate_run(sqlite3 *db, const struct migration *steps, int n, struct error *err);
// Those of schema/migrations.
const struct migration *migrate_steps(int *n);

#endif
