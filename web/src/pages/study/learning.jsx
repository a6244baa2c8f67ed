// Learning curves of the picked trials, or of the best few and what runs, side by side for loss and one metric.
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { Curves } from '../../charts/curves.jsx';
import { meanCurve, metricNames } from '../../data/derive.js';
import { number, score } from '../../format.js';
import { Panel, Segmented } from '../../ui/parts.jsx';
import { Mark } from '../../ui/state.jsx';

const COLOURS = 8;
const BEST_SHOWN = 3;
const RUNNING_SHOWN = 2;
const BACKGROUND_MAX = 60; // studies up to this size show every other trial behind

const PARTS = {
    validation: ['validation'],
    training: ['training'],
    both: ['validation', 'training'],
};

function chosen(view, best, trials) {
    if (view.picked.size) return [...view.picked];
    const running = trials.filter((trial) => trial.state === 'running').slice(-RUNNING_SHOWN);
    return [...new Set([...best.slice(0, BEST_SHOWN), ...running].map((trial) => trial.number))];
}

// A trial keeps its colour as long as it is shown.
function useColours(numbers) {
    const slots = useRef(new Map()).current;
    for (const number of slots.keys()) if (!numbers.includes(number)) slots.delete(number);
    for (const number of numbers) {
        if (slots.has(number)) continue;
        const used = new Set(slots.values());
        let slot = 1;
        while (slot < COLOURS && used.has(slot)) slot++;
        slots.set(number, slot);
    }
    return slots;
}

// The metric that the objective names, without val_; else the first that is not the loss.
function defaultMetric(names, objective) {
    const wanted = objective.metric.replace(/^val_/, '');
    return (
        names.find((name) => name === wanted && name !== 'loss') ??
        names.find((name) => name !== 'loss')
    );
}

// The curves in figures, for those who do not see them.
function Values({ shown, metrics, scoreOf }) {
    const columns = metrics.flatMap((name) => [name, `val_${name}`]);
    const last = (curves, name) => {
        const mean = meanCurve(curves, name).filter(Number.isFinite);
        return mean[mean.length - 1];
    };
    return (
        <details class="values">
            <summary>Values</summary>
            <div class="table-scroll" tabindex="0" role="group" aria-label="Values of the curves">
                <table>
                    <caption class="hidden">
                        Mean over the executions at the last epoch that all of them have
                    </caption>
                    <thead>
                        <tr>
                            <th scope="col">Trial</th>
                            <th scope="col" class="is-number">
                                Epochs
                            </th>
                            {columns.map((name) => (
                                <th key={name} scope="col" class="is-number">
                                    {name}
                                </th>
                            ))}
                            <th scope="col" class="is-number">
                                Score
                            </th>
                        </tr>
                    </thead>
                    <tbody>
                        {shown.map(({ number: trial, curves }) => (
                            <tr key={trial}>
                                <th scope="row">{trial}</th>
                                <td class="is-number">
                                    {[...curves.values()]
                                        .map(({ epochs }) => epochs.length)
                                        .join(', ') || '–'}
                                </td>
                                {columns.map((name) => (
                                    <td key={name} class="is-number">
                                        {number(last(curves, name))}
                                    </td>
                                ))}
                                <td class="is-number">{score(scoreOf(trial)?.score)}</td>
                            </tr>
                        ))}
                    </tbody>
                </table>
            </div>
        </details>
    );
}

export function Learning({ study, trials, best, view, objective, onPick, version }) {
    const [part, setPart] = useState('both');
    const [metric, setMetric] = useState('');
    const [logLoss, setLogLoss] = useState('linear');
    const numbers = chosen(view, best, trials);
    const colours = useColours(numbers);
    const background = trials.length <= BACKGROUND_MAX;
    const key = numbers.join(',');

    useEffect(() => {
        numbers.forEach((number) => study.needCurves(number));
        if (background)
            trials.forEach((trial) => trial.state !== 'queued' && study.needCurves(trial.number));
    }, [key, background, trials]);

    const shown = useMemo(
        () =>
            numbers.map((number) => ({
                number,
                curves: study.curves.get(number) ?? new Map(),
                colour: `series-${colours.get(number)}`,
            })),
        [key, version],
    );
    const others = useMemo(
        () =>
            (background ? trials : [])
                .filter((trial) => !numbers.includes(trial.number) && view.shows(trial))
                .map(({ number }) => ({ number, curves: study.curves.get(number) ?? new Map() })),
        [key, version, view],
    );
    const names = metricNames(study);
    const second = names.includes(metric) ? metric : defaultMetric(names, objective);
    const scoreOf = (number) => study.trials.get(number);
    const parts = PARTS[part];
    return (
        <Panel
            id="learning"
            title="Learning curves"
            note={view.picked.size ? 'picked trials' : 'best and running trials'}
            tools={
                <>
                    <Segmented
                        label="Curves"
                        value={part}
                        onChange={setPart}
                        options={[
                            ['both', 'Both'],
                            ['validation', 'Validation'],
                            ['training', 'Training'],
                        ]}
                    />
                    <Segmented
                        label="Loss axis"
                        value={logLoss}
                        onChange={setLogLoss}
                        options={[
                            ['linear', 'Linear'],
                            ['log', 'Log'],
                        ]}
                    />
                </>
            }
        >
            <div class="curves">
                <div>
                    <h3>loss</h3>
                    <Curves
                        shown={shown}
                        others={others}
                        metric="loss"
                        parts={parts}
                        log={logLoss === 'log'}
                        version={version}
                        onPick={onPick}
                    />
                </div>
                {second && (
                    <div>
                        <h3>
                            {names.filter((name) => name !== 'loss').length > 1 ? (
                                <select
                                    aria-label="Metric"
                                    value={second}
                                    onChange={(event) => setMetric(event.target.value)}
                                >
                                    {names
                                        .filter((name) => name !== 'loss')
                                        .map((name) => (
                                            <option key={name}>{name}</option>
                                        ))}
                                </select>
                            ) : (
                                second
                            )}
                        </h3>
                        <Curves
                            shown={shown}
                            others={others}
                            metric={second}
                            parts={parts}
                            version={version}
                            onPick={onPick}
                        />
                    </div>
                )}
            </div>
            <div class="legend">
                {numbers.map((number) => (
                    <button key={number} class="chip is-series" onClick={() => onPick(number)}>
                        <i style={{ background: `var(--series-${colours.get(number)})` }} />
                        trial {number}
                        <span class="muted">
                            {scoreOf(number)?.state === 'running' ? (
                                <Mark state="running" />
                            ) : (
                                score(scoreOf(number)?.score)
                            )}
                        </span>
                    </button>
                ))}
                <span class="muted">
                    <i class="line-key is-muted" />
                    validation
                </span>
                <span class="muted">
                    <i class="line-key is-muted is-dashed" />
                    training
                </span>
                <span class="muted">Thick: mean over executions. Pick trials in the table.</span>
            </div>
            <Values shown={shown} metrics={['loss', second].filter(Boolean)} scoreOf={scoreOf} />
        </Panel>
    );
}
