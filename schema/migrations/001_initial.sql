-- The store. Times are milliseconds since the epoch, UTC. JSON columns hold compact JSON text.

CREATE TABLE studies (
    id                  INTEGER PRIMARY KEY AUTOINCREMENT, -- never used again: it names leases
    name                TEXT NOT NULL UNIQUE,
    document            TEXT NOT NULL,              -- as given
    state               TEXT NOT NULL,
    reason              TEXT,                       -- why it is in this state, for people
    description         TEXT,
    direction           TEXT NOT NULL,              -- min | max
    max_trials          INTEGER NOT NULL,           -- -1: as many as the algorithm has
    max_parallel_trials INTEGER NOT NULL,           -- 0: no limit
    priority            INTEGER NOT NULL DEFAULT 0,
    planned_trials      INTEGER NOT NULL,           -- for progress; -1: unknown
    space               TEXT NOT NULL,              -- JSON, the flat list
    sequence            INTEGER NOT NULL DEFAULT 0, -- number of the last decision
    consecutive_failures INTEGER NOT NULL DEFAULT 0, -- failed trials since one that did not
    created_at          INTEGER NOT NULL,
    started_at          INTEGER,
    ended_at            INTEGER
) STRICT;

CREATE TABLE trials (
    study_id        INTEGER NOT NULL REFERENCES studies(id) ON DELETE CASCADE,
    number          INTEGER NOT NULL,
    state           TEXT NOT NULL,
    hyperparameters TEXT NOT NULL,  -- JSON, active ones only
    score           REAL,
    best_epoch      INTEGER,
    epochs          INTEGER NOT NULL DEFAULT 0,  -- epochs to train to; 0: the study's own
    initial_epoch   INTEGER NOT NULL DEFAULT 0,  -- epochs behind the parent's checkpoint
    parent          INTEGER NOT NULL DEFAULT -1, -- trial it was promoted from; -1: none
    bracket         INTEGER NOT NULL DEFAULT -1,
    round           INTEGER NOT NULL DEFAULT -1,
    own             INTEGER NOT NULL DEFAULT 1,  -- 0: a user's point
    origin          TEXT NOT NULL,  -- JSON: kind, reason, bracket, round, promoted_from
    reason          TEXT,           -- why it failed, was pruned, …
    client_id       TEXT,           -- leased by POST /suggest
    created_at      INTEGER NOT NULL,
    started_at      INTEGER,
    ended_at        INTEGER,
    PRIMARY KEY (study_id, number)
) STRICT, WITHOUT ROWID;
CREATE INDEX trials_by_score ON trials (study_id, score);
CREATE INDEX trials_by_state ON trials (study_id, state, number);

-- What the search was told, in order. A search made anew and fed these answers as the old one did: the
-- points of a `given` are ask(rng_init(seed, basis_seq), basis_count)[basis_index] after the decisions
-- 1 … basis_seq.
CREATE TABLE decisions (
    study_id    INTEGER NOT NULL,
    seq         INTEGER NOT NULL,  -- from 1 within the study
    kind        TEXT NOT NULL,     -- given | told
    trial       INTEGER NOT NULL,
    epochs      INTEGER NOT NULL,  -- given: to train to, 0 the study's own; told: reached
    basis_seq   INTEGER,           -- given, from here on: decisions the search knew of
    basis_count INTEGER,           -- points it was asked for; 0: no search made this one
    basis_index INTEGER,
    state       TEXT,              -- told, from here on
    loss        REAL,
    variance    REAL,
    executions  INTEGER,
    PRIMARY KEY (study_id, seq),
    FOREIGN KEY (study_id, trial) REFERENCES trials(study_id, number) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE TABLE executions (
    study_id   INTEGER NOT NULL,
    trial      INTEGER NOT NULL,
    execution  INTEGER NOT NULL,  -- 0 .. executions_per_trial - 1
    attempt    INTEGER NOT NULL,  -- from 1; a lost lease or a retry starts another
    state      TEXT NOT NULL,     -- running | completed | pruned | failed | infeasible | cancelled | lost
    seed       INTEGER NOT NULL,
    worker     TEXT,              -- workers.id
    initial_epoch INTEGER NOT NULL DEFAULT 0, -- of the checkpoint it went on from
    score      REAL,
    best_epoch INTEGER,
    error      TEXT,
    created_at INTEGER NOT NULL,
    started_at INTEGER,
    ended_at   INTEGER,
    PRIMARY KEY (study_id, trial, execution, attempt),
    FOREIGN KEY (study_id, trial) REFERENCES trials(study_id, number) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE TABLE epochs (
    study_id  INTEGER NOT NULL,
    trial     INTEGER NOT NULL,
    execution INTEGER NOT NULL,
    attempt   INTEGER NOT NULL,
    epoch     INTEGER NOT NULL,  -- from 1
    metrics   TEXT NOT NULL,     -- JSON: loss, …, learning_rate, seconds, val_seconds
    objective REAL,              -- the study's objective at this epoch
    PRIMARY KEY (study_id, trial, execution, attempt, epoch),
    FOREIGN KEY (study_id, trial, execution, attempt)
        REFERENCES executions(study_id, trial, execution, attempt) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE TABLE reports (
    study_id  INTEGER NOT NULL,
    trial     INTEGER NOT NULL,
    execution INTEGER NOT NULL,
    body      TEXT NOT NULL,  -- JSON of the engine's report
    PRIMARY KEY (study_id, trial, execution),
    FOREIGN KEY (study_id, trial) REFERENCES trials(study_id, number) ON DELETE CASCADE
) STRICT;

-- Files under state-dir/blobs, named by their SHA-256: checkpoints of executions.
CREATE TABLE checkpoints (
    study_id  INTEGER NOT NULL,
    trial     INTEGER NOT NULL,
    execution INTEGER NOT NULL,
    epoch     INTEGER NOT NULL,
    sha256    TEXT NOT NULL,
    size      INTEGER NOT NULL,
    PRIMARY KEY (study_id, trial, execution),
    FOREIGN KEY (study_id, trial) REFERENCES trials(study_id, number) ON DELETE CASCADE
) STRICT;

CREATE TABLE datasets (
    name       TEXT PRIMARY KEY,
    source     TEXT NOT NULL,  -- JSON of POST /datasets/{name}
    info       TEXT NOT NULL,  -- JSON: samples, shape, classes, …
    state      TEXT NOT NULL,  -- uploading | ready
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE dataset_files (
    dataset TEXT NOT NULL REFERENCES datasets(name) ON DELETE CASCADE,
    file    TEXT NOT NULL,
    sha256  TEXT NOT NULL,
    size    INTEGER NOT NULL,
    PRIMARY KEY (dataset, file)
) STRICT;

CREATE TABLE workers (
    id         TEXT PRIMARY KEY,  -- the routing id, chosen by the worker, kept over restarts
    name       TEXT NOT NULL,
    host       TEXT NOT NULL,
    version    TEXT NOT NULL,
    slots      INTEGER NOT NULL,
    state      TEXT NOT NULL,     -- connected | draining | gone
    cpu        TEXT,
    first_seen INTEGER NOT NULL,
    last_seen  INTEGER NOT NULL,
    executions INTEGER NOT NULL DEFAULT 0  -- completed
) STRICT;

-- One sequence for all; the oldest rows are dropped beyond 100,000.
CREATE TABLE events (
    seq      INTEGER PRIMARY KEY AUTOINCREMENT,
    kind     TEXT NOT NULL,  -- study | trial | epoch | worker
    study_id INTEGER,
    body     TEXT NOT NULL   -- JSON
) STRICT;
CREATE INDEX events_by_study ON events (study_id, seq);

CREATE TABLE idempotency (
    key        TEXT PRIMARY KEY,
    digest     TEXT NOT NULL,  -- SHA-256 of method, path and body
    status     INTEGER NOT NULL,
    location   TEXT,
    body       TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE store (
    id TEXT NOT NULL  -- drawn once; workers tell two stores behind one address apart by it
) STRICT;
INSERT INTO store VALUES (lower(hex(randomblob(16))));
