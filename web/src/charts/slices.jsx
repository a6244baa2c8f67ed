// Score against each hyperparameter alone, one small chart each, with the rank correlation of the two.
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import { place } from '../data/axes.js';
import { correlation } from '../data/derive.js';
import { plural } from '../format.js';
import { dark } from '../theme.js';
import { palette, viridis } from './palette.js';
import { TrialTip } from './scatter.jsx';

const HEIGHT = 132;
const PAD = 8;
const POINTS_MAX = 3000;
const NEAR = 14; // pixels within which a point is meant
const GRID_MAX = 24; // steps of a grid that is still seen as one
const CERTAIN = 10; // trials from which on a correlation is worth a number

// Where few values are possible, points get a little room sideways so that they do not hide each other.
function sideways(axis, u, number) {
    if (axis.steps > GRID_MAX) return u;
    const room = Math.min(0.12, 0.6 / (axis.steps + 1));
    return room / 2 + (1 - room) * u + (((number * 0.618034) % 1) - 0.5) * room;
}

const signed = (v) => v.toFixed(2).replace('-', '−');

// points: {x, y, colour, trial}, the best first.
function paint(g, points, view, hit) {
    const colours = palette.value;
    const dot = ({ x, y }, r) => {
        g.beginPath();
        g.arc(x, y, r, 0, 7);
        g.fill();
    };
    const r = points.length > 300 ? 2 : 3.2;
    for (const point of [...points].reverse()) {
        const shown = view.shows(point.trial);
        g.globalAlpha = shown ? 0.9 : 0.15;
        g.fillStyle = shown ? point.colour : colours.queued;
        dot(point, r);
    }
    g.globalAlpha = 1;
    for (const point of points) {
        const { number } = point.trial;
        if (number !== hit?.trial.number && !view.picked.has(number)) continue;
        g.fillStyle = colours.text;
        dot(point, r + 2.5);
        g.fillStyle = point.colour;
        dot(point, r + 0.5);
    }
}

function Slice({ axis, score, trials, view, objective, onPick }) {
    const canvas = useRef();
    const [width, setWidth] = useState(0);
    const [hit, setHit] = useState(null);
    const points = useMemo(() => {
        const inner = width - 2 * PAD;
        return trials.slice(0, POINTS_MAX).flatMap((trial, rank, all) => {
            const u = place(axis, trial);
            if (u === null) return [];
            return {
                trial,
                x: PAD + sideways(axis, u, trial.number) * inner,
                y: HEIGHT - PAD - place(score, trial) * (HEIGHT - 2 * PAD),
                colour: viridis(all.length > 1 ? 1 - rank / (all.length - 1) : 1),
            };
        });
    }, [axis, score, trials, width, dark.value]);
    const rho = useMemo(() => {
        const pairs = points.map(({ trial }) => [axis.coordinate(axis.read(trial)), trial.score]);
        return axis.numeric && pairs.length >= CERTAIN ? correlation(pairs) : null;
    }, [points]);

    useLayoutEffect(() => {
        const watch = new ResizeObserver(() => setWidth(canvas.current.clientWidth));
        watch.observe(canvas.current);
        return () => watch.disconnect();
    }, []);
    useEffect(() => {
        const ratio = devicePixelRatio || 1;
        canvas.current.width = Math.round(width * ratio);
        canvas.current.height = Math.round(HEIGHT * ratio);
        const g = canvas.current.getContext('2d');
        g.setTransform(ratio, 0, 0, ratio, 0, 0);
        paint(g, points, view, hit);
    });

    const onPointerMove = (event) => {
        const box = canvas.current.getBoundingClientRect();
        const [x, y] = [event.clientX - box.left, event.clientY - box.top];
        let nearest = null;
        let distance = NEAR;
        for (const point of points) {
            const d = Math.hypot(point.x - x, point.y - y);
            if (d < distance && view.shows(point.trial)) [distance, nearest] = [d, point];
        }
        if (nearest?.trial.number !== hit?.trial.number) setHit(nearest);
    };
    const ends = [axis.ticks[0], axis.ticks[axis.ticks.length - 1]];
    const label = `${objective.name} by ${axis.name}: ${plural(points.length, 'trial')}${rho === null ? '' : `, rank correlation ${signed(rho)}`}`;
    return (
        <figure class="slice">
            <h3 title={axis.name}>{axis.name}</h3>
            {rho !== null && (
                <span class="muted" title="Spearman's rank correlation with the score">
                    ρ {signed(rho)}
                </span>
            )}
            <div class="slice-plot">
                <canvas
                    ref={canvas}
                    role="img"
                    aria-label={label}
                    style={{ height: `${HEIGHT}px`, cursor: hit ? 'pointer' : 'default' }}
                    onPointerMove={onPointerMove}
                    onPointerLeave={() => setHit(null)}
                    onClick={() => hit && onPick(hit.trial.number)}
                />
                {hit && (
                    <div
                        class="tip"
                        style={{
                            transform: `translate(${hit.x > width / 2 ? `calc(${hit.x - 12}px - 100%)` : `${hit.x + 12}px`}, ${Math.max(0, hit.y - 60)}px)`,
                        }}
                    >
                        <TrialTip trial={hit.trial} objective={objective} />
                    </div>
                )}
            </div>
            <div class="slice-ends muted">
                {axis.values && axis.values.length <= 6 ? (
                    axis.values.map((_, i) => <span key={i}>{axis.label(i)}</span>)
                ) : (
                    <>
                        <span>{axis.label(ends[0])}</span>
                        {axis.log && <span>log</span>}
                        <span>{axis.label(ends[1])}</span>
                    </>
                )}
            </div>
        </figure>
    );
}

// trials: the scored ones, best first; axes end with the score's.
export function Slices({ trials, axes, view, objective, onPick }) {
    const score = axes.find((axis) => axis.score);
    return (
        <div class="slices">
            {axes
                .filter((axis) => !axis.score && axis.ticks.length > 1)
                .map((axis) => (
                    <Slice
                        key={axis.name}
                        axis={axis}
                        score={score}
                        trials={trials}
                        view={view}
                        objective={objective}
                        onPick={onPick}
                    />
                ))}
        </div>
    );
}
