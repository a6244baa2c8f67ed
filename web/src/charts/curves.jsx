// Learning curves of several trials: each execution a thin line, their mean a thick one; validation solid,
// training dashed; the other trials faint behind.
import { useMemo } from 'preact/hooks';
import { meanCurve } from '../data/derive.js';
import { number, plural } from '../format.js';
import { palette } from './palette.js';
import { Plot } from './plot.jsx';

// Lines of one trial: {values, trial, execution or null for the mean, training, colour}. A metric that a
// client reports under one name only is drawn as if it were of the validation.
function linesOf(curves, number, metric, parts, colour) {
    const lines = [];
    const all = [...curves.values()].flatMap(({ epochs }) => epochs.filter(Boolean));
    const twin = all.some((epoch) => `val_${metric}` in epoch);
    for (const part of twin ? parts : ['validation']) {
        const name = part === 'training' || !twin ? metric : `val_${metric}`;
        const common = { trial: number, name, training: part === 'training', colour };
        for (const [execution, { epochs }] of curves) {
            const values = Array.from(epochs, (epoch) => epoch?.[name] ?? null);
            lines.push({ ...common, execution, values });
        }
        if (curves.size > 1)
            lines.push({ ...common, execution: null, values: meanCurve(curves, name) });
    }
    return lines.filter(({ values }) => values.some(Number.isFinite));
}

// The scales: epochs of all lines, values of those in front, so that a bad trial behind does not flatten
// them.
function envelope(front, back) {
    const length = Math.max(2, ...[...front, ...back].map(({ values }) => values.length));
    const low = Array(length).fill(null);
    const high = Array(length).fill(null);
    for (const { values } of front.length ? front : back)
        values.forEach((v, i) => {
            if (!Number.isFinite(v)) return;
            if (low[i] === null || v < low[i]) low[i] = v;
            if (high[i] === null || v > high[i]) high[i] = v;
        });
    return [low.map((_, i) => i + 1), low, high];
}

function trace(g, at, values) {
    g.beginPath();
    let pen = false;
    values.forEach((v, i) => {
        if (!Number.isFinite(v) || !Number.isFinite(at.y(v))) {
            pen = false;
            return;
        }
        g[pen ? 'lineTo' : 'moveTo'](at.x(i + 1), at.y(v));
        pen = true;
    });
    g.stroke();
}

function painter(front, back) {
    return (g, at, hit) => {
        const colours = palette.value;
        const draw = (line, width, alpha, colour) => {
            g.strokeStyle = g.fillStyle = colour;
            g.lineWidth = width * at.ratio;
            g.globalAlpha = alpha;
            g.setLineDash(line.training ? [5 * at.ratio, 4 * at.ratio] : []);
            trace(g, at, line.values);
            if (line.values.length === 1 && Number.isFinite(line.values[0])) {
                g.beginPath();
                g.arc(at.x(1), at.y(line.values[0]), 2.5 * at.ratio, 0, 7);
                g.fill();
            }
        };
        g.lineJoin = g.lineCap = 'round';
        for (const line of back) draw(line, 1, 0.3, colours.queued);
        for (const line of front) {
            const bold = line.execution === null || line.single;
            const chosen = hit?.line.trial === line.trial;
            const width = line.training ? 1.5 : 2.25;
            draw(
                line,
                bold ? width * (chosen ? 1.4 : 1) : 1,
                bold ? (line.training ? 0.8 : 1) : chosen ? 0.75 : 0.35,
                colours[line.colour],
            );
        }
        g.setLineDash([]);
        if (hit) {
            g.globalAlpha = 1;
            g.fillStyle = hit.line.colour ? colours[hit.line.colour] : colours.muted;
            g.beginPath();
            g.arc(at.x(hit.epoch), at.y(hit.line.values[hit.epoch - 1]), 4 * at.ratio, 0, 7);
            g.fill();
        }
    };
}

// shown: [{number, curves, colour}] in front; others: the same without colour, behind.
export function Curves({ shown, others = [], metric, parts, log, version, onPick, height }) {
    const front = useMemo(() => {
        const lines = shown.flatMap(({ number, curves, colour }) =>
            linesOf(curves, number, metric, parts, colour),
        );
        for (const line of lines)
            line.single = !lines.some(
                (other) =>
                    other.trial === line.trial &&
                    other.execution === null &&
                    other.training === line.training,
            );
        return lines;
    }, [shown, metric, parts, version]);
    const back = useMemo(
        () =>
            others.flatMap(({ number, curves }) =>
                linesOf(curves, number, metric, parts.slice(0, 1), null).filter(
                    (line) => line.execution === null || curves.size === 1,
                ),
            ),
        [others, metric, parts, version],
    );
    const data = useMemo(() => envelope(front, back), [front, back]);
    const paint = useMemo(() => painter(front, back), [front, back]);
    const item = (line, epoch) => ({
        key: `${line.trial} ${line.execution} ${line.training} ${epoch}`,
        line,
        epoch,
    });

    const find = (left, top, at) => {
        let nearest = null;
        let distance = 20;
        for (const line of [...front, ...back])
            line.values.forEach((v, i) => {
                const dx = Math.abs(at.x(i + 1) - left);
                if (dx >= distance || !Number.isFinite(v)) return;
                const d = Math.hypot(dx * 0.6, at.y(v) - top);
                if (d < distance) [distance, nearest] = [d, item(line, i + 1)];
            });
        return nearest;
    };
    const step = (hit, by) => {
        const line =
            hit?.line ??
            front.find(({ execution, single }) => execution === null || single) ??
            back[0];
        if (!line) return null;
        const epoch = hit ? hit.epoch + by : by > 0 ? 1 : line.values.length;
        return item(line, Math.max(1, Math.min(line.values.length, epoch)));
    };
    const summary = front.length
        ? front
              .filter((line) => line.execution === null || line.single)
              .map((line) => {
                  const values = line.values.filter(Number.isFinite);
                  return `Trial ${line.trial} ${line.training ? 'training' : 'validation'}: ${plural(values.length, 'epoch')}, last ${number(values[values.length - 1])}`;
              })
              .join('. ')
        : 'No epochs yet';
    return (
        <Plot
            data={data}
            paint={paint}
            log={log}
            label={`${metric} over epochs`}
            summary={summary}
            find={find}
            step={step}
            height={height ?? 250}
            spot={({ line, epoch }) => ({ x: epoch, y: line.values[epoch - 1] })}
            onPick={({ line }) => onPick?.(line.trial)}
            tip={({ line, epoch }) => (
                <>
                    <div class="tip-head">
                        <b>Trial {line.trial}</b>
                        <span class="muted">
                            {line.execution === null ? 'mean' : `execution ${line.execution}`}
                        </span>
                    </div>
                    <dl>
                        <dt>epoch</dt>
                        <dd>{epoch}</dd>
                        <dt>{line.name}</dt>
                        <dd>{number(line.values[epoch - 1], 5)}</dd>
                    </dl>
                </>
            )}
        />
    );
}
