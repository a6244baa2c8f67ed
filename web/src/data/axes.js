// One axis a hyperparameter, and one for the score: where a value stands on it (0 bottom, 1 top), what is
// written beside it, and which trials a brush lets through. A brush is {low, high, unset} in coordinates:
// the number itself, or the place of a category in its list.
import { number, value as text } from '../format.js';

const TICKS_MAX = 8;
const numbered = { Int: true, Float: true };

function scaleOf(low, high, sampling) {
    if (!(high > low)) return { to: () => 0.5, from: () => low };
    if (sampling === 'log' && low > 0) {
        const span = Math.log(high / low);
        return { to: (v) => Math.log(v / low) / span, from: (u) => low * Math.exp(u * span) };
    }
    if (sampling === 'reverse_log' && low > 0) {
        const span = Math.log(high / low);
        return {
            to: (v) => 1 - Math.log((high + low - v) / low) / span,
            from: (u) => high + low - low * Math.exp((1 - u) * span),
        };
    }
    return { to: (v) => (v - low) / (high - low), from: (u) => low + u * (high - low) };
}

export function hyperparameterAxis(hp) {
    const read = (trial) => trial.hyperparameters?.[hp.name];
    if (numbered[hp.hp]) {
        const scale = scaleOf(hp.min_value, hp.max_value, hp.sampling);
        return {
            name: hp.name,
            numeric: true,
            log: hp.sampling === 'log',
            optional: hp.conditions?.length > 0,
            read,
            coordinate: (v) => v,
            unit: scale.to,
            at: scale.from,
            label: (v) => number(v, 3),
            ticks: ticks(hp, scale),
            steps: stepsOf(hp) || Infinity,
        };
    }
    const values = hp.values ?? (hp.hp === 'Boolean' ? [false, true] : [hp.value]);
    const last = values.length - 1;
    return {
        name: hp.name,
        numeric: false,
        log: false,
        optional: hp.conditions?.length > 0,
        read,
        coordinate: (v) => values.indexOf(v),
        unit: (i) => (last ? i / last : 0.5),
        at: (u) => u * last,
        label: (i) => text(values[Math.round(i)]),
        ticks: values.map((_, i) => i),
        values,
        steps: last,
    };
}

export function scoreAxis(name, direction, low, high) {
    const scale = scaleOf(low, high);
    const flip = direction === 'min';
    return {
        name,
        score: true,
        numeric: true,
        log: false,
        optional: false,
        read: (trial) => trial.score ?? undefined,
        coordinate: (v) => v,
        label: (v) => number(v, 4),
        unit: (v) => (flip ? 1 - scale.to(v) : scale.to(v)),
        at: (u) => scale.from(flip ? 1 - u : u),
        ticks: [low, low + (high - low) / 4, (low + high) / 2, high - (high - low) / 4, high],
    };
}

// Distance of the values of a linear grid, or 0 where there is none; and how many such steps there are.
function gridOf({ step, sampling = 'linear', hp }) {
    return sampling === 'linear' ? (step ?? (hp === 'Int' ? 1 : 0)) : 0;
}

function stepsOf(hp) {
    const grid = gridOf(hp);
    return grid ? Math.floor((hp.max_value - hp.min_value) / grid + 1e-9) : 0;
}

// All of a short grid; powers of ten on a log scale; else five places along it, on the grid if there is one.
function ticks({ min_value: low, max_value: high, step, sampling, hp }, scale) {
    if (!(high > low)) return [low];
    const grid = gridOf({ step, sampling, hp });
    const steps = stepsOf({ min_value: low, max_value: high, step, sampling, hp });
    if (steps > 0 && steps < TICKS_MAX)
        return Array.from({ length: steps + 1 }, (_, i) => low + i * grid);
    if (sampling === 'log' && high / low >= 100) {
        const from = Math.ceil(Math.log10(low) - 1e-9);
        const to = Math.floor(Math.log10(high) + 1e-9);
        const every = Math.ceil((to - from + 1) / TICKS_MAX);
        const powers = Array.from({ length: to - from + 1 }, (_, i) => 10 ** (from + i));
        const apart = (v) => scale.to(v) > 0.08 && scale.to(v) < 0.92;
        return [low, ...powers.filter((v, i) => i % every === 0 && apart(v)), high];
    }
    const snap = (v) =>
        grid ? low + Math.round((v - low) / grid) * grid : hp === 'Int' ? Math.round(v) : v;
    return [...new Set([0, 0.25, 0.5, 0.75, 1].map(scale.from).map(snap))];
}

// Axes in the order and with the directions of an address: names, "~" before those upside down.
export function arranged(axes, written) {
    if (!written) return axes.filter((axis) => axis.score || axis.ticks.length > 1);
    return written
        .split(',')
        .map(decodeURIComponent)
        .flatMap((entry) => {
            const flipped = entry.startsWith('~');
            const axis = axes.find(({ name }) => name === (flipped ? entry.slice(1) : entry));
            if (!axis) return [];
            return flipped
                ? { ...axis, flipped, unit: (v) => 1 - axis.unit(v), at: (u) => axis.at(1 - u) }
                : axis;
        });
}

export const arrangement = (axes) =>
    axes.map(({ name, flipped }) => encodeURIComponent(`${flipped ? '~' : ''}${name}`)).join(',');

// The place of a trial on an axis in [0, 1], or null where the hyperparameter is not set.
export function place(axis, trial) {
    const v = axis.read(trial);
    if (v === undefined || v === null) return null;
    return Math.min(1, Math.max(0, axis.unit(axis.coordinate(v))));
}

export function passes(axis, brush, trial) {
    const v = axis.read(trial);
    if (v === undefined || v === null) return brush.unset;
    const at = axis.coordinate(v);
    return at >= brush.low && at <= brush.high;
}

// Brushes as parts of the address: "0.001~0.01", with "unset" first where unset values pass too.
export function brushText({ low, high, unset }) {
    return `${unset ? 'unset,' : ''}${Number(low.toPrecision(6))}~${Number(high.toPrecision(6))}`;
}

export function parseBrush(written) {
    const unset = written.startsWith('unset,');
    const [low, high] = written.replace('unset,', '').split('~').map(Number);
    return Number.isFinite(low) && Number.isFinite(high) ? { low, high, unset } : null;
}

export function brushWords(axis, { low, high, unset }) {
    let words;
    if (axis.values) {
        const inside = axis.values.filter((_, i) => i >= low && i <= high).map(text);
        words = inside.length ? inside.join(', ') : 'none';
    } else {
        words = `${axis.label(low)} to ${axis.label(high)}`;
    }
    return unset ? `${high < low ? '' : `${words} or `}not set` : words;
}
