// What the reader has chosen on a study's page, from its address: filters, picked trials, the open one.
import { hyperparameterAxis, parseBrush, passes, scoreAxis } from '../../data/axes.js';
import { route, setQuery } from '../../route.js';

const PICKED_MAX = 8;

export function axesOf(summary, objective, trials) {
    const axes = (summary.space ?? []).map(hyperparameterAxis);
    let low = Infinity;
    let high = -Infinity;
    for (const { score } of trials) {
        if (!Number.isFinite(score)) continue;
        low = Math.min(low, score);
        high = Math.max(high, score);
    }
    if (low <= high) axes.push(scoreAxis(objective.name, objective.direction, low, high));
    return axes;
}

const numbers = (text) => (text ? text.split(',').map(Number).filter(Number.isInteger) : []);

// `best`: the scored trials, best first. shows(trial) says whether it passes every filter.
export function viewOf(query, axes, best) {
    const brushes = {};
    for (const [key, text] of Object.entries(query)) {
        const brush = key.startsWith('b.') && parseBrush(text);
        if (brush) brushes[key.slice(2)] = brush;
    }
    const filters = axes.filter(({ name }) => brushes[name]);
    const top =
        Number(query.top) > 0
            ? new Set(
                  best
                      .slice(0, Math.ceil((best.length * Number(query.top)) / 100))
                      .map(({ number }) => number),
              )
            : null;
    const states = query.state ? new Set(query.state.split(',')) : null;
    return {
        brushes,
        states,
        top: top ? query.top : '',
        picked: new Set(numbers(query.pick)),
        open: query.trial === undefined ? null : Number(query.trial),
        filtered: states !== null || top !== null || filters.length > 0,
        shows: (trial) =>
            (!states || states.has(trial.state)) &&
            (!top || top.has(trial.number)) &&
            filters.every((axis) => passes(axis, brushes[axis.name], trial)),
    };
}

export function pick(number) {
    const now = numbers(route.value.query.pick);
    const next = now.includes(number)
        ? now.filter((n) => n !== number)
        : [...now, number].slice(-PICKED_MAX);
    setQuery({ pick: next.join(',') });
}

export const openTrial = (number) =>
    setQuery({ trial: String(number) }, route.value.query.trial !== undefined);
export const closeTrial = () => setQuery({ trial: null });

export function clearFilters() {
    const brushes = Object.keys(route.value.query).filter((key) => key.startsWith('b.'));
    setQuery({ state: null, top: null, ...Object.fromEntries(brushes.map((key) => [key, null])) });
}
