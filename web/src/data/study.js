// One study: its summary, trials and curves, each read when first asked for and then kept by events.
import { get, pages, part } from './api.js';
import { topic } from './topic.js';

const TRIALS_MAX = 50000;
const REST_MS = 3000; // events have neither times nor ETA: those are read at most this often
const STARTED_BEFORE = 64; // trials that may have started before those that changed
const AT_ONCE = 3; // requests for curves

export class Study {
    constructor(name) {
        this.name = name;
        this.path = `/studies/${part(name)}`;
        this.summary = null;
        this.problem = null;
        this.deleted = false;
        this.trials = null; // Map number -> trial, null until asked for
        this.trialsComplete = false;
        this.curves = new Map(); // trial number -> Map execution -> {attempt, epochs: [metrics by epoch - 1]}
        this.wanted = []; // trials whose curves are to be read
        this.reading = 0;
        this.changes = 0; // events of the study itself
        this.restTimer = 0;
        this.timeless = new Set(); // numbers of trials whose times are to be read
        Object.assign(this, topic());
    }

    setSummary(summary) {
        this.summary = { ...this.summary, ...summary };
        this.touch();
    }

    setDeleted() {
        this.deleted = true;
        clearTimeout(this.restTimer);
        this.touch();
    }

    async loadSummary() {
        const before = this.changes;
        try {
            const summary = await get(this.path);
            // what events said meanwhile may be newer than this answer
            const { state, reason, counts, progress } = this.summary ?? {};
            const kept = before === this.changes ? {} : { state, reason, counts, progress };
            this.setSummary({ ...summary, ...kept });
            this.problem = null;
        } catch (problem) {
            this.problem = problem;
        }
        this.touch();
    }

    // Reads all trials once, page by page; what events say meanwhile is newer and wins.
    async needTrials() {
        if (this.trials) return;
        this.trials = new Map();
        this.newer = new Set();
        try {
            const { complete } = await pages(
                `${this.path}/trials?sort=number&page_size=1000`,
                'trials',
                TRIALS_MAX,
                (list) => {
                    for (const trial of list)
                        this.trials.set(
                            trial.number,
                            this.newer.has(trial.number)
                                ? { ...trial, ...this.trials.get(trial.number) }
                                : trial,
                        );
                    this.touch();
                },
            );
            this.trialsComplete = complete;
        } catch (problem) {
            this.problem = problem;
            this.trials = null;
        }
        this.newer = null;
        this.touch();
    }

    // Times of the trials that events told of; the newest started hold nearly always all of them.
    async loadTimes() {
        if (!this.trials || !this.timeless.size) return;
        const size = Math.min(1000, this.timeless.size + STARTED_BEFORE);
        this.timeless.clear();
        const { trials } = await get(`${this.path}/trials?sort=-started_at&page_size=${size}`);
        for (const { number, created_at, started_at, ended_at, origin } of trials) {
            const known = this.trials.get(number);
            if (!known) continue;
            this.trials.set(number, { ...known, created_at, started_at, ended_at, origin });
            if (!ended_at && known.state !== 'running' && known.state !== 'queued')
                this.timeless.add(number);
        }
        this.touch();
    }

    // What events leave out, soon and not too often.
    loadRest() {
        this.restTimer ||= setTimeout(() => {
            this.restTimer = 0;
            this.loadSummary();
            this.loadTimes().catch(() => {}); // the next event asks again
        }, REST_MS);
    }

    // After events were missed: everything that was read before is read again.
    async reload() {
        const { trials, curves } = this;
        if (this.summary?.document) await this.loadSummary();
        if (trials) {
            this.trials = null;
            await this.needTrials();
        }
        this.curves = new Map();
        for (const number of curves.keys()) this.needCurves(number);
    }

    needCurves(number) {
        if (this.curves.has(number)) return;
        this.curves.set(number, new Map());
        this.wanted.push(number);
        this.readCurves();
    }

    async readCurves() {
        if (this.reading >= AT_ONCE || !this.wanted.length) return;
        this.reading++;
        const number = this.wanted.pop();
        try {
            const { executions } = await get(`${this.path}/trials/${number}/metrics`);
            for (const { execution, attempt, epochs } of executions)
                for (const metrics of epochs)
                    this.addEpoch(
                        { trial: number, execution, attempt, epoch: metrics.epoch, metrics },
                        false,
                    );
            this.touch();
        } catch {
            this.curves.delete(number);
        }
        this.reading--;
        this.readCurves();
    }

    // Only the newest attempt of an execution counts, and of the one before it what came earlier: a lost
    // execution goes on from its checkpoint or begins again.
    addEpoch({ trial, execution, attempt, epoch, metrics }, wins) {
        const curves = this.curves.get(trial);
        if (!curves) return;
        let curve = curves.get(execution);
        if (!curve || attempt > curve.attempt)
            curves.set(
                execution,
                (curve = { attempt, epochs: curve?.epochs.slice(0, epoch - 1) ?? [] }),
            );
        if (attempt === curve.attempt && (wins || !curve.epochs[epoch - 1]))
            curve.epochs[epoch - 1] = metrics;
    }

    onStudy({ study, deleted, ...change }) {
        const before = this.summary;
        this.changes++;
        if (before?.best_trial && before.best_trial.number === change.best_trial?.number)
            change.best_trial = { ...before.best_trial, ...change.best_trial };
        if (before) this.summary = { ...before, ...change };
        this.touch();
        if (before?.state !== change.state) this.loadSummary();
        this.loadRest();
    }

    onEvent(kind, data) {
        if (kind === 'epoch') {
            this.addEpoch(data, true);
        } else if (kind === 'trial' && this.trials) {
            const { study, ...trial } = data;
            this.newer?.add(trial.number);
            this.timeless.add(trial.number);
            this.loadRest();
            this.trials.set(trial.number, { ...this.trials.get(trial.number), ...trial });
        }
        this.touch();
    }
}
