import { useEffect, useState } from 'preact/hooks';
import { get } from '../data/api.js';
import { bytes, count, dateTime, number } from '../format.js';
import { Fault, Loading } from '../ui/parts.jsx';
import { StateBadge } from '../ui/state.jsx';

const words = (v) =>
    Array.isArray(v)
        ? v.map(words).join(' × ')
        : typeof v === 'number'
          ? Number.isInteger(v)
              ? count(v)
              : number(v)
          : typeof v === 'object' && v !== null
            ? JSON.stringify(v)
            : String(v);

function Dataset({ set }) {
    return (
        <li class="worker">
            <div class="worker-head">
                <h2>{set.name}</h2>
                <StateBadge state={set.state} />
            </div>
            <p class="facts">
                {Object.entries(set.info ?? {})
                    .filter(([, v]) => v !== null)
                    .map(([name, v]) => (
                        <span key={name}>
                            {name.replaceAll('_', ' ')} {words(v)}
                        </span>
                    ))}
                {set.created_at && <span>added {dateTime(set.created_at)}</span>}
            </p>
            {set.source?.format === 'generated' && (
                <p class="muted">
                    Made on each worker, in the size that a study’s <code>generate</code> gives.
                </p>
            )}
            {set.files?.length > 0 && (
                <div
                    class="table-scroll"
                    tabindex="0"
                    role="group"
                    aria-label={`Files of ${set.name}`}
                >
                    <table>
                        <thead>
                            <tr>
                                <th scope="col">File</th>
                                <th scope="col" class="is-number">
                                    Size
                                </th>
                                <th scope="col">SHA-256</th>
                            </tr>
                        </thead>
                        <tbody>
                            {set.files.map((one) => (
                                <tr key={one.file}>
                                    <th scope="row">{one.file}</th>
                                    <td class="is-number">{bytes(one.size)}</td>
                                    <td>
                                        <code>{one.sha256.slice(0, 16)}…</code>
                                    </td>
                                </tr>
                            ))}
                        </tbody>
                    </table>
                </div>
            )}
        </li>
    );
}

export function DatasetsPage() {
    const [sets, setSets] = useState(null);
    const [problem, setProblem] = useState(null);
    const load = () =>
        get('/datasets').then(({ datasets }) => {
            setSets(datasets);
            setProblem(null);
        }, setProblem);
    useEffect(() => {
        load();
    }, []);
    if (problem) return <Fault problem={problem} retry={load} />;
    if (!sets) return <Loading what="data sets" />;
    return (
        <>
            <header class="page-head">
                <div>
                    <h1>Data sets</h1>
                    <p class="muted">
                        Registered with <code>tunerctl datasets add NAME FILE…</code>; every worker
                        fetches them by their SHA-256.
                    </p>
                </div>
            </header>
            <ul class="workers">
                {sets.map((set) => (
                    <Dataset key={set.name} set={set} />
                ))}
            </ul>
        </>
    );
}
