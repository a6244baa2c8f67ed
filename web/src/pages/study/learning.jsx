// Learning curves of the picked trials, or of the best few and what runs, side by side for loss and one metric.
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { Curves } from '../../charts/curves.jsx';
import { metricNames } from '../../data/derive.js';
import { score } from '../../format.js';
import { Panel, Segmented } from '../../ui/parts.jsx';
import { Mark } from '../../ui/state.jsx';
import { Values } from './values.jsx';

const COLOURS = 8;
const BEST_SHOWN = 3;
const RUNNING_SHOWN = 2;
const BACKGROUND_MAX = 60; // studies up to this size show every other trial behind

const PARTS = {
    validation: ['validation'],
    training: ['training'],
    both: ['validation', 'training'],
};

const PART_NAMES = [
    ['both', 'Both'],
    ['validation', 'Validation'],
    ['training', 'Training'],
];
const SCALES = [
    ['linear', 'Linear'],
    ['log', 'Log'],
];

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

// The metric that the objective names, without val_; else the first.
function defaultMetric(names, objective) {
    const wanted = objective.metric.replace(/^val_/, '');
    return names.find((name) => name === wanted) ?? names[0];
}

// The name of the second chart's metric; a choice where there are several.
function MetricName({ name, names, onChange }) {
    if (names.length < 2) return name;
    return (
        <select aria-label="Metric" value={name} onChange={(event) => onChange(event.target.value)}>
            {names.map((one) => (
                <option key={one}>{one}</option>
            ))}
        </select>
    );
}

function Tools({ part, onPart, scale, onScale }) {
    return (
        <>
            <Segmented label="Curves" value={part} onChange={onPart} options={PART_NAMES} />
            <Segmented label="Loss axis" value={scale} onChange={onScale} options={SCALES} />
        </>
    );
}

function Legend({ numbers, colours, scoreOf, onPick }) {
    return (
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
    );
}

export function Learning({ study, trials, best, view, objective, onPick, version }) {
    const [part, setPart] = useState('both');
    const [metric, setMetric] = useState('');
    const [scale, setScale] = useState('linear');
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
    const rest = names.filter((name) => name !== 'loss');
    const loss = !names.length || rest.length < names.length;
    const second = rest.includes(metric) ? metric : defaultMetric(rest, objective);
    const scoreOf = (number) => study.trials.get(number);
    const parts = PARTS[part];
    return (
        <Panel
            id="learning"
            title="Learning curves"
            note={view.picked.size ? 'picked trials' : 'best and running trials'}
            tools={<Tools part={part} onPart={setPart} scale={scale} onScale={setScale} />}
        >
            <div class="curves">
                {loss && (
                    <div>
                        <h3>loss</h3>
                        <Curves
                            shown={shown}
                            others={others}
                            metric="loss"
                            parts={parts}
                            log={scale === 'log'}
                            version={version}
                            onPick={onPick}
                        />
                    </div>
                )}
                {second && (
                    <div>
                        <h3>
                            <MetricName name={second} names={rest} onChange={setMetric} />
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
            <Legend numbers={numbers} colours={colours} scoreOf={scoreOf} onPick={onPick} />
            <Values
                shown={shown}
                metrics={[loss && 'loss', second].filter(Boolean)}
                scoreOf={scoreOf}
            />
        </Panel>
    );
}
