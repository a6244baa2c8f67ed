import { useEffect, useMemo } from 'preact/hooks';
import { study as studyOf, studies } from '../data/studies.js';
import { objectiveOf, ranked } from '../data/derive.js';
import { count } from '../format.js';
import { href, route } from '../route.js';
import { Scatter } from '../charts/scatter.jsx';
import { Fault, Loading, Panel } from '../ui/parts.jsx';
import { BestPanel } from './study/best.jsx';
import { Document } from './study/document.jsx';
import { Filters } from './study/filters.jsx';
import { StudyHeader } from './study/header.jsx';
import { Learning } from './study/learning.jsx';
import { Relations } from './study/relations.jsx';
import { TrialsTable } from './study/table.jsx';
import { TrialDrawer } from './study/trial.jsx';
import { axesOf, closeTrial, openTrial, viewOf } from './study/view.js';

function Overview({ study, version, objective }) {
    const { query } = route.value;
    const trials = useMemo(
        () => [...(study.trials?.values() ?? [])].sort((a, b) => a.number - b.number),
        [study, version],
    );
    const best = useMemo(() => ranked(trials, objective.direction), [trials, objective]);
    const axes = useMemo(
        () => axesOf(study.summary, objective, trials),
        [study.summary.space, objective, trials],
    );
    const view = useMemo(() => viewOf(query, axes, best), [query, axes, best]);
    const number = study.summary.best_trial?.number ?? best[0]?.number;
    const bestTrial = study.trials?.get(number) ?? study.summary.best_trial;
    if (!study.trials) return <Loading what="trials" />;
    return (
        <>
            <Filters
                trials={trials}
                axes={axes}
                view={view}
                shown={view.filtered ? trials.filter(view.shows).length : trials.length}
            />
            <div class="columns">
                <Panel id="scores" title="Score over trials" note={objective.name}>
                    <Scatter trials={trials} view={view} objective={objective} onPick={openTrial} />
                </Panel>
                <BestPanel trial={bestTrial} axes={axes} objective={objective} onOpen={openTrial} />
            </div>
            <Learning
                study={study}
                trials={trials}
                best={best}
                view={view}
                objective={objective}
                version={version}
                onPick={openTrial}
            />
            {best.length > 1 && axes.length > 1 && (
                <Relations
                    trials={best}
                    axes={axes}
                    query={query}
                    view={view}
                    objective={objective}
                    best={number}
                />
            )}
            <Panel
                id="trials"
                title="Trials"
                note={
                    study.trialsComplete ? count(trials.length) : `${count(trials.length)}, loading`
                }
            >
                <TrialsTable
                    trials={trials}
                    axes={axes}
                    objective={objective}
                    view={view}
                    best={number}
                    onOpen={openTrial}
                />
            </Panel>
            {view.open !== null && (
                <TrialDrawer
                    key={view.open}
                    study={study}
                    number={view.open}
                    axes={axes}
                    objective={objective}
                    version={version}
                    order={trials}
                    onClose={closeTrial}
                    onOpen={openTrial}
                />
            )}
        </>
    );
}

export function StudyPage({ name }) {
    void studies.version.value;
    const study = studyOf(name);
    const version = study.version.value;
    useEffect(() => {
        study.loadSummary();
        study.needTrials();
    }, [study]);
    const { summary } = study;
    const objective = useMemo(
        () => summary && objectiveOf(summary),
        [JSON.stringify(summary?.objective), summary?.direction],
    );
    const progress =
        summary?.state === 'running' && summary.progress !== null
            ? `${Math.floor(100 * summary.progress)} % `
            : '';
    useEffect(() => {
        document.title = `${progress}${name} · tunerd`;
    }, [progress, name]);
    if (study.deleted)
        return (
            <div class="empty">
                <h1>{name} was deleted</h1>
                <a class="button" href={href(['studies'])}>
                    All studies
                </a>
            </div>
        );
    if (study.problem && !summary)
        return <Fault problem={study.problem} retry={() => study.loadSummary()} />;
    if (!summary?.document) return <Loading what={name} />;
    const tab = route.value.query.tab ?? '';
    const link = (key, text) => (
        <a
            href={href(['studies', name], { tab: key })}
            aria-current={tab === key ? 'page' : undefined}
        >
            {text}
        </a>
    );
    return (
        <div class="study">
            <StudyHeader study={study} objective={objective} onBest={openTrial} />
            <nav class="tabs" aria-label="Study">
                {link('', 'Overview')}
                {link('document', 'Document')}
            </nav>
            {tab === 'document' ? (
                <Document summary={summary} />
            ) : (
                <Overview study={study} version={version} objective={objective} />
            )}
        </div>
    );
}
