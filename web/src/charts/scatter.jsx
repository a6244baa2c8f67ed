// Score over trials, one mark a trial in the shape of its state, and the best score so far as a line.
import { useMemo, useState } from 'preact/hooks';
import { incumbents, quantile } from '../data/derive.js';
import { number, plural, score, value } from '../format.js';
import { paintMark, StateBadge, TRIAL_STATES, Mark } from '../ui/state.jsx';
import { palette } from './palette.js';
import { Plot } from './plot.jsx';

const FAR = 3; // scores further than this many inner-quantile ranges away are left out at first
const SHOWN_HYPERPARAMETERS = 8;

// The range that most scores lie in, or null when all are near enough.
function innerRange(scores) {
    if (scores.length < 8) return null;
    const sorted = [...scores].sort((a, b) => a - b);
    const [low, high] = [quantile(sorted, 0.1), quantile(sorted, 0.9)];
    if (low === high) return null;
    const from = Math.max(sorted[0], low - FAR * (high - low));
    const to = Math.min(sorted[sorted.length - 1], high + FAR * (high - low));
    return from > sorted[0] || to < sorted[sorted.length - 1] ? [from, to] : null;
}

function painter(trials, best, view) {
    return (g, at, hit) => {
        const colours = palette.value;
        const r = (trials.length > 2000 ? 2 : trials.length > 300 ? 3 : 4.5) * at.ratio;
        g.lineWidth = 1.75 * at.ratio;
        g.strokeStyle = colours.accent;
        g.globalAlpha = 0.9;
        g.beginPath();
        let y = null;
        trials.forEach((trial, i) => {
            if (best[i] === null) return;
            const x = at.x(trial.number);
            if (y === null) g.moveTo(x, at.y(best[i]));
            else g.lineTo(x, y);
            g.lineTo(x, (y = at.y(best[i])));
        });
        if (y !== null) g.lineTo(at.right, y);
        g.stroke();
        const paint = (trial, faint) => {
            if (trial.number < at.low - 1 || trial.number > at.high + 1) return;
            const open = !Number.isFinite(trial.score);
            g.globalAlpha = faint ? 0.15 : open ? 0.7 : 1;
            g.fillStyle = g.strokeStyle = colours[trial.state];
            paintMark(
                g,
                trial.state,
                at.x(trial.number),
                open ? at.bottom - r : at.y(trial.score),
                r,
            );
        };
        for (const trial of trials) if (!view.shows(trial)) paint(trial, true);
        for (const trial of trials) if (view.shows(trial)) paint(trial, false);
        g.globalAlpha = 1;
        for (const trial of trials) {
            if (!view.picked.has(trial.number) && trial.number !== hit?.key) continue;
            g.strokeStyle = colours.text;
            g.lineWidth = 1.75 * at.ratio;
            g.beginPath();
            g.arc(
                at.x(trial.number),
                Number.isFinite(trial.score) ? at.y(trial.score) : at.bottom - r,
                r + 3.5 * at.ratio,
                0,
                7,
            );
            g.stroke();
        }
    };
}

export function Scatter({ trials, view, objective, onPick }) {
    const [all, setAll] = useState(false); // far scores too
    const best = useMemo(
        () => incumbents(trials, objective.direction),
        [trials, objective.direction],
    );
    const range = useMemo(
        () => (all ? null : innerRange(trials.map((t) => t.score).filter(Number.isFinite))),
        [trials, all],
    );
    const data = useMemo(() => {
        const scores = trials.map((trial) => (Number.isFinite(trial.score) ? trial.score : null));
        return [trials.map((trial) => trial.number), scores, best];
    }, [trials, best]);
    const paint = useMemo(() => painter(trials, best, view), [trials, best, view]);
    const item = (trial) => trial && { key: trial.number, trial };
    const spot = ({ trial }) => ({
        x: trial.number,
        y: Number.isFinite(trial.score) ? trial.score : null,
    });

    const find = (left, top, at) => {
        let nearest = null;
        let distance = 24;
        for (const trial of trials) {
            const dx = Math.abs(at.x(trial.number) - left);
            if (dx >= distance) continue;
            const dy = Number.isFinite(trial.score) ? at.y(trial.score) - top : 0;
            const d = Math.hypot(dx, dy * 0.5);
            if (d < distance) [distance, nearest] = [d, trial];
        }
        return item(nearest);
    };
    const step = (hit, by) => {
        const i = hit
            ? trials.findIndex((trial) => trial.number === hit.key) + by
            : by > 0
              ? 0
              : trials.length - 1;
        return item(trials[Math.max(0, Math.min(trials.length - 1, i))]);
    };
    const outside = range
        ? trials.filter(
              (t) => Number.isFinite(t.score) && (t.score < range[0] || t.score > range[1]),
          ).length
        : 0;
    const last = best[best.length - 1] ?? null;
    const summary = `${plural(trials.length, 'trial')}${last === null ? ', no score yet' : `, best ${objective.name} ${score(last)}`}. The table of trials below has every value.`;
    return (
        <Plot
            data={data}
            paint={paint}
            label={`${objective.name} over trials`}
            summary={summary}
            find={find}
            step={step}
            spot={spot}
            yRange={range}
            onPick={({ trial }) => onPick(trial.number)}
            tip={({ trial }) => <TrialTip trial={trial} objective={objective} />}
        >
            <figcaption class="legend">
                {TRIAL_STATES.filter((state) => trials.some((trial) => trial.state === state)).map(
                    (state) => (
                        <span key={state}>
                            <Mark state={state} />
                            {state}
                        </span>
                    ),
                )}
                {last !== null && (
                    <span>
                        <i class="line-key" />
                        best so far
                    </span>
                )}
                {outside > 0 && (
                    <span>
                        {plural(outside, 'far score')} outside the axis
                        <button class="link" onClick={() => setAll(true)}>
                            Show
                        </button>
                    </span>
                )}
                {all && (
                    <button class="link" onClick={() => setAll(false)}>
                        Near scores only
                    </button>
                )}
            </figcaption>
        </Plot>
    );
}

export function TrialTip({ trial, objective }) {
    const entries = Object.entries(trial.hyperparameters ?? {});
    return (
        <>
            <div class="tip-head">
                <b>Trial {trial.number}</b>
                <StateBadge state={trial.state} />
            </div>
            <dl>
                <dt>{objective.name}</dt>
                <dd>{score(trial.score)}</dd>
                {entries
                    .slice(0, SHOWN_HYPERPARAMETERS)
                    .map(([name, v]) => [
                        <dt key={name}>{name}</dt>,
                        <dd key={`${name} value`}>{value(v)}</dd>,
                    ])}
            </dl>
            {entries.length > SHOWN_HYPERPARAMETERS && (
                <div class="muted">and {number(entries.length - SHOWN_HYPERPARAMETERS)} more</div>
            )}
        </>
    );
}
