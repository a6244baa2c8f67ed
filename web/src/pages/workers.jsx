// The fleet: who is connected, what runs in which slot, who drains.
import { useEffect, useState } from 'preact/hooks';
import { call, part } from '../data/api.js';
import { fleet, loadFleet } from '../data/studies.js';
import { ago, number, plural } from '../format.js';
import { href } from '../route.js';
import { attempt, confirm } from '../ui/dialog.jsx';
import { Icon } from '../ui/icon.jsx';
import { Fault, Loading } from '../ui/parts.jsx';
import { StateBadge } from '../ui/state.jsx';

const REFRESH_MS = 5000; // heartbeats are no events

function Slots({ worker }) {
    const running = worker.running ?? [];
    const free = Math.max(0, (worker.slots ?? 0) - running.length);
    return (
        <ul class="slots">
            {running.map((one) => (
                <li key={`${one.study} ${one.trial} ${one.execution}`} class="slot is-busy">
                    <a href={href(['studies', one.study], { trial: String(one.trial) })}>
                        {one.study}
                    </a>
                    <span class="muted">
                        trial {one.trial}, execution {one.execution}
                    </span>
                </li>
            ))}
            {Array.from({ length: Math.min(free, 64) }, (_, i) => (
                <li key={`free ${i}`} class="slot">
                    {worker.state === 'paused' ? 'paused' : 'free'}
                </li>
            ))}
        </ul>
    );
}

function factsOf(worker) {
    const { slots, executions, executions_per_minute: rate } = worker;
    return [
        worker.host,
        plural(slots ?? 0, 'slot'),
        worker.cpu,
        worker.version && `version ${worker.version}`,
        executions !== undefined && `${plural(executions, 'execution')} completed`,
        rate > 0 && `${number(rate, 2)} a minute`,
        worker.last_heartbeat && `heard ${ago(worker.last_heartbeat)}`,
    ].filter(Boolean);
}

function Worker({ worker }) {
    const drain = async () => {
        const yes = await confirm({
            title: `Drain ${worker.name}?`,
            text: 'It finishes what runs, takes nothing new and then leaves.',
            yes: 'Drain worker',
        });
        if (yes)
            await attempt(
                () => call('POST', `/workers/${part(worker.id)}/drain`),
                `${worker.name} drains`,
            );
    };
    return (
        <li class="worker">
            <div class="worker-head">
                <h2>{worker.name}</h2>
                <StateBadge state={worker.state} />
                {worker.state === 'connected' && (
                    <button class="button is-small" onClick={drain}>
                        <Icon name="drain" />
                        Drain
                    </button>
                )}
            </div>
            <p class="facts">
                {factsOf(worker).map((fact) => (
                    <span key={fact}>{fact}</span>
                ))}
            </p>
            {worker.state === 'paused' && worker.trouble && <p class="fault">{worker.trouble}</p>}
            {worker.state !== 'gone' && <Slots worker={worker} />}
        </li>
    );
}

export function WorkersPage() {
    void fleet.version.value;
    const [, tick] = useState(0);
    useEffect(() => {
        const timer = setInterval(() => {
            if (!document.hidden) loadFleet();
            tick((n) => n + 1);
        }, REFRESH_MS);
        return () => clearInterval(timer);
    }, []);
    if (fleet.problem && !fleet.byId.size)
        return <Fault problem={fleet.problem} retry={loadFleet} />;
    if (!fleet.loaded) return <Loading what="workers" />;
    const order = { connected: 0, paused: 1, draining: 2, gone: 3 };
    const list = [...fleet.byId.values()].sort(
        (a, b) => order[a.state] - order[b.state] || a.name.localeCompare(b.name),
    );
    const here = list.filter(({ state }) => state !== 'gone');
    return (
        <>
            <header class="page-head">
                <div>
                    <h1>Workers</h1>
                    <p class="muted">
                        {here.length
                            ? `${plural(here.length, 'worker')}, ${here.reduce((n, w) => n + (w.running?.length ?? 0), 0)} of ${plural(
                                  here.reduce((n, w) => n + (w.slots ?? 0), 0),
                                  'slot',
                              )} busy`
                            : 'No worker is connected'}
                    </p>
                </div>
            </header>
            {list.length ? (
                <ul class="workers">
                    {list.map((worker) => (
                        <Worker key={worker.id} worker={worker} />
                    ))}
                </ul>
            ) : (
                <div class="empty">
                    <h2>No worker yet</h2>
                    <p>Start one on any machine that reaches this coordinator:</p>
                    <pre
                        class="code command"
                        tabindex="0"
                    >{`tuner-worker --coordinator tcp://${location.hostname}:5670 --slots 4 --name ${location.hostname === '127.0.0.1' ? 'here' : 'there'}`}</pre>
                </div>
            )}
        </>
    );
}
