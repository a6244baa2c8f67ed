// The rows of the store as structs, one per table of schema/migrations, and how their columns map to
// SQL: one description serves insert, update and load. Texts are not owned by a row: a batch copies
// them, a load lends them for the time of its callback.
#ifndef TUNERD_COORDINATOR_STORE_ROWS_H
#define TUNERD_COORDINATOR_STORE_ROWS_H

#include <stddef.h>
#include <stdint.h>

#define ROW_NULL INT64_MIN // an integer column that is NULL; a NULL real is NaN

struct study_row {
    int64_t id;
    const char *name, *document, *state, *reason, *description, *direction;
    int64_t max_trials, max_parallel_trials, priority, planned_trials;
    const char *space;
    int64_t sequence, consecutive_failures, created_at, started_at, ended_at;
};

struct trial_row {
    int64_t study_id, number;
    const char *state, *hyperparameters;
    double score;
    int64_t executions, best_epoch, epochs, initial_epoch, parent, bracket, round, own;
    const char *origin;
    const char *reason, *client_id;
    int64_t created_at, started_at, ended_at;
};

struct decision_row {
    int64_t study_id, seq;
    const char *kind;
    int64_t trial, epochs, basis_seq, basis_count, basis_index, basis_max_trials;
    const char *state;
    double loss, variance;
    int64_t executions;
};

struct execution_row {
    int64_t study_id, trial, execution, attempt;
    const char *state;
    int64_t seed;
    const char *worker;
    int64_t initial_epoch;
    double score;
    int64_t best_epoch;
    const char *error;
    int64_t created_at, started_at, ended_at;
};

struct epoch_row {
    int64_t study_id, trial, execution, attempt, epoch;
    const char *metrics;
    double objective;
};

struct report_row {
    int64_t study_id, trial, execution;
    const char *body;
};

struct checkpoint_row {
    int64_t study_id, trial, execution, epoch;
    const char *sha256;
    int64_t size;
};

struct model_row {
    int64_t study_id, trial, execution, attempt, epoch;
    double objective;
    const char *sha256;
    int64_t size;
};

struct dataset_row {
    const char *name, *source, *info, *state;
    int64_t created_at;
};

struct dataset_file_row {
    const char *dataset, *file, *sha256;
    int64_t size;
};

struct worker_row {
    const char *id, *name, *host, *version;
    int64_t slots;
    const char *state, *cpu;
    int64_t first_seen, last_seen, executions;
};

struct event_row {
    int64_t seq;
    const char *kind;
    int64_t study_id;
    const char *body;
};

struct idempotency_row {
    const char *key, *digest;
    int64_t status;
    const char *location, *body;
    int64_t created_at;
};

enum row_table {
    ROW_STUDY,
    ROW_TRIAL,
    ROW_DECISION,
    ROW_EXECUTION,
    ROW_EPOCH,
    ROW_REPORT,
    ROW_CHECKPOINT,
    ROW_MODEL,
    ROW_DATASET,
    ROW_DATASET_FILE,
    ROW_WORKER,
    ROW_EVENT,
    ROW_IDEMPOTENCY,
    ROW_TABLES
};

enum row_act {
    ROW_INSERT, // a new row
    ROW_UPDATE, // its columns that change, found by its key
    ROW_PUT,    // insert, or replace all but the key
    ROW_DELETE, // by key
    ROW_ACTS
};

enum column_type { COLUMN_INTEGER, COLUMN_REAL, COLUMN_TEXT };
enum column_use { COLUMN_KEY, COLUMN_FIXED, COLUMN_CHANGES };
struct column {
    const char *name;
    enum column_type type;
    enum column_use use;
    size_t offset;
};
struct table {
    const char *name;
    size_t size;
    const struct column *columns;
    int ncolumns;
};
extern const struct table row_tables[ROW_TABLES];

enum { ROW_BYTES_MAX = 256 }; // no row struct is larger

// SQL of an act, malloc'ed; parameters ?1… are the columns in their order.
char *row_sql(enum row_table table, enum row_act act);

static inline int64_t *row_integer(const struct column *column, void *row)
{
    return (int64_t *)(void *)((char *)row + column->offset);
}
static inline double *row_real(const struct column *column, void *row)
{
    return (double *)(void *)((char *)row + column->offset);
}
static inline const char **row_text(const struct column *column, void *row)
{
    return (const char **)(void *)((char *)row + column->offset);
}

#endif
