import { meanCurve } from '../../data/derive.js';
import { number, score } from '../../format.js';

// The curves in figures, for those who do not see them.
export function Values({ shown, metrics, scoreOf }) {
    const known = new Set(
        shown.flatMap(({ curves }) =>
            [...curves.values()].flatMap(({ epochs }) => Object.keys(epochs.find(Boolean) ?? {})),
        ),
    );
    const columns = metrics
        .flatMap((name) => [name, `val_${name}`])
        .filter((name) => known.has(name));
    const last = (curves, name) => {
        const mean = meanCurve(curves, name).filter(Number.isFinite);
        return mean[mean.length - 1];
    };
    return (
        <details class="values">
            <summary>Values</summary>
            <div class="table-scroll" tabindex="0" role="group" aria-label="Values of the curves">
                <table>
                    <caption class="hidden">
                        Mean over the executions at the last epoch that all of them have
                    </caption>
                    <thead>
                        <tr>
                            <th scope="col">Trial</th>
                            <th scope="col" class="is-number">
                                Epochs
                            </th>
                            {columns.map((name) => (
                                <th key={name} scope="col" class="is-number">
                                    {name}
                                </th>
                            ))}
                            <th scope="col" class="is-number">
                                Score
                            </th>
                        </tr>
                    </thead>
                    <tbody>
                        {shown.map(({ number: trial, curves }) => (
                            <tr key={trial}>
                                <th scope="row">{trial}</th>
                                <td class="is-number">
                                    {[...curves.values()]
                                        .map(({ epochs }) => epochs.length)
                                        .join(', ') || '–'}
                                </td>
                                {columns.map((name) => (
                                    <td key={name} class="is-number">
                                        {number(last(curves, name))}
                                    </td>
                                ))}
                                <td class="is-number">{score(scoreOf(trial)?.score)}</td>
                            </tr>
                        ))}
                    </tbody>
                </table>
            </div>
        </details>
    );
}
