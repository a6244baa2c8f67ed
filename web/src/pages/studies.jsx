// All studies, the newest first.
import { useEffect, useRef, useState } from 'preact/hooks';
import { fleet, loadStudies, studies } from '../data/studies.js';
import { objectiveOf } from '../data/derive.js';
import { ago, duration, plural, score, seconds } from '../format.js';
import { href, route, setQuery } from '../route.js';
import { Sparkline } from '../charts/sparkline.jsx';
import { copy } from '../ui/dialog.jsx';
import { Icon } from '../ui/icon.jsx';
import { Counts, Fault, Loading, Progress, Segmented } from '../ui/parts.jsx';
import { StateBadge } from '../ui/state.jsx';
import { NewStudy } from './new.jsx';

const ACTIVE = ['running', 'paused', 'stopping'];
const SPARK_TRIALS = 2000; // larger studies are not read for a small picture

function Card({ study }) {
    const ref = useRef();
    const { summary } = study;
    void study.version.value;
    const objective = objectiveOf(summary);
    const total = Object.values(summary.counts ?? {}).reduce((a, b) => a + b, 0);
    useEffect(() => {
        if (total > SPARK_TRIALS) return;
        const watch = new IntersectionObserver(([entry]) => {
            if (!entry.isIntersecting) return;
            study.needTrials();
            watch.disconnect();
        });
        watch.observe(ref.current);
        return () => watch.disconnect();
    }, [study, total > SPARK_TRIALS]);
    const trials = [...(study.trials?.values() ?? [])].sort((a, b) => a.number - b.number);
    const { best_trial: best, ended_at: ended } = summary;
    return (
        <li class="card" ref={ref}>
            <div class="card-name">
                <a class="card-link" href={href(['studies', study.name])}>
                    {study.name}
                </a>
                <StateBadge state={summary.state} />
                <p class="muted">
                    {summary.description ||
                        `${objective.direction === 'max' ? 'maximize' : 'minimize'} ${objective.name}`}
                </p>
            </div>
            <div class="card-progress">
                <Progress summary={summary} />
                <Counts counts={summary.counts} />
            </div>
            <Sparkline trials={trials} direction={objective.direction} />
            <div class="card-best">
                <span class="figure">{score(best?.score)}</span>
                <span class="muted">{objective.name}</span>
            </div>
            <div class="card-time">
                <span>
                    {ended
                        ? duration(seconds(summary.started_at ?? summary.created_at, ended))
                        : summary.eta_s === null
                          ? '–'
                          : duration(summary.eta_s)}
                </span>
                <span class="muted">{ended ? `ended ${ago(ended)}` : 'left'}</span>
            </div>
        </li>
    );
}

function Welcome() {
    const command = `curl -H 'Content-Type: application/json' --data @schema/examples/fashion-mlp.json ${location.origin}/api/v1/studies`;
    return (
        <div class="empty">
            <h2>No study yet</h2>
            <p>
                Submit one from the source tree, or paste a document with “New study”. It appears
                here at once.
            </p>
            <pre class="code command" tabindex="0">
                {command}
            </pre>
            <button class="button" onClick={() => copy(command, 'Command')}>
                <Icon name="copy" />
                Copy command
            </button>
        </div>
    );
}

const FILTERS = {
    '': () => true,
    active: ({ state }) => ACTIVE.includes(state),
    ended: ({ state }) => !ACTIVE.includes(state),
};

export function StudiesPage() {
    void studies.version.value;
    void fleet.version.value;
    const [creating, setCreating] = useState(false);
    const { show = '', find = '' } = route.value.query;
    const all = [...studies.byName.values()].filter(({ summary }) => summary);
    if (studies.problem && !all.length)
        return <Fault problem={studies.problem} retry={loadStudies} />;
    if (!studies.loaded) return <Loading what="studies" />;
    const list = all
        .filter(
            ({ name, summary }) =>
                (FILTERS[show] ?? FILTERS[''])(summary) &&
                `${name} ${summary.description ?? ''}`.toLowerCase().includes(find.toLowerCase()),
        )
        .sort((a, b) => (b.summary.created_at ?? '').localeCompare(a.summary.created_at ?? ''));
    const connected = [...fleet.byId.values()].filter(({ state }) => state !== 'gone');
    const slots = connected.reduce((n, worker) => n + (worker.slots ?? 0), 0);
    const busy = connected.reduce((n, worker) => n + (worker.running?.length ?? 0), 0);
    return (
        <>
            <header class="page-head">
                <div>
                    <h1>Studies</h1>
                    <p class="muted">
                        {plural(
                            all.filter(({ summary }) => ACTIVE.includes(summary.state)).length,
                            'active study',
                            'active studies',
                        )}
                        {' · '}
                        {fleet.loaded ? (
                            <a href={href(['workers'])}>
                                {connected.length
                                    ? `${busy} of ${plural(slots, 'slot')} busy`
                                    : 'no worker connected'}
                            </a>
                        ) : (
                            ''
                        )}
                    </p>
                </div>
                <div class="page-tools">
                    {all.length > 0 && (
                        <>
                            <label class="search">
                                <Icon name="search" />
                                <span class="hidden">Find a study</span>
                                <input
                                    type="search"
                                    placeholder="Find"
                                    value={find}
                                    onInput={(event) => setQuery({ find: event.target.value })}
                                />
                            </label>
                            <Segmented
                                label="Show"
                                value={show}
                                onChange={(value) => setQuery({ show: value })}
                                options={[
                                    ['', 'All'],
                                    ['active', 'Active'],
                                    ['ended', 'Ended'],
                                ]}
                            />
                        </>
                    )}
                    <button class="button is-primary" onClick={() => setCreating(true)}>
                        <Icon name="plus" />
                        New study
                    </button>
                </div>
            </header>
            {all.length ? (
                list.length ? (
                    <ul class="cards">
                        {list.map((study) => (
                            <Card key={study.name} study={study} />
                        ))}
                    </ul>
                ) : (
                    <p class="muted">No study matches.</p>
                )
            ) : (
                <Welcome />
            )}
            {creating && <NewStudy onClose={() => setCreating(false)} />}
        </>
    );
}
