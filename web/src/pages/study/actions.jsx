// What can be done to a study in its state.
import { useState } from 'preact/hooks';
import { call } from '../../data/api.js';
import { go } from '../../route.js';
import { attempt, confirm, Modal } from '../../ui/dialog.jsx';
import { Icon } from '../../ui/icon.jsx';
import { save } from '../../ui/save.js';

const FIXED =
    // states in which no number of trials matters any more
    ['stopping', 'cancelled', 'failed'];
const ENDED = ['completed', 'stopped', 'cancelled', 'failed'];

const ACTIONS = [
    {
        verb: 'pause',
        label: 'Pause',
        icon: 'pause',
        from: ['running'],
        done: 'Paused: what runs finishes its executions, nothing new starts',
    },
    {
        verb: 'resume',
        label: 'Resume',
        icon: 'play',
        from: ['paused', 'stopped'],
        done: 'Going on',
    },
    {
        verb: 'stop',
        label: 'Stop',
        icon: 'stop',
        from: ['running', 'paused'],
        done: 'Stopping',
        ask: {
            title: 'Stop this study?',
            text: 'Running trials finish and count; no further trial starts. It can be resumed later.',
            yes: 'Stop study',
        },
    },
    {
        verb: 'cancel',
        label: 'Cancel',
        icon: 'cancel',
        from: ['running', 'paused', 'stopping'],
        done: 'Cancelled',
        danger: true,
        ask: {
            title: 'Cancel this study?',
            text: 'Running trials end at once and their work is lost. Finished trials stay.',
            yes: 'Cancel study',
            danger: true,
        },
    },
];

export function Actions({ study, summary }) {
    const { state } = summary;
    const [asking, setAsking] = useState(false);
    const run = async ({ verb, ask, done }) => {
        if (ask && !(await confirm(ask))) return;
        await attempt(
            async () => study.setSummary(await call('POST', `${study.path}/${verb}`)),
            done,
        );
    };
    const remove = async () => {
        const yes = await confirm({
            title: `Delete ${study.name}?`,
            text: 'The study, all its trials, curves and reports are deleted for good.',
            yes: 'Delete study',
            danger: true,
        });
        if (!yes || !(await attempt(() => call('DELETE', study.path), `${study.name} deleted`)))
            return;
        study.setDeleted();
        go(['studies']);
    };
    return (
        <div class="actions">
            {ACTIONS.filter(({ from }) => from.includes(state)).map((action) => (
                <button
                    key={action.verb}
                    class={`button ${action.danger ? 'is-danger-quiet' : ''}`}
                    onClick={() => run(action)}
                >
                    <Icon name={action.icon} />
                    {action.label}
                </button>
            ))}
            {summary.max_trials > 0 && !FIXED.includes(state) && (
                <button class="button" onClick={() => setAsking(true)}>
                    <Icon name="plus" />
                    More trials
                </button>
            )}
            <button
                class="button"
                onClick={() => save(`${study.path}/export?format=csv`, `${study.name}.csv`)}
            >
                <Icon name="download" />
                CSV
            </button>
            {ENDED.includes(state) && (
                <button class="button is-danger-quiet" onClick={remove}>
                    <Icon name="trash" />
                    Delete
                </button>
            )}
            {asking && <MoreTrials study={study} onClose={() => setAsking(false)} />}
        </div>
    );
}

function MoreTrials({ study, onClose }) {
    const { max_trials: max } = study.summary;
    const [text, setText] = useState(String(max + 10));
    const submit = async (event) => {
        event.preventDefault();
        const change = JSON.stringify({ max_trials: Number(text) });
        const ok = await attempt(
            async () => study.setSummary(await call('PATCH', study.path, change)),
            `Up to ${text} trials`,
        );
        if (ok) onClose();
    };
    return (
        <Modal title="More trials" onClose={onClose}>
            <form onSubmit={submit}>
                <label class="field">
                    <span>Trials in all (now {max})</span>
                    <input
                        type="number"
                        min="1"
                        step="1"
                        required
                        value={text}
                        onInput={(event) => setText(event.target.value)}
                    />
                </label>
                <div class="modal-actions">
                    <button type="button" class="button" onClick={onClose}>
                        Close
                    </button>
                    <button class="button is-primary">Change</button>
                </div>
            </form>
        </Modal>
    );
}
