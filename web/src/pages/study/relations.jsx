// How the score depends on the hyperparameters: all together, or one by one.
import { useMemo } from 'preact/hooks';
import { Parallel } from '../../charts/parallel.jsx';
import { Slices } from '../../charts/slices.jsx';
import { arranged, arrangement, brushText } from '../../data/axes.js';
import { count } from '../../format.js';
import { setQuery } from '../../route.js';
import { Icon } from '../../ui/icon.jsx';
import { Panel, Segmented } from '../../ui/parts.jsx';
import { openTrial } from './view.js';

const VIEWS = [
    ['', 'Parallel'],
    ['slices', 'One by one'],
];

// trials: the scored ones, best first.
export function Relations({ trials, axes, query, view, objective, best }) {
    const shown = useMemo(() => arranged(axes, query.axes), [axes, query.axes]);
    const slices = query.by === 'slices';
    return (
        <Panel
            id="relations"
            title="Hyperparameters and score"
            note={`${count(trials.length)} scored trials`}
            tools={
                <>
                    {query.axes && !slices && (
                        <button class="button is-small" onClick={() => setQuery({ axes: null })}>
                            <Icon name="reset" />
                            All axes
                        </button>
                    )}
                    <Segmented
                        label="Show hyperparameters"
                        value={slices ? 'slices' : ''}
                        options={VIEWS}
                        onChange={(by) => setQuery({ by })}
                    />
                </>
            }
        >
            {slices ? (
                <Slices
                    trials={trials}
                    axes={axes}
                    view={view}
                    objective={objective}
                    onPick={openTrial}
                />
            ) : (
                <Parallel
                    trials={trials}
                    axes={shown}
                    brushes={view.brushes}
                    view={view}
                    objective={objective}
                    best={best}
                    onAxes={(next) => setQuery({ axes: arrangement(next) })}
                    onPick={openTrial}
                    onBrush={(name, brush) =>
                        setQuery({ [`b.${name}`]: brush && brushText(brush) })
                    }
                />
            )}
        </Panel>
    );
}
