// The states, each with a colour and a shape of its own; the same shapes in lists and on canvases.

export const TRIAL_STATES = [
    'completed',
    'running',
    'queued',
    'pruned',
    'failed',
    'infeasible',
    'cancelled',
];

// A study's states borrow the look of the trial's state that says the same.
const LOOK = {
    stopping: 'running',
    paused: 'queued',
    stopped: 'cancelled',
    lost: 'failed',
    connected: 'completed',
    draining: 'running',
    gone: 'cancelled',
    ready: 'completed',
    uploading: 'running',
};
export const look = (state) => LOOK[state] ?? state;

const ring = <circle cx="8" cy="8" r="5" fill="none" stroke="currentColor" stroke-width="2.5" />;
const SHAPES = {
    queued: ring,
    running: (
        <g>
            <circle cx="8" cy="8" r="5.25" fill="none" stroke="currentColor" stroke-width="1.75" />
            <path d="M8 2.75a5.25 5.25 0 0 1 0 10.5z" fill="currentColor" />
        </g>
    ),
    completed: <circle cx="8" cy="8" r="6" fill="currentColor" />,
    pruned: <path d="M8 1.75 14.5 13.5h-13z" fill="currentColor" />,
    failed: (
        <path
            d="m3 3 10 10M13 3 3 13"
            stroke="currentColor"
            stroke-width="3"
            stroke-linecap="round"
        />
    ),
    infeasible: <path d="m8 1 7 7-7 7-7-7z" fill="currentColor" />,
    cancelled: <rect x="1.5" y="6" width="13" height="4" rx="1" fill="currentColor" />,
};

export function Mark({ state }) {
    const kind = look(state);
    return (
        <svg class={`mark is-${kind}`} viewBox="0 0 16 16" aria-hidden="true">
            {SHAPES[kind] ?? ring}
        </svg>
    );
}

export function StateBadge({ state }) {
    return (
        <span class="state">
            <Mark state={state} />
            <span>{state}</span>
        </span>
    );
}

// Paints a state's shape at (x, y), `r` its radius, in the context's fill and stroke style.
export function paintMark(g, state, x, y, r) {
    g.beginPath();
    switch (look(state)) {
        case 'completed':
            g.arc(x, y, r, 0, 7);
            g.fill();
            break;
        case 'running':
            g.arc(x, y, r, 0, 7);
            g.stroke();
            g.beginPath();
            g.arc(x, y, r, -Math.PI / 2, Math.PI / 2);
            g.fill();
            break;
        case 'pruned':
            g.moveTo(x, y - r * 1.1);
            g.lineTo(x + r * 1.1, y + r * 0.9);
            g.lineTo(x - r * 1.1, y + r * 0.9);
            g.fill();
            break;
        case 'failed':
            g.moveTo(x - r * 0.85, y - r * 0.85);
            g.lineTo(x + r * 0.85, y + r * 0.85);
            g.moveTo(x + r * 0.85, y - r * 0.85);
            g.lineTo(x - r * 0.85, y + r * 0.85);
            g.stroke();
            break;
        case 'infeasible':
            g.moveTo(x, y - r * 1.2);
            g.lineTo(x + r * 1.2, y);
            g.lineTo(x, y + r * 1.2);
            g.lineTo(x - r * 1.2, y);
            g.fill();
            break;
        case 'cancelled':
            g.fillRect(x - r * 1.2, y - r * 0.35, r * 2.4, r * 0.7);
            break;
        default:
            g.arc(x, y, r * 0.85, 0, 7);
            g.stroke();
    }
}
