// What can be done to a study in its state.
import { call } from '../../data/api.js';
import { go } from '../../route.js';
import { attempt, confirm } from '../../ui/dialog.jsx';
import { Icon } from '../../ui/icon.jsx';

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

export function Actions({ study }) {
    const { state } = study.summary;
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
        if (yes && (await attempt(() => call('DELETE', study.path), `${study.name} deleted`)))
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
            <a
                class="button"
                href={`/api/v1${study.path}/export?format=csv`}
                download={`${study.name}.csv`}
                onClick={(event) => exportCsv(event, study)}
            >
                <Icon name="download" />
                CSV
            </a>
            {ENDED.includes(state) && (
                <button class="button is-danger-quiet" onClick={remove}>
                    <Icon name="trash" />
                    Delete
                </button>
            )}
        </div>
    );
}

// A link cannot carry the token, so then the file is made here.
async function exportCsv(event, study) {
    event.preventDefault();
    await attempt(async () => {
        const text = await call('GET', `${study.path}/export?format=csv`, undefined, 'text');
        const link = document.createElement('a');
        link.href = URL.createObjectURL(new Blob([text], { type: 'text/csv' }));
        link.download = `${study.name}.csv`;
        link.click();
        URL.revokeObjectURL(link.href);
    });
}
