#include "coordinator/store/migrate.h"

#include <stdio.h>

#include "gen_migrations.h"

static const struct migration steps_of_schema[] = {MIGRATIONS};

const struct migration *migrate_steps(int *n)
{
    *n = (int)(sizeof steps_of_schema / sizeof *steps_of_schema);
    return steps_of_schema;
}

static enum code version_of(sqlite3 *db, int *version, struct error *err)
{
    sqlite3_stmt *stmt;
    if (sqlite3_prepare_v2(db, "PRAGMA user_version", -1, &stmt, NULL) != SQLITE_OK ||
        sqlite3_step(stmt) != SQLITE_ROW) {
        sqlite3_finalize(stmt);
        return fail(err, E_STORE, "", "cannot read the store's version: %s", sqlite3_errmsg(db));
    }
    *version = sqlite3_column_int(stmt, 0);
    sqlite3_finalize(stmt);
    return OK;
}

static enum code apply(sqlite3 *db, const struct migration *step, struct error *err)
{
    char set_version[64];
    snprintf(set_version, sizeof set_version, "PRAGMA user_version = %d", step->number);
    if (sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL) == SQLITE_OK &&
        sqlite3_exec(db, step->sql, NULL, NULL, NULL) == SQLITE_OK &&
        sqlite3_exec(db, set_version, NULL, NULL, NULL) == SQLITE_OK &&
        sqlite3_exec(db, "COMMIT", NULL, NULL, NULL) == SQLITE_OK)
        return OK;
    fail(err, E_STORE, "", "migration %s failed and was undone: %s", step->name,
         sqlite3_errmsg(db));
    if (!sqlite3_get_autocommit(db))
        sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
    return E_STORE;
}

enum code migrate_run(sqlite3 *db, const struct migration *steps, int n, struct error *err)
{
    int version = 0;
    enum code code = version_of(db, &version, err);
    if (code)
        return code;
    if (n > 0 && version > steps[n - 1].number)
        return fail(err, E_STORE, "",
                    "the store is of version %d and this program knows %d; start a newer tunerd",
                    version, steps[n - 1].number);
    for (int i = 0; i < n && !code; i++)
        if (steps[i].number > version)
            code = apply(db, &steps[i], err);
    return code;
}
