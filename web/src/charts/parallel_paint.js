// Geometry and painting of the parallel coordinates, and what a drag along an axis means.
import { FONT } from './palette.js';

export const HEIGHT = 300;
const TOP = 14;
const BOTTOM = 18;
const UNSET = 22; // pixels below the axis
const MARGIN = 56;
const AXIS_MIN = 104; // pixels between axes before the chart scrolls sideways
const LABELS_MAX = 9;
const GRAB = 18; // pixels beside an axis that belong to it

const clamp = (v, low, high) => Math.min(high, Math.max(low, v));

// Where things stand, in pixels of the page: x(i) an axis, y(u) a place on it (null: "not set"), unit(y) back,
// near(x) the axis at x or -1, gap(x) the axis left of x and the share of the way to the next.
export function layout(width, axes) {
    const optional = axes.some((axis) => axis.optional);
    const bottom = HEIGHT - BOTTOM - (optional ? UNSET : 0);
    const wide = Math.max(width, MARGIN * 2 + AXIS_MIN * (axes.length - 1));
    const step = axes.length > 1 ? (wide - 2 * MARGIN) / (axes.length - 1) : 0;
    return {
        width: wide,
        bottom,
        step,
        x: (i) => (axes.length > 1 ? MARGIN + i * step : wide / 2),
        y: (u) => (u === null ? bottom + UNSET : bottom - u * (bottom - TOP)),
        unit: (y) => (bottom - y) / (bottom - TOP),
        near(x) {
            const i = clamp(Math.round(step ? (x - MARGIN) / step : 0), 0, axes.length - 1);
            return Math.abs(x - this.x(i)) <= GRAB ? i : -1;
        },
        gap(x) {
            const i = clamp(Math.floor((x - MARGIN) / step), 0, axes.length - 2);
            return [i, (x - this.x(i)) / step];
        },
    };
}

function trace(g, at, ys) {
    g.beginPath();
    ys.forEach((y, i) => g[i ? 'lineTo' : 'moveTo'](at.x(i), y));
    g.stroke();
}

function paintBrush(g, at, x, [a, b], colours) {
    g.fillStyle = colours.accent;
    g.globalAlpha = 0.22;
    g.fillRect(x - 7, a, 14, b - a);
    g.globalAlpha = 1;
    g.fillRect(x - 7, a - 1, 14, 2);
    g.fillRect(x - 7, b - 1, 14, 2);
}

// Labels stand left of their axis, those of the last one right of it.
function paintLabels(g, at, axis, i, last, colours) {
    const x = at.x(i);
    const labels = axis.ticks.map((v) => [axis.unit(v), axis.label(v)]);
    const every = Math.ceil(labels.length / LABELS_MAX);
    const shown = labels.filter((_, k) => k % every === 0);
    if (axis.optional) shown.push([null, 'not set']);
    const space = Math.min(92, last ? MARGIN - 10 : i ? at.step - 16 : MARGIN - 8);
    g.textAlign = last ? 'left' : 'right';
    for (const [u, words] of shown) {
        const y = at.y(u);
        const text = clipped(g, words, space);
        const wide = g.measureText(text).width;
        g.globalAlpha = 0.82;
        g.fillStyle = colours.panel;
        g.fillRect(last ? x + 6 : x - 10 - wide, y - 7, wide + 4, 14);
        g.globalAlpha = 1;
        g.fillStyle = colours.muted;
        g.fillText(text, last ? x + 8 : x - 8, y);
    }
}

export function paintAxes(g, at, axes, brushes, colours) {
    g.font = FONT;
    g.textBaseline = 'middle';
    axes.forEach((axis, i) => {
        const x = at.x(i);
        g.strokeStyle = colours.muted;
        g.globalAlpha = 0.55;
        g.lineWidth = 1;
        g.beginPath();
        g.moveTo(x, TOP);
        g.lineTo(x, at.bottom);
        g.stroke();
        g.globalAlpha = 1;
        const brush = brushes[axis.name];
        if (brush) paintBrush(g, at, x, brushPixels(at, axis, brush), colours);
        paintLabels(g, at, axis, i, i === axes.length - 1, colours);
    });
}

// lines: {ys, colour, trial}, the worst first. shows(line): passes the filters; marked(line): 2 for the
// picked and the one under the pointer, 1 for the best, else 0.
export function paintLines(g, at, lines, { shows, marked }, colours) {
    g.lineJoin = 'round';
    g.lineWidth = 1;
    g.strokeStyle = colours.queued;
    g.globalAlpha = 0.16;
    for (const line of lines) if (!shows(line)) trace(g, at, line.ys);
    g.lineWidth = lines.length > 300 ? 1 : 1.6;
    g.globalAlpha = clamp(150 / lines.length, 0.12, 0.85);
    for (const line of lines) {
        if (!shows(line)) continue;
        g.strokeStyle = line.colour;
        trace(g, at, line.ys);
    }
    g.globalAlpha = 1;
    for (const line of lines) {
        const mark = marked(line);
        if (!mark) continue;
        g.strokeStyle = mark > 1 ? colours.text : colours.muted;
        g.lineWidth = 4.5;
        trace(g, at, line.ys);
        g.strokeStyle = line.colour;
        g.lineWidth = 2.5;
        trace(g, at, line.ys);
    }
}

function clipped(g, text, width) {
    if (g.measureText(text).width <= width) return text;
    let end = text.length;
    while (end > 1 && g.measureText(`${text.slice(0, end)}…`).width > width) end--;
    return `${text.slice(0, end)}…`;
}

function brushPixels(at, axis, brush) {
    const ends = [axis.unit(brush.low), axis.unit(brush.high)].map((u) =>
        at.y(clamp(u, -0.02, 1.02)),
    );
    const [a, b] = ends[0] < ends[1] ? ends : [ends[1], ends[0]];
    if (!brush.unset) return [a, b];
    return [brush.high < brush.low ? at.bottom + UNSET - 8 : a, at.bottom + UNSET + 8];
}

// Brush of the pixels from a to b along an axis.
export function brushOf(at, axis, a, b) {
    const [top, bottom] = a < b ? [a, b] : [b, a];
    const ends = [bottom, top].map((y) => axis.at(clamp(at.unit(y), 0, 1))).sort((p, q) => p - q);
    const unset = axis.optional && bottom > at.bottom + UNSET / 2;
    if (unset && top > at.bottom) return { low: 1, high: 0, unset };
    const nudge = axis.numeric ? Math.abs(ends[1] - ends[0]) * 1e-6 : 0;
    return { low: ends[0] - nudge, high: ends[1] + nudge, unset };
}
