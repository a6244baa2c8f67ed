// The best score so far, small, for the list of studies.
import { incumbents } from '../data/derive.js';

const WIDTH = 132;
const HEIGHT = 36;
const DOTS_MAX = 200;

export function Sparkline({ trials, direction }) {
    const best = incumbents(trials, direction);
    const scores = trials.map((trial) => trial.score).filter(Number.isFinite);
    const first = best.findIndex((v) => v !== null);
    if (first < 0)
        return <svg class="sparkline" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} aria-hidden="true" />;
    const few = trials.length <= DOTS_MAX;
    const ends = [best[first], best[best.length - 1], ...(few ? scores : [])];
    const low = Math.min(...ends);
    const high = Math.max(...ends);
    const x = (i) => 3 + (trials.length > 1 ? (i / (trials.length - 1)) * (WIDTH - 8) : 0);
    const y = (v) => HEIGHT - 4 - (high > low ? (v - low) / (high - low) : 0.5) * (HEIGHT - 8);
    let path = `M${x(first).toFixed(1)} ${y(best[first]).toFixed(1)}`;
    for (let i = first + 1; i < best.length; i++)
        if (best[i] !== best[i - 1] || i === best.length - 1)
            path += `H${x(i).toFixed(1)}V${y(best[i]).toFixed(1)}`;
    const end = [x(best.length - 1), y(best[best.length - 1])];
    return (
        <svg class="sparkline" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} aria-hidden="true">
            {few &&
                trials.map(
                    (trial, i) =>
                        Number.isFinite(trial.score) && (
                            <circle
                                key={trial.number}
                                class="sparkline-dot"
                                cx={x(i)}
                                cy={y(trial.score)}
                                r="1.4"
                            />
                        ),
                )}
            <path d={path} />
            <circle class="sparkline-end" cx={end[0]} cy={end[1]} r="2.8" />
        </svg>
    );
}
