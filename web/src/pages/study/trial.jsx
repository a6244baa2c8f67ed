// One trial in a drawer beside the charts: hyperparameters, executions, curves, report.
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import { get } from '../../data/api.js';
import { metricNames } from '../../data/derive.js';
import { Curves } from '../../charts/curves.jsx';
import { capital, duration, score, seconds } from '../../format.js';
import { copy } from '../../ui/dialog.jsx';
import { Icon } from '../../ui/icon.jsx';
import { save } from '../../ui/save.js';
import { StateBadge } from '../../ui/state.jsx';
import { Hyperparameters } from './best.jsx';
import { Report } from './report.jsx';

const ORIGINS = {
    random: 'Drawn at random',
    grid: 'From the grid',
    model: 'Proposed by the model',
    user: 'Queued by hand',
    default: 'The defaults',
};
const REPORTED = ['completed', 'pruned'];
const BOTH = ['validation', 'training'];

function originWords({ kind, reason, bracket, round, promoted_from: from } = {}) {
    const words = [reason ? capital(reason) : (ORIGINS[kind] ?? (kind && capital(kind)))];
    if (bracket !== undefined && bracket !== null) words.push(`bracket ${bracket}, round ${round}`);
    if (from !== undefined && from !== null) words.push(`promoted from trial ${from}`);
    return words.filter(Boolean).join(' · ');
}

// `client`: who runs them when no worker does.
function Executions({ executions, client }) {
    return (
        <div class="table-scroll" tabindex="0" role="group" aria-label="Executions">
            <table>
                <thead>
                    <tr>
                        <th scope="col">#</th>
                        <th scope="col">State</th>
                        <th scope="col" class="is-number">
                            Score
                        </th>
                        <th scope="col" class="is-number">
                            Best epoch
                        </th>
                        <th scope="col" class="is-number">
                            Took
                        </th>
                        <th scope="col">Worker</th>
                        <th scope="col" class="is-number">
                            Seed
                        </th>
                    </tr>
                </thead>
                <tbody>
                    {executions.map((one) => [
                        <tr key={`${one.execution}.${one.attempt}`}>
                            <th scope="row">
                                {one.execution}
                                {one.attempt > 1 && (
                                    <span class="muted"> attempt {one.attempt}</span>
                                )}
                            </th>
                            <td>
                                <StateBadge state={one.state} />
                            </td>
                            <td class="is-number">{score(one.score)}</td>
                            <td class="is-number">{one.best_epoch ?? '–'}</td>
                            <td class="is-number">
                                {duration(seconds(one.started_at, one.ended_at))}
                            </td>
                            <td>{one.worker?.name ?? one.worker?.id ?? client ?? '–'}</td>
                            <td class="is-number">{one.seed}</td>
                        </tr>,
                        one.error && (
                            <tr key={`${one.execution}.${one.attempt} error`}>
                                <td colspan="7" class="fault wrap">
                                    {one.error}
                                </td>
                            </tr>
                        ),
                    ])}
                </tbody>
            </table>
        </div>
    );
}

function TrialCurves({ study, number, version }) {
    useEffect(() => study.needCurves(number), [study, number]);
    const curves = study.curves.get(number);
    const shown = useMemo(
        () => (curves?.size ? [{ number, curves, colour: 'series-1' }] : []),
        [curves, version],
    );
    const names = shown.length ? metricNames({ curves: new Map([[number, curves]]) }) : [];
    if (!names.length) return <p class="muted">No epoch has finished yet.</p>;
    return (
        <>
            <div class="curves">
                {names.slice(0, 4).map((name) => (
                    <div key={name}>
                        <h3>{name}</h3>
                        <Curves
                            shown={shown}
                            metric={name}
                            parts={BOTH}
                            version={version}
                            height={190}
                        />
                    </div>
                ))}
            </div>
            <div class="legend">
                <span>
                    <i class="line-key" />
                    validation
                </span>
                <span>
                    <i class="line-key is-dashed" />
                    training
                </span>
                {curves.size > 1 && <span>thick: mean of {curves.size} executions</span>}
            </div>
        </>
    );
}

function Tool({ label, keys, icon, onClick }) {
    return (
        <button
            class="icon-button"
            aria-label={label}
            title={`${label} (${keys})`}
            disabled={!onClick}
            onClick={onClick}
        >
            <Icon name={icon} />
        </button>
    );
}

function Head({ number, trial, objective, before, next, onOpen, onClose }) {
    const open = (other) => other && (() => onOpen(other.number));
    return (
        <header class="drawer-head">
            <h2 id="trial-title">Trial {number}</h2>
            {trial && <StateBadge state={trial.state} />}
            {trial && (
                <span class="drawer-score">
                    <span class="muted">{objective.name}</span> {score(trial.score)}
                </span>
            )}
            <span class="drawer-tools">
                <Tool label="Trial before" keys="k" icon="left" onClick={open(before)} />
                <Tool label="Next trial" keys="j" icon="right" onClick={open(next)} />
                <Tool label="Close" keys="Esc" icon="cancel" onClick={onClose} />
            </span>
        </header>
    );
}

export function TrialDrawer({ study, number, axes, objective, version, order, onClose, onOpen }) {
    const [detail, setDetail] = useState(null);
    const [problem, setProblem] = useState(null);
    const panel = useRef();
    const trial = study.trials.get(number) ?? detail;
    const progressed = [...(study.curves.get(number)?.values() ?? [])].length;

    useEffect(() => {
        let gone = false;
        get(`${study.path}/trials/${number}`).then(
            (one) => gone || setDetail(one),
            (fault) => gone || setProblem(fault),
        );
        return () => (gone = true);
    }, [study, number, trial?.state, progressed]);
    useLayoutEffect(() => {
        const before = document.activeElement;
        panel.current.focus();
        return () => before?.isConnected && before.focus({ preventScroll: true });
    }, []);
    const index = order.findIndex((one) => one.number === number);
    const go = (by) => order[index + by] && onOpen(order[index + by].number);
    const onKeyDown = (event) => {
        if (event.key === 'Escape') onClose();
        else if (event.target.matches('input, select, textarea, .plot')) return;
        else if (event.key === 'j') go(1);
        else if (event.key === 'k') go(-1);
    };
    return (
        <div
            class="drawer"
            role="dialog"
            aria-labelledby="trial-title"
            tabindex="-1"
            ref={panel}
            onKeyDown={onKeyDown}
        >
            <Head
                number={number}
                trial={trial}
                objective={objective}
                before={order[index - 1]}
                next={index < 0 ? undefined : order[index + 1]}
                onOpen={onOpen}
                onClose={onClose}
            />
            <div class="drawer-body">
                {problem && !trial && <p class="fault">{problem.message}</p>}
                {trial?.reason && <p class="reason">{trial.reason}</p>}
                {trial && (
                    <section>
                        <h3 class="with-tools">
                            Hyperparameters
                            <button
                                class="button is-small"
                                onClick={() =>
                                    copy(
                                        JSON.stringify(trial.hyperparameters, null, 2),
                                        'Hyperparameters',
                                    )
                                }
                            >
                                <Icon name="copy" />
                                Copy JSON
                            </button>
                        </h3>
                        <Hyperparameters trial={trial} axes={axes} />
                        {detail?.origin && <p class="muted origin">{originWords(detail.origin)}</p>}
                    </section>
                )}
                <section>
                    <h3>Curves</h3>
                    <TrialCurves study={study} number={number} version={version} />
                </section>
                {detail?.executions?.length > 0 && (
                    <section>
                        <h3 class="with-tools">
                            Executions
                            {trial?.state === 'completed' && study.summary.document?.model && (
                                <button
                                    class="button is-small"
                                    title="Of the best epoch, as safetensors; kept of the best trials"
                                    onClick={() =>
                                        save(
                                            `${study.path}/trials/${number}/model`,
                                            `${study.name}-trial-${number}.safetensors`,
                                        )
                                    }
                                >
                                    <Icon name="download" />
                                    Weights
                                </button>
                            )}
                        </h3>
                        <Executions executions={detail.executions} client={detail.client_id} />
                    </section>
                )}
                {study.summary.document?.model && (
                    <Report
                        path={`${study.path}/trials/${number}/report`}
                        done={
                            detail?.executions?.filter((one) => REPORTED.includes(one.state))
                                .length ?? 0
                        }
                    />
                )}
            </div>
        </div>
    );
}
