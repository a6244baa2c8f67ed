// Everything the page knows of the coordinator: studies by name, workers, kept up to date by events.
// Objects are changed in place; a component that shows one reads the topic's `version`.
import { get, pages, part } from './api.js';
import { topic } from './topic.js';
import { listen } from '../stream/client.js';
import { Study } from './study.js';

const LIST_MAX = 1000;

export const studies = { byName: new Map(), loaded: false, problem: null, ...topic() };
export const fleet = { byId: new Map(), loaded: false, problem: null, ...topic() };

// The study of that name, known or not yet; its `summary` is null until it has been read.
export function study(name) {
    if (!studies.byName.has(name)) studies.byName.set(name, new Study(name));
    return studies.byName.get(name);
}

export async function loadStudies() {
    try {
        const names = new Set();
        await pages('/studies?page_size=100', 'studies', LIST_MAX, (list) => {
            for (const summary of list) {
                names.add(summary.name);
                study(summary.name).setSummary(summary);
            }
            studies.touch();
        });
        for (const [name, one] of studies.byName)
            if (!names.has(name) && one.summary) studies.byName.delete(name);
        studies.loaded = true;
        studies.problem = null;
    } catch (problem) {
        studies.problem = problem;
    }
    studies.touch();
}

export async function loadFleet() {
    try {
        const { workers } = await get('/workers');
        fleet.byId = new Map(workers.map((worker) => [worker.id, worker]));
        fleet.loaded = true;
        fleet.problem = null;
    } catch (problem) {
        fleet.problem = problem;
    }
    fleet.touch();
}

function onStudy(data) {
    if (data.deleted) {
        const gone = studies.byName.get(data.study);
        studies.byName.delete(data.study);
        gone?.setDeleted();
    } else {
        study(data.study).onStudy(data);
    }
    studies.touch();
}

function onWorker(data) {
    const heard = data.state === 'gone' ? {} : { last_heartbeat: new Date().toISOString() };
    fleet.byId.set(data.id, { ...fleet.byId.get(data.id), ...data, ...heard });
    fleet.touch();
}

export function start() {
    listen(({ events, reset }) => {
        if (reset) {
            loadStudies();
            loadFleet();
            studies.byName.forEach((one) => one.reload());
            return;
        }
        for (const { kind, data } of events) {
            if (kind === 'study') onStudy(data);
            else if (kind === 'worker') onWorker(data);
            else studies.byName.get(data.study)?.onEvent(kind, data);
        }
    });
    loadStudies();
    loadFleet();
}
