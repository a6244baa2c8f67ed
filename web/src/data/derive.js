// What pages show of a study, computed from its summary and trials.

// {name: for people, direction: 'min' | 'max', metric: its name in the curves, or ''}
export function objectiveOf(summary) {
    const { objective, direction = 'max' } = summary;
    const nameOf = (one) => (typeof one === 'string' ? one : (one?.name ?? one?.expression));
    if (Array.isArray(objective))
        return { name: objective.map(nameOf).join(' + '), direction, metric: '' };
    return {
        name: nameOf(objective) ?? 'score',
        direction,
        metric: typeof objective === 'string' ? objective : (objective?.name ?? ''),
    };
}

// Executions that a trial's score is the mean of.
const weight = (trial) => trial.scored_executions ?? 1;

// Scored trials, best first: those scored over more executions, then by score, then by number.
export function ranked(trials, direction) {
    const sign = direction === 'max' ? -1 : 1;
    return trials
        .filter((trial) => Number.isFinite(trial.score) && trial.state !== 'running')
        .sort(
            (a, b) =>
                weight(b) - weight(a) || sign * (a.score - b.score) || a.number - b.number,
        );
}

// The score of the best trial so far after each ended trial, in the order of the numbers.
export function incumbents(trials, direction) {
    let best = null;
    return trials.map((trial) => {
        if (Number.isFinite(trial.score) && trial.state !== 'running')
            best = ranked(best ? [best, trial] : [trial], direction)[0];
        return best && best.score;
    });
}

// Mean over the executions of a trial, as far as every execution has come.
export function meanCurve(curves, metric) {
    const lines = [...curves.values()]
        .map(({ epochs }) => epochs)
        .filter((epochs) => epochs.length);
    const length = Math.min(...lines.map((epochs) => epochs.length));
    const mean = [];
    for (let i = 0; lines.length && i < length; i++) {
        const values = lines.map((epochs) => epochs[i]?.[metric]);
        mean.push(
            values.every(Number.isFinite) ? values.reduce((a, b) => a + b) / values.length : null,
        );
    }
    return mean;
}

// Metric names in the curves, without the bookkeeping and the val_ twins.
export function metricNames(study) {
    const names = new Set();
    for (const curves of study.curves.values())
        for (const { epochs } of curves.values())
            for (const name of Object.keys(epochs.find(Boolean) ?? {})) names.add(name);
    for (const name of ['epoch', 'seconds', 'val_seconds', 'learning_rate']) names.delete(name);
    return [...names].filter((name) => !name.startsWith('val_') || !names.has(name.slice(4)));
}

export function quantile(sorted, q) {
    const at = q * (sorted.length - 1);
    const low = Math.floor(at);
    return sorted[low] + (at - low) * ((sorted[low + 1] ?? sorted[low]) - sorted[low]);
}

// Ranks from 1, equal values share their mean rank.
function ranks(values) {
    const order = values.map((v, i) => [v, i]).sort((a, b) => a[0] - b[0]);
    const out = [];
    for (let from = 0; from < order.length;) {
        let to = from;
        while (to + 1 < order.length && order[to + 1][0] === order[from][0]) to++;
        for (let k = from; k <= to; k++) out[order[k][1]] = (from + to) / 2 + 1;
        from = to + 1;
    }
    return out;
}

// Spearman's rank correlation of [x, y] pairs; null when one side does not vary.
export function correlation(pairs) {
    const [x, y] = [0, 1].map((side) => ranks(pairs.map((pair) => pair[side])));
    const mean = (pairs.length + 1) / 2;
    let [xy, xx, yy] = [0, 0, 0];
    for (let i = 0; i < pairs.length; i++) {
        xy += (x[i] - mean) * (y[i] - mean);
        xx += (x[i] - mean) ** 2;
        yy += (y[i] - mean) ** 2;
    }
    return xx && yy ? xy / Math.sqrt(xx * yy) : null;
}
