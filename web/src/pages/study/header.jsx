import { dateTime, duration, plural, score, seconds } from '../../format.js';
import { href } from '../../route.js';
import { Counts, Progress, Stat } from '../../ui/parts.jsx';
import { StateBadge } from '../../ui/state.jsx';
import { Actions } from './actions.jsx';

function facts(summary, objective) {
    const { tuner = {}, dataset, seed } = summary.document;
    return [
        `${objective.direction === 'max' ? 'maximize' : 'minimize'} ${objective.name}`,
        tuner.type,
        dataset?.name,
        tuner.executions_per_trial > 1 && `${tuner.executions_per_trial} executions a trial`,
        seed !== undefined && `seed ${seed}`,
    ].filter(Boolean);
}

export function StudyHeader({ study, objective, onBest }) {
    const { summary } = study;
    const { counts = {}, best_trial: best, max_trials: max } = summary;
    const ended = ['completed', 'pruned', 'failed', 'infeasible', 'cancelled'].reduce(
        (n, state) => n + (counts[state] ?? 0),
        0,
    );
    const live = !summary.ended_at;
    return (
        <header class="study-head">
            <div class="study-title">
                <div>
                    <a class="crumb" href={href(['studies'])}>
                        Studies
                    </a>
                    <h1>{study.name}</h1>
                </div>
                <StateBadge state={summary.state} />
                <Actions study={study} summary={summary} />
            </div>
            {summary.description && <p class="description">{summary.description}</p>}
            <p class="facts">
                {facts(summary, objective).map((fact) => (
                    <span key={fact}>{fact}</span>
                ))}
            </p>
            {summary.reason && <p class="reason">{summary.reason}</p>}
            <div class="study-progress">
                <Progress summary={summary} tall />
                <Counts counts={counts} />
            </div>
            <dl class="stats">
                <Stat label={`Best ${objective.name}`}>
                    {best ? (
                        <button class="link-number" onClick={() => onBest(best.number)}>
                            {score(best.score)}
                        </button>
                    ) : (
                        '–'
                    )}
                    {best && <small>trial {best.number}</small>}
                </Stat>
                <Stat label="Trials ended">
                    {ended}
                    <small>
                        {max > 0 ? `of ${max}` : plural(counts.running ?? 0, 'running', 'running')}
                    </small>
                </Stat>
                <Stat label={live ? 'Running for' : 'Took'}>
                    {duration(seconds(summary.started_at, summary.ended_at))}
                </Stat>
                {live ? (
                    <Stat label="Time left">
                        {summary.eta_s === null ? '–' : duration(summary.eta_s)}
                    </Stat>
                ) : (
                    <Stat label="Ended">{dateTime(summary.ended_at)}</Stat>
                )}
            </dl>
        </header>
    );
}
