-- A trial may be trained once at first and as often as the study says later. Before, it always was.
ALTER TABLE trials ADD COLUMN executions INTEGER; -- that its score is the mean of
UPDATE trials SET executions = (
    SELECT count(DISTINCT e.execution) FROM executions e
    WHERE e.study_id = trials.study_id AND e.trial = trials.number AND e.score IS NOT NULL)
WHERE score IS NOT NULL;
-- decisions.executions of what was given: how many it trains; NULL: all.
CREATE INDEX trials_by_rank ON trials (study_id, executions, score);
