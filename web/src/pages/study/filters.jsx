// The filters in force, as chips; and a form for those who do not drag on the chart.
import { useState } from 'preact/hooks';
import { brushText, brushWords } from '../../data/axes.js';
import { count } from '../../format.js';
import { setQuery } from '../../route.js';
import { Icon } from '../../ui/icon.jsx';
import { Mark, TRIAL_STATES } from '../../ui/state.jsx';
import { clearFilters, pick } from './view.js';

const TOP = ['50', '25', '10', '5'];

function toggled(states, state) {
    const next = new Set(states ?? []);
    if (!next.delete(state)) next.add(state);
    return [...next].join(',');
}

function RangeForm({ axes, onDone }) {
    const numeric = axes.filter((axis) => axis.numeric);
    const [name, setName] = useState(numeric[0]?.name);
    const [low, setLow] = useState('');
    const [high, setHigh] = useState('');
    const axis = numeric.find((one) => one.name === name);
    const submit = (event) => {
        event.preventDefault();
        const ends = [low === '' ? -1e300 : Number(low), high === '' ? 1e300 : Number(high)];
        setQuery({ [`b.${name}`]: brushText({ low: ends[0], high: ends[1], unset: false }) });
        onDone();
    };
    return (
        <form class="range-form" onSubmit={submit}>
            <label>
                Between{' '}
                <input
                    type="number"
                    step="any"
                    value={low}
                    aria-label="From"
                    placeholder={axis?.label(axis.ticks[0])}
                    onInput={(e) => setLow(e.target.value)}
                />
            </label>
            <label>
                and{' '}
                <input
                    type="number"
                    step="any"
                    value={high}
                    aria-label="To"
                    placeholder={axis?.label(axis.ticks[axis.ticks.length - 1])}
                    onInput={(e) => setHigh(e.target.value)}
                />
            </label>
            <label>
                of{' '}
                <select
                    value={name}
                    aria-label="Hyperparameter"
                    onChange={(e) => setName(e.target.value)}
                >
                    {numeric.map((one) => (
                        <option key={one.name}>{one.name}</option>
                    ))}
                </select>
            </label>
            <button class="button is-small is-primary">Filter</button>
        </form>
    );
}

export function Filters({ trials, axes, view, shown }) {
    const [adding, setAdding] = useState(false);
    const present = TRIAL_STATES.filter(
        (state) => view.states?.has(state) || trials.some((trial) => trial.state === state),
    );
    return (
        <div class="filters" role="group" aria-label="Filters">
            <div class="filter-states">
                {present.map((state) => (
                    <button
                        key={state}
                        class="chip"
                        aria-pressed={view.states?.has(state) ?? false}
                        onClick={() => setQuery({ state: toggled(view.states, state) })}
                    >
                        <Mark state={state} />
                        {state}
                    </button>
                ))}
            </div>
            <label class="top-filter">
                <span class="hidden">Best part</span>
                <select
                    value={view.top}
                    onChange={(event) => setQuery({ top: event.target.value })}
                >
                    <option value="">All scores</option>
                    {TOP.map((percent) => (
                        <option key={percent} value={percent}>
                            Best {percent} %
                        </option>
                    ))}
                </select>
            </label>
            {axes
                .filter(({ name }) => view.brushes[name])
                .map((axis) => (
                    <button
                        key={axis.name}
                        class="chip is-brush"
                        aria-label={`Remove filter ${axis.name}`}
                        onClick={() => setQuery({ [`b.${axis.name}`]: null })}
                    >
                        <b>{axis.name}</b> {brushWords(axis, view.brushes[axis.name])}
                        <span aria-hidden="true">×</span>
                    </button>
                ))}
            {[...view.picked].map((number) => (
                <button
                    key={number}
                    class="chip is-brush"
                    aria-label={`Unpick trial ${number}`}
                    onClick={() => pick(number)}
                >
                    <b>trial {number}</b>
                    <span aria-hidden="true">×</span>
                </button>
            ))}
            <button class="chip is-quiet" aria-expanded={adding} onClick={() => setAdding(!adding)}>
                <Icon name="plus" />
                Range
            </button>
            {view.filtered && (
                <button class="chip is-quiet" onClick={clearFilters}>
                    Clear
                </button>
            )}
            <span class="muted filter-count" aria-live="polite">
                {view.filtered ? `${count(shown)} of ${count(trials.length)} trials` : ''}
            </span>
            {adding && <RangeForm axes={axes} onDone={() => setAdding(false)} />}
        </div>
    );
}
