// Parallel coordinates: a line a trial over one axis a hyperparameter, the score last, brighter is better.
// Dragging along an axis brushes it; the brush filters the whole page. A hyperparameter that a trial does
// not have is drawn at the mark "not set" below its axis.
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import { place } from '../data/axes.js';
import { plural } from '../format.js';
import { dark } from '../theme.js';
import { AxisNames } from './axis_names.jsx';
import { FONT, palette, viridis } from './palette.js';
import { TrialTip } from './scatter.jsx';

const HEIGHT = 300;
const TOP = 14;
const BOTTOM = 18;
const UNSET = 22; // pixels below the axis
const MARGIN = 56;
const AXIS_MIN = 104; // pixels between axes before the chart scrolls sideways
const LINES_MAX = 3000;
const GRAB = 18;

function layout(width, axes) {
    const optional = axes.some((axis) => axis.optional);
    const bottom = HEIGHT - BOTTOM - (optional ? UNSET : 0);
    const wide = Math.max(width, MARGIN * 2 + AXIS_MIN * (axes.length - 1));
    const step = axes.length > 1 ? (wide - 2 * MARGIN) / (axes.length - 1) : 0;
    return {
        width: wide, bottom, step,
        x: (i) => (axes.length > 1 ? MARGIN + i * step : wide / 2),
        y: (u) => (u === null ? bottom + UNSET : bottom - u * (bottom - TOP)),
        unit: (y) => (bottom - y) / (bottom - TOP),
    };
}

function trace(g, at, ys) {
    g.beginPath();
    ys.forEach((y, i) => g[i ? 'lineTo' : 'moveTo'](at.x(i), y));
    g.stroke();
}

function paintAxes(g, at, axes, brushes, colours) {
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
        if (brush) {
            const [a, b] = brushPixels(at, axis, brush);
            g.fillStyle = colours.accent;
            g.globalAlpha = 0.22;
            g.fillRect(x - 7, a, 14, b - a);
            g.globalAlpha = 1;
            g.fillRect(x - 7, a - 1, 14, 2);
            g.fillRect(x - 7, b - 1, 14, 2);
        }
        const last = i === axes.length - 1;
        const labels = axis.optional ? [...axis.ticks.map((v) => [v, axis.label(v)]), [null, 'not set']] : axis.ticks.map((v) => [v, axis.label(v)]);
        g.textAlign = last ? 'left' : 'right';
        const space = last ? MARGIN - 10 : i ? at.step - 16 : MARGIN - 8;
        const few = labels.length > 9 ? Math.ceil(labels.length / 9) : 1;
        labels.forEach(([v, text], k) => {
            if (k % few && v !== null)
                return;
            const y = at.y(v === null ? null : axis.unit(v));
            const shown = clipped(g, text, Math.min(space, 92));
            const wide = g.measureText(shown).width;
            g.globalAlpha = 0.82;
            g.fillStyle = colours.panel;
            g.fillRect(last ? x + 6 : x - 10 - wide, y - 7, wide + 4, 14);
            g.globalAlpha = 1;
            g.fillStyle = colours.muted;
            g.fillText(shown, last ? x + 8 : x - 8, y);
        });
    });
}

function clipped(g, text, width) {
    if (g.measureText(text).width <= width)
        return text;
    let end = text.length;
    while (end > 1 && g.measureText(`${text.slice(0, end)}…`).width > width)
        end--;
    return `${text.slice(0, end)}…`;
}

function brushPixels(at, axis, brush) {
    const ends = [axis.unit(brush.low), axis.unit(brush.high)].map((u) => at.y(Math.min(1.02, Math.max(-0.02, u))));
    const [a, b] = ends[0] < ends[1] ? ends : [ends[1], ends[0]];
    if (!brush.unset)
        return [a, b];
    return [brush.high < brush.low ? at.bottom + UNSET - 8 : a, at.bottom + UNSET + 8];
}

// Brush of the pixels from a to b along an axis.
function brushOf(at, axis, a, b) {
    const [top, bottom] = a < b ? [a, b] : [b, a];
    const clamp = (u) => Math.min(1.0, Math.max(0, u));
    const ends = [axis.at(clamp(at.unit(bottom))), axis.at(clamp(at.unit(top)))].sort((p, q) => p - q);
    const unset = axis.optional && bottom > at.bottom + UNSET / 2;
    if (unset && top > at.bottom)
        return { low: 1, high: 0, unset };
    const nudge = axis.numeric ? Math.abs(ends[1] - ends[0]) * 1e-6 : 0;
    return { low: ends[0] - nudge, high: ends[1] + nudge, unset };
}

function moved(axes, from, to) {
    const next = [...axes];
    next.splice(to, 0, ...next.splice(from, 1));
    return next;
}

function acted(axes, i, what) {
    if (what === 'hide')
        return axes.filter((_, k) => k !== i);
    if (what === 'flip')
        return axes.map((axis, k) => (k === i ? { ...axis, flipped: !axis.flipped } : axis));
    return moved(axes, i, i + (what === 'left' ? -1 : 1));
}

// onAxes gets the axes as they shall be: in order, some with `flipped`, hidden ones left out.
export function Parallel({ trials, axes, brushes, view, objective, best, onBrush, onAxes, onPick }) {
    const scroller = useRef();
    const canvas = useRef();
    const [width, setWidth] = useState(0);
    const [hover, setHover] = useState(null);
    const [drag, setDrag] = useState(null); // {axis, from, to}
    const at = useMemo(() => layout(width, axes), [width, axes]);
    const shown = { ...brushes, ...(drag && { [axes[drag.axis].name]: brushOf(at, axes[drag.axis], drag.from, drag.to) }) };

    const lines = useMemo(() => {
        const shown = trials.slice(0, LINES_MAX);
        return shown.map((trial, rank) => ({
            trial,
            ys: axes.map((axis) => at.y(place(axis, trial))),
            colour: viridis(shown.length > 1 ? 1 - rank / (shown.length - 1) : 1),
        })).reverse();
    }, [trials, axes, at, dark.value]);

    useLayoutEffect(() => {
        const watch = new ResizeObserver(() => setWidth(scroller.current.clientWidth));
        watch.observe(scroller.current);
        return () => watch.disconnect();
    }, []);

    useEffect(() => {
        if (!width)
            return;
        const ratio = devicePixelRatio || 1;
        const element = canvas.current;
        if (element.width !== Math.round(at.width * ratio) || element.height !== Math.round(HEIGHT * ratio)) {
            element.width = Math.round(at.width * ratio);
            element.height = Math.round(HEIGHT * ratio);
        }
        const g = element.getContext('2d');
        const colours = palette.value;
        g.setTransform(ratio, 0, 0, ratio, 0, 0);
        g.clearRect(0, 0, at.width, HEIGHT);
        g.lineJoin = 'round';
        const dim = (line) => !view.shows(line.trial);
        g.lineWidth = 1;
        g.strokeStyle = colours.queued;
        g.globalAlpha = 0.16;
        lines.filter(dim).forEach((line) => trace(g, at, line.ys));
        g.lineWidth = lines.length > 300 ? 1 : 1.6;
        g.globalAlpha = Math.max(0.12, Math.min(0.85, 150 / lines.length));
        for (const line of lines) {
            if (dim(line))
                continue;
            g.strokeStyle = line.colour;
            trace(g, at, line.ys);
        }
        g.globalAlpha = 1;
        for (const line of lines) {
            const { number } = line.trial;
            if (number !== hover?.number && number !== best && !view.picked.has(number))
                continue;
            g.strokeStyle = number === hover?.number || view.picked.has(number) ? colours.text : colours.muted;
            g.lineWidth = 4.5;
            trace(g, at, line.ys);
            g.strokeStyle = line.colour;
            g.lineWidth = 2.5;
            trace(g, at, line.ys);
        }
        paintAxes(g, at, axes, shown, colours);
    });

    const point = (event) => {
        const box = canvas.current.getBoundingClientRect();
        return [event.clientX - box.left, event.clientY - box.top];
    };
    const axisAt = (x) => {
        const i = Math.max(0, Math.min(axes.length - 1, Math.round(at.step ? (x - MARGIN) / at.step : 0)));
        return Math.abs(x - at.x(i)) <= GRAB ? i : -1;
    };
    const lineAt = (x, y) => {
        let nearest = null;
        let distance = 7;
        const i = Math.max(0, Math.min(axes.length - 2, Math.floor((x - MARGIN) / at.step)));
        const share = (x - at.x(i)) / at.step;
        for (const line of lines) {
            const d = Math.abs(line.ys[i] + share * (line.ys[i + 1] - line.ys[i]) - y);
            if (d <= distance && view.shows(line.trial))
                [distance, nearest] = [d, line.trial];
        }
        return nearest;
    };
    const onPointerMove = (event) => {
        const [x, y] = point(event);
        if (drag) {
            setDrag({ ...drag, to: y });
            return;
        }
        const trial = axisAt(x) < 0 && at.step ? lineAt(x, y) : null;
        canvas.current.style.cursor = axisAt(x) >= 0 ? 'row-resize' : trial ? 'pointer' : 'default';
        if (trial?.number !== hover?.number || trial)
            setHover(trial && { number: trial.number, trial, x, y });
    };
    const onPointerDown = (event) => {
        const [x, y] = point(event);
        const axis = axisAt(x);
        if (axis < 0 || event.button)
            return;
        canvas.current.setPointerCapture(event.pointerId);
        setHover(null);
        setDrag({ axis, from: y, to: y });
    };
    const onPointerUp = () => {
        if (!drag)
            return;
        const axis = axes[drag.axis];
        onBrush(axis.name, Math.abs(drag.to - drag.from) < 4 ? null : brushOf(at, axis, drag.from, drag.to));
        setDrag(null);
    };
    const label = `Parallel coordinates of ${plural(trials.length, 'scored trial')} over ${axes.map(({ name }) => name).join(', ')}. The table of trials below has every value.`;
    return (
        <figure class="chart parallel">
            <div class="parallel-scroll" ref={scroller} tabindex="0" role="group" aria-label={label}>
                <AxisNames axes={axes} at={at} onFilter={onBrush} onMove={(from, to) => onAxes(moved(axes, from, to))}
                    onAct={(i, what) => onAxes(acted(axes, i, what))} />
                <canvas ref={canvas} style={{ width: `${at.width}px`, height: `${HEIGHT}px` }} aria-hidden="true"
                    onPointerMove={onPointerMove} onPointerDown={onPointerDown} onPointerUp={onPointerUp}
                    onPointerLeave={() => setHover(null)} onClick={() => hover && onPick(hover.number)} />
                {hover && (
                    <div class="tip" style={{ transform: `translate(${Math.max(0, Math.min(at.width - 240, hover.x + 14))}px, ${Math.max(0, hover.y - 40)}px)` }}>
                        <TrialTip trial={hover.trial} objective={objective} />
                    </div>
                )}
            </div>
            <figcaption class="legend">
                <span>worse<i class="viridis" style={{ background: `linear-gradient(90deg, ${[0, 0.25, 0.5, 0.75, 1].map(viridis).join(', ')})` }} />better</span>
                <span class="muted">Drag along an axis to filter the page, click it to let go; drag a name to move its axis.</span>
                {trials.length > LINES_MAX && <span class="muted">The best {LINES_MAX} are drawn.</span>}
            </figcaption>
        </figure>
    );
}
