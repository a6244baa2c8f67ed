// Small parts that pages share.
import { Mark, TRIAL_STATES } from './state.jsx';
import { count } from '../format.js';

// Trials by state as one bar; the numbers stand beside it, so it is only decoration for a screen reader.
export function Progress({ summary, tall }) {
    const counts = summary.counts ?? {};
    const sum = TRIAL_STATES.reduce((n, state) => n + (counts[state] ?? 0), 0);
    const ended = sum - (counts.running ?? 0) - (counts.queued ?? 0);
    const planned = summary.progress > 0 ? ended / summary.progress : sum;
    const total = Math.max(planned, sum, 1);
    const percent = Math.round((summary.progress ?? 0) * 100);
    return (
        <div
            class={`progress ${tall ? 'is-tall' : ''}`}
            role="progressbar"
            aria-valuemin="0"
            aria-valuemax="100"
            aria-valuenow={percent}
            aria-label={`${percent} % done`}
        >
            {TRIAL_STATES.filter((state) => state !== 'queued' && counts[state]).map((state) => (
                <div
                    key={state}
                    class={`progress-part is-${state}`}
                    style={{ width: `${(100 * counts[state]) / total}%` }}
                />
            ))}
        </div>
    );
}

export function Counts({ counts }) {
    return (
        <ul class="counts">
            {TRIAL_STATES.filter((state) => counts?.[state]).map((state) => (
                <li key={state}>
                    <Mark state={state} />
                    {count(counts[state])} <span class="muted">{state}</span>
                </li>
            ))}
        </ul>
    );
}

export function Stat({ label, children, title }) {
    return (
        <div class="stat" title={title}>
            <dt>{label}</dt>
            <dd>{children}</dd>
        </div>
    );
}

export function Panel({ title, note, tools, children, id, class: more = '' }) {
    return (
        <section class={`panel ${more}`} aria-labelledby={`${id}-title`}>
            <header class="panel-head">
                <h2 id={`${id}-title`}>{title}</h2>
                {note && <span class="muted">{note}</span>}
                <div class="panel-tools">{tools}</div>
            </header>
            {children}
        </section>
    );
}

// One of a few choices; a radio group in the shape of buttons.
export function Segmented({ label, value, options, onChange }) {
    return (
        <fieldset class="segmented">
            <legend class="hidden">{label}</legend>
            {options.map(([key, text]) => (
                <label key={key} class={key === value ? 'is-on' : ''}>
                    <input
                        type="radio"
                        name={label}
                        checked={key === value}
                        onChange={() => onChange(key)}
                    />
                    {text}
                </label>
            ))}
        </fieldset>
    );
}

export function Fault({ problem, retry }) {
    return (
        <div class="empty" role="alert">
            <h1>{problem.status === 404 ? 'Not found' : 'That did not work'}</h1>
            <p>{problem.message}</p>
            {retry && (
                <button class="button" onClick={retry}>
                    Try again
                </button>
            )}
        </div>
    );
}

export const Loading = ({ what }) => (
    <div class="loading" role="status">
        Loading {what}…
    </div>
);
