// Parallel coordinates: a line a trial over one axis a hyperparameter, the score last, brighter is better.
// Dragging along an axis brushes it; the brush filters the whole page. A hyperparameter that a trial does
// not have is drawn at the mark "not set" below its axis.
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import { place } from '../data/axes.js';
import { plural } from '../format.js';
import { dark } from '../theme.js';
import { AxisNames } from './axis_names.jsx';
import { palette, viridis } from './palette.js';
import { brushOf, HEIGHT, layout, paintAxes, paintLines } from './parallel_paint.js';
import { TrialTip } from './scatter.jsx';

const LINES_MAX = 3000;

function moved(axes, from, to) {
    const next = [...axes];
    next.splice(to, 0, ...next.splice(from, 1));
    return next;
}

function acted(axes, i, what) {
    if (what === 'hide') return axes.filter((_, k) => k !== i);
    if (what === 'flip')
        return axes.map((axis, k) => (k === i ? { ...axis, flipped: !axis.flipped } : axis));
    return moved(axes, i, i + (what === 'left' ? -1 : 1));
}

// onAxes gets the axes as they shall be: in order, some with `flipped`, hidden ones left out.
export function Parallel({
    trials,
    axes,
    brushes,
    view,
    objective,
    best,
    onBrush,
    onAxes,
    onPick,
}) {
    const scroller = useRef();
    const canvas = useRef();
    const [width, setWidth] = useState(0);
    const [hover, setHover] = useState(null);
    const [drag, setDrag] = useState(null); // {axis, from, to}
    const at = useMemo(() => layout(width, axes), [width, axes]);
    const shown = {
        ...brushes,
        ...(drag && { [axes[drag.axis].name]: brushOf(at, axes[drag.axis], drag.from, drag.to) }),
    };

    const lines = useMemo(() => {
        const shown = trials.slice(0, LINES_MAX);
        return shown
            .map((trial, rank) => ({
                trial,
                ys: axes.map((axis) => at.y(place(axis, trial))),
                colour: viridis(shown.length > 1 ? 1 - rank / (shown.length - 1) : 1),
            }))
            .reverse();
    }, [trials, axes, at, dark.value]);

    useLayoutEffect(() => {
        const watch = new ResizeObserver(() => setWidth(scroller.current.clientWidth));
        watch.observe(scroller.current);
        return () => watch.disconnect();
    }, []);

    useEffect(() => {
        if (!width) return;
        const ratio = devicePixelRatio || 1;
        const element = canvas.current;
        if (
            element.width !== Math.round(at.width * ratio) ||
            element.height !== Math.round(HEIGHT * ratio)
        ) {
            element.width = Math.round(at.width * ratio);
            element.height = Math.round(HEIGHT * ratio);
        }
        const g = element.getContext('2d');
        g.setTransform(ratio, 0, 0, ratio, 0, 0);
        g.clearRect(0, 0, at.width, HEIGHT);
        const marked = ({ trial: { number } }) => {
            if (number === hover?.number || view.picked.has(number)) return 2;
            return number === best ? 1 : 0;
        };
        paintLines(
            g,
            at,
            lines,
            { shows: (line) => view.shows(line.trial), marked },
            palette.value,
        );
        paintAxes(g, at, axes, shown, palette.value);
    });

    const point = (event) => {
        const box = canvas.current.getBoundingClientRect();
        return [event.clientX - box.left, event.clientY - box.top];
    };
    const lineAt = (x, y) => {
        let nearest = null;
        let distance = 7;
        const [i, share] = at.gap(x);
        for (const line of lines) {
            const d = Math.abs(line.ys[i] + share * (line.ys[i + 1] - line.ys[i]) - y);
            if (d <= distance && view.shows(line.trial)) [distance, nearest] = [d, line.trial];
        }
        return nearest;
    };
    const onPointerMove = (event) => {
        const [x, y] = point(event);
        if (drag) {
            setDrag({ ...drag, to: y });
            return;
        }
        const onAxis = at.near(x) >= 0;
        const trial = !onAxis && at.step ? lineAt(x, y) : null;
        canvas.current.style.cursor = onAxis ? 'row-resize' : trial ? 'pointer' : 'default';
        if (trial?.number !== hover?.number || trial)
            setHover(trial && { number: trial.number, trial, x, y });
    };
    const onPointerDown = (event) => {
        const [x, y] = point(event);
        const axis = at.near(x);
        if (axis < 0 || event.button) return;
        canvas.current.setPointerCapture(event.pointerId);
        setHover(null);
        setDrag({ axis, from: y, to: y });
    };
    const onPointerUp = () => {
        if (!drag) return;
        const axis = axes[drag.axis];
        onBrush(
            axis.name,
            Math.abs(drag.to - drag.from) < 4 ? null : brushOf(at, axis, drag.from, drag.to),
        );
        setDrag(null);
    };
    const label = `Parallel coordinates of ${plural(trials.length, 'scored trial')} over ${axes.map(({ name }) => name).join(', ')}. The table of trials below has every value.`;
    return (
        <figure class="chart parallel">
            <div
                class="parallel-scroll"
                ref={scroller}
                tabindex="0"
                role="group"
                aria-label={label}
            >
                <AxisNames
                    axes={axes}
                    at={at}
                    onFilter={onBrush}
                    onMove={(from, to) => onAxes(moved(axes, from, to))}
                    onAct={(i, what) => onAxes(acted(axes, i, what))}
                />
                <canvas
                    ref={canvas}
                    style={{ width: `${at.width}px`, height: `${HEIGHT}px` }}
                    aria-hidden="true"
                    onPointerMove={onPointerMove}
                    onPointerDown={onPointerDown}
                    onPointerUp={onPointerUp}
                    onPointerLeave={() => setHover(null)}
                    onClick={() => hover && onPick(hover.number)}
                />
                {hover && (
                    <div
                        class="tip"
                        style={{
                            transform: `translate(${Math.max(0, Math.min(at.width - 240, hover.x + 14))}px, ${Math.max(0, hover.y - 40)}px)`,
                        }}
                    >
                        <TrialTip trial={hover.trial} objective={objective} />
                    </div>
                )}
            </div>
            <figcaption class="legend">
                <span>
                    worse
                    <i
                        class="viridis"
                        style={{
                            background: `linear-gradient(90deg, ${[0, 0.25, 0.5, 0.75, 1].map(viridis).join(', ')})`,
                        }}
                    />
                    better
                </span>
                <span class="muted">
                    Drag along an axis to filter the page, click it to let go; drag a name to move
                    its axis.
                </span>
                {trials.length > LINES_MAX && (
                    <span class="muted">The best {LINES_MAX} are drawn.</span>
                )}
            </figcaption>
        </figure>
    );
}
