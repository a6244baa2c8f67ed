-- A search that counts what is left asks differently once max_trials is changed. NULL: written before.
ALTER TABLE decisions ADD COLUMN basis_max_trials INTEGER; -- given: max_trials when it was proposed
