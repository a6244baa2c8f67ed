// The best hyperparameters, each with its place in the range that was searched.
import { place } from '../../data/axes.js';
import { score, value } from '../../format.js';
import { copy } from '../../ui/dialog.jsx';
import { Icon } from '../../ui/icon.jsx';
import { Panel } from '../../ui/parts.jsx';

export function Hyperparameters({ trial, axes }) {
    const shown = axes.filter((axis) => !axis.score);
    const unset = shown.filter((axis) => axis.read(trial) === undefined);
    return (
        <>
            <dl class="hyperparameters">
                {shown
                    .filter((axis) => axis.read(trial) !== undefined)
                    .map((axis) => {
                        const at = place(axis, trial);
                        return (
                            <div key={axis.name}>
                                <dt>{axis.name}</dt>
                                <dd>{value(axis.read(trial))}</dd>
                                <div
                                    class="range"
                                    aria-hidden="true"
                                    title={axis.log ? 'logarithmic' : undefined}
                                >
                                    <i style={{ left: `${100 * at}%` }} />
                                    <span>{axis.label(axis.ticks[0])}</span>
                                    <span>
                                        {axis.ticks.length > 1 &&
                                            axis.label(axis.ticks[axis.ticks.length - 1])}
                                    </span>
                                </div>
                            </div>
                        );
                    })}
            </dl>
            {unset.length > 0 && (
                <p class="muted unset">
                    Not set in this trial: {unset.map(({ name }) => name).join(', ')}
                </p>
            )}
        </>
    );
}

export function BestPanel({ trial, axes, objective, onOpen }) {
    const json = trial && JSON.stringify(trial.hyperparameters, null, 2);
    return (
        <Panel
            id="best"
            title="Best hyperparameters"
            class="best"
            tools={
                trial && (
                    <button class="button is-small" onClick={() => copy(json, 'Hyperparameters')}>
                        <Icon name="copy" />
                        Copy JSON
                    </button>
                )
            }
        >
            {trial ? (
                <>
                    <div class="best-score">
                        <span>{score(trial.score)}</span>
                        <div>
                            {objective.name}
                            <br />
                            <button class="link" onClick={() => onOpen(trial.number)}>
                                trial {trial.number}
                            </button>
                            {trial.best_epoch ? ` at epoch ${trial.best_epoch}` : ''}
                        </div>
                    </div>
                    <Hyperparameters trial={trial} axes={axes} />
                </>
            ) : (
                <p class="muted">The first finished trial appears here.</p>
            )}
        </Panel>
    );
}
