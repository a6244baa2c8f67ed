-- Trained weights under state-dir/blobs: of each study's best trials, of attempts that completed or still
-- run, one file an attempt.
CREATE TABLE models (
    study_id  INTEGER NOT NULL,
    trial     INTEGER NOT NULL,
    execution INTEGER NOT NULL,
    attempt   INTEGER NOT NULL,
    epoch     INTEGER NOT NULL,  -- the objective's best one: these are its weights
    objective REAL NOT NULL,     -- its value at that epoch
    sha256    TEXT NOT NULL,
    size      INTEGER NOT NULL,
    PRIMARY KEY (study_id, trial, execution, attempt),
    FOREIGN KEY (study_id, trial) REFERENCES trials(study_id, number) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
