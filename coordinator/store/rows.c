#include "coordinator/store/rows.h"

#include <stdio.h>
#include <stdlib.h>

#include "coordinator/alloc.h"

#define KEY(row, type, name)                                                                       \
    {                                                                                              \
#name, COLUMN_##type, COLUMN_KEY, offsetof(struct row, name)                               \
    }
#define FIXED(row, type, name)                                                                     \
    {                                                                                              \
#name, COLUMN_##type, COLUMN_FIXED, offsetof(struct row, name)                             \
    }
#define CHANGES(row, type, name)                                                                   \
    {                                                                                              \
#name, COLUMN_##type, COLUMN_CHANGES, offsetof(struct row, name)                           \
    }

static const struct column study_columns[] = {
    KEY(study_row, INTEGER, id),
    FIXED(study_row, TEXT, name),
    FIXED(study_row, TEXT, document),
    CHANGES(study_row, TEXT, state),
    CHANGES(study_row, TEXT, reason),
    CHANGES(study_row, TEXT, description),
    FIXED(study_row, TEXT, direction),
    CHANGES(study_row, INTEGER, max_trials),
    CHANGES(study_row, INTEGER, max_parallel_trials),
    CHANGES(study_row, INTEGER, priority),
    CHANGES(study_row, INTEGER, planned_trials),
    FIXED(study_row, TEXT, space),
    CHANGES(study_row, INTEGER, sequence),
    CHANGES(study_row, INTEGER, consecutive_failures),
    FIXED(study_row, INTEGER, created_at),
    CHANGES(study_row, INTEGER, started_at),
    CHANGES(study_row, INTEGER, ended_at),
};

static const struct column trial_columns[] = {
    KEY(trial_row, INTEGER, study_id),        KEY(trial_row, INTEGER, number),
    CHANGES(trial_row, TEXT, state),          FIXED(trial_row, TEXT, hyperparameters),
    CHANGES(trial_row, REAL, score),          CHANGES(trial_row, INTEGER, executions),
    CHANGES(trial_row, INTEGER, best_epoch),  CHANGES(trial_row, INTEGER, epochs),
    FIXED(trial_row, INTEGER, initial_epoch), FIXED(trial_row, INTEGER, parent),
    FIXED(trial_row, INTEGER, bracket),       FIXED(trial_row, INTEGER, round),
    FIXED(trial_row, INTEGER, own),           FIXED(trial_row, TEXT, origin),
    CHANGES(trial_row, TEXT, reason),         CHANGES(trial_row, TEXT, client_id),
    FIXED(trial_row, INTEGER, created_at),    CHANGES(trial_row, INTEGER, started_at),
    CHANGES(trial_row, INTEGER, ended_at),
};

static const struct column decision_columns[] = {
    KEY(decision_row, INTEGER, study_id),
    KEY(decision_row, INTEGER, seq),
    FIXED(decision_row, TEXT, kind),
    FIXED(decision_row, INTEGER, trial),
    FIXED(decision_row, INTEGER, epochs),
    FIXED(decision_row, INTEGER, basis_seq),
    FIXED(decision_row, INTEGER, basis_count),
    FIXED(decision_row, INTEGER, basis_index),
    FIXED(decision_row, INTEGER, basis_max_trials),
    FIXED(decision_row, TEXT, state),
    FIXED(decision_row, REAL, loss),
    FIXED(decision_row, REAL, variance),
    FIXED(decision_row, INTEGER, executions),
};

static const struct column execution_columns[] = {
    KEY(execution_row, INTEGER, study_id),       KEY(execution_row, INTEGER, trial),
    KEY(execution_row, INTEGER, execution),      KEY(execution_row, INTEGER, attempt),
    CHANGES(execution_row, TEXT, state),         FIXED(execution_row, INTEGER, seed),
    FIXED(execution_row, TEXT, worker),          FIXED(execution_row, INTEGER, initial_epoch),
    CHANGES(execution_row, REAL, score),         CHANGES(execution_row, INTEGER, best_epoch),
    CHANGES(execution_row, TEXT, error),         FIXED(execution_row, INTEGER, created_at),
    CHANGES(execution_row, INTEGER, started_at), CHANGES(execution_row, INTEGER, ended_at),
};

static const struct column epoch_columns[] = {
    KEY(epoch_row, INTEGER, study_id),   KEY(epoch_row, INTEGER, trial),
    KEY(epoch_row, INTEGER, execution),  KEY(epoch_row, INTEGER, attempt),
    KEY(epoch_row, INTEGER, epoch),      CHANGES(epoch_row, TEXT, metrics),
    CHANGES(epoch_row, REAL, objective),
};

static const struct column report_columns[] = {
    KEY(report_row, INTEGER, study_id),
    KEY(report_row, INTEGER, trial),
    KEY(report_row, INTEGER, execution),
    CHANGES(report_row, TEXT, body),
};

static const struct column checkpoint_columns[] = {
    KEY(checkpoint_row, INTEGER, study_id),  KEY(checkpoint_row, INTEGER, trial),
    KEY(checkpoint_row, INTEGER, execution), CHANGES(checkpoint_row, INTEGER, epoch),
    CHANGES(checkpoint_row, TEXT, sha256),   CHANGES(checkpoint_row, INTEGER, size),
};

static const struct column model_columns[] = {
    KEY(model_row, INTEGER, study_id),  KEY(model_row, INTEGER, trial),
    KEY(model_row, INTEGER, execution), KEY(model_row, INTEGER, attempt),
    CHANGES(model_row, INTEGER, epoch), CHANGES(model_row, REAL, objective),
    CHANGES(model_row, TEXT, sha256),   CHANGES(model_row, INTEGER, size),
};

static const struct column dataset_columns[] = {
    KEY(dataset_row, TEXT, name),
    CHANGES(dataset_row, TEXT, source),
    CHANGES(dataset_row, TEXT, info),
    CHANGES(dataset_row, TEXT, state),
    FIXED(dataset_row, INTEGER, created_at),
};

static const struct column dataset_file_columns[] = {
    KEY(dataset_file_row, TEXT, dataset),
    KEY(dataset_file_row, TEXT, file),
    CHANGES(dataset_file_row, TEXT, sha256),
    CHANGES(dataset_file_row, INTEGER, size),
};

static const struct column worker_columns[] = {
    KEY(worker_row, TEXT, id),
    CHANGES(worker_row, TEXT, name),
    CHANGES(worker_row, TEXT, host),
    CHANGES(worker_row, TEXT, version),
    CHANGES(worker_row, INTEGER, slots),
    CHANGES(worker_row, TEXT, state),
    CHANGES(worker_row, TEXT, cpu),
    FIXED(worker_row, INTEGER, first_seen),
    CHANGES(worker_row, INTEGER, last_seen),
    CHANGES(worker_row, INTEGER, executions),
};

static const struct column event_columns[] = {
    KEY(event_row, INTEGER, seq),
    FIXED(event_row, TEXT, kind),
    FIXED(event_row, INTEGER, study_id),
    FIXED(event_row, TEXT, body),
};

static const struct column idempotency_columns[] = {
    KEY(idempotency_row, TEXT, key),           CHANGES(idempotency_row, TEXT, digest),
    CHANGES(idempotency_row, INTEGER, status), CHANGES(idempotency_row, TEXT, location),
    CHANGES(idempotency_row, TEXT, body),      CHANGES(idempotency_row, INTEGER, created_at),
};

#define TABLE(name, row, columns)                                                                  \
    {                                                                                              \
        name, sizeof(struct row), columns, (int)(sizeof columns / sizeof *columns)                 \
    }

const struct table row_tables[ROW_TABLES] = {
    [ROW_STUDY] = TABLE("studies", study_row, study_columns),
    [ROW_TRIAL] = TABLE("trials", trial_row, trial_columns),
    [ROW_DECISION] = TABLE("decisions", decision_row, decision_columns),
    [ROW_EXECUTION] = TABLE("executions", execution_row, execution_columns),
    [ROW_EPOCH] = TABLE("epochs", epoch_row, epoch_columns),
    [ROW_REPORT] = TABLE("reports", report_row, report_columns),
    [ROW_CHECKPOINT] = TABLE("checkpoints", checkpoint_row, checkpoint_columns),
    [ROW_MODEL] = TABLE("models", model_row, model_columns),
    [ROW_DATASET] = TABLE("datasets", dataset_row, dataset_columns),
    [ROW_DATASET_FILE] = TABLE("dataset_files", dataset_file_row, dataset_file_columns),
    [ROW_WORKER] = TABLE("workers", worker_row, worker_columns),
    [ROW_EVENT] = TABLE("events", event_row, event_columns),
    [ROW_IDEMPOTENCY] = TABLE("idempotency", idempotency_row, idempotency_columns),
};

_Static_assert(sizeof(struct trial_row) <= ROW_BYTES_MAX, "the largest row fits");

// Adds "name=?i" or the like for the columns `take` says, separated.
static void add_columns(FILE *out, const struct table *table, const char *format,
                        const char *separator, unsigned uses)
{
    const char *between = "";
    for (int i = 0; i < table->ncolumns; i++) {
        const struct column *column = &table->columns[i];
        if (!(uses & 1u << column->use))
            continue;
        fputs(between, out);
        for (const char *c = format; *c; c++) {
            if (*c == '@')
                fputs(column->name, out);
            else if (*c == '#')
                fprintf(out, "?%d", i + 1);
            else
                fputc(*c, out);
        }
        between = separator;
    }
}

enum {
    USES_KEY = 1u << COLUMN_KEY,
    USES_CHANGES = 1u << COLUMN_CHANGES,
    USES_ALL = USES_KEY | USES_CHANGES | 1u << COLUMN_FIXED
};

static void add_insert(FILE *out, const struct table *table)
{
    fprintf(out, "INSERT INTO %s (", table->name);
    add_columns(out, table, "@", ", ", USES_ALL);
    fputs(") VALUES (", out);
    add_columns(out, table, "#", ", ", USES_ALL);
    fputs(")", out);
}

char *row_sql(enum row_table which, enum row_act act)
{
    const struct table *table = &row_tables[which];
    char *text = NULL;
    size_t size = 0;
    FILE *out = alloc_sure(open_memstream(&text, &size));

    switch (act) {
    case ROW_INSERT:
        add_insert(out, table);
        break;
    case ROW_PUT:
        add_insert(out, table);
        fputs(" ON CONFLICT (", out);
        add_columns(out, table, "@", ", ", USES_KEY);
        fputs(") DO UPDATE SET ", out);
        add_columns(out, table, "@=#", ", ", USES_CHANGES);
        break;
    case ROW_UPDATE:
        fprintf(out, "UPDATE %s SET ", table->name);
        add_columns(out, table, "@=#", ", ", USES_CHANGES);
        fputs(" WHERE ", out);
        add_columns(out, table, "@=#", " AND ", USES_KEY);
        break;
    case ROW_DELETE:
    case ROW_ACTS:
        fprintf(out, "DELETE FROM %s WHERE ", table->name);
        add_columns(out, table, "@=#", " AND ", USES_KEY);
        break;
    }
    if (fclose(out))
        free(text), text = NULL;
    return alloc_sure(text);
}
