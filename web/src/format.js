// Numbers and times as people read them.

// Up to `digits` significant digits, no trailing zeros; very small or large ones as powers.
export function number(value, digits = 4) {
    if (value === null || value === undefined || !Number.isFinite(value)) return '–';
    if (value === 0) return '0';
    const size = Math.abs(value);
    if (size < 1e-4 || size >= 1e7)
        return value
            .toExponential(Math.min(digits - 1, 2))
            .replace(/\.?0+e/, 'e')
            .replace('e+', 'e');
    if (Number.isInteger(value)) return String(value);
    return String(Number(value.toPrecision(digits)));
}

// A score with a fixed number of places, so that columns of them line up.
export function score(value) {
    if (value === null || value === undefined) return '–';
    const size = Math.abs(value);
    return size < 1000 && (size >= 0.001 || size === 0) ? value.toFixed(4) : number(value, 5);
}

export const count = (value) => value.toLocaleString('en-US');

export const plural = (n, one, many = `${one}s`) => `${count(n)} ${n === 1 ? one : many}`;

export function duration(seconds) {
    if (seconds === null || seconds === undefined || !Number.isFinite(seconds)) return '–';
    if (seconds < 1) return `${Math.round(1000 * seconds)} ms`;
    if (seconds < 10) return `${seconds.toFixed(1)} s`;
    if (seconds < 60) return `${Math.round(seconds)} s`;
    const minutes = Math.floor(seconds / 60);
    if (minutes < 60)
        return `${minutes} min ${String(Math.floor(seconds % 60)).padStart(2, '0')} s`;
    const hours = Math.floor(minutes / 60);
    if (hours < 48) return `${hours} h ${String(minutes % 60).padStart(2, '0')} min`;
    return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

export function bytes(size) {
    const units = ['B', 'KB', 'MB', 'GB', 'TB'];
    let i = 0;
    for (; size >= 1000 && i < units.length - 1; i++) size /= 1000;
    return `${i ? size.toPrecision(3) : size} ${units[i]}`;
}

export const seconds = (from, to) =>
    from ? (Date.parse(to ?? new Date().toISOString()) - Date.parse(from)) / 1000 : null;

export function ago(time) {
    const past = seconds(time);
    if (past === null) return '–';
    if (past < 2) return 'now';
    for (const [unit, size] of [
        ['d', 86400],
        ['h', 3600],
        ['min', 60],
    ])
        if (past >= size) return `${Math.floor(past / size)} ${unit} ago`;
    return `${Math.floor(past)} s ago`;
}

export function dateTime(time) {
    return time
        ? new Date(time).toLocaleString([], { dateStyle: 'medium', timeStyle: 'short' })
        : '–';
}

// Any hyperparameter's value.
export function value(v) {
    if (v === null || v === undefined) return '–';
    return typeof v === 'number' ? number(v) : String(v);
}

export const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);
