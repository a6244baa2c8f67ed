// A real coordinator and real workers in a folder of their own, for one test file.
import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';

const BIN = process.env.TUNERD_BIN_DIR ?? new URL('../../build/release', import.meta.url).pathname;

function freePort() {
    return new Promise((resolve, reject) => {
        const server = createServer().on('error', reject);
        server.listen(0, '127.0.0.1', () => {
            const { port } = server.address();
            server.close(() => resolve(port));
        });
    });
}

// Calls `ask` until it gives something true. Polling, because what is waited for is another process.
export async function until(what, ask, seconds = 60) {
    const end = Date.now() + seconds * 1000;
    for (;;) {
        const value = await ask();
        if (value) return value;
        if (Date.now() > end) throw new Error(`waited ${seconds} s for ${what}`);
        await new Promise((resolve) => setTimeout(resolve, 50));
    }
}

function run(program, args, log) {
    const child = spawn(path.join(BIN, program), args, { stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout.on('data', (data) => log.push(data));
    child.stderr.on('data', (data) => log.push(data));
    child.ended = new Promise((resolve) => child.on('exit', resolve));
    return child;
}

export class System {
    static async start({ workers = 1, slots = 2, token } = {}) {
        const system = new System();
        system.folder = await mkdtemp(path.join(tmpdir(), 'tunerd-browser-'));
        system.log = [];
        system.token = token;
        const [http, wire] = [await freePort(), await freePort()];
        system.url = `http://127.0.0.1:${http}`;
        system.args = [
            '--state-dir',
            path.join(system.folder, 'state'),
            '--http-listen',
            `127.0.0.1:${http}`,
            '--worker-listen',
            `tcp://127.0.0.1:${wire}`,
        ];
        if (token) {
            const file = path.join(system.folder, 'token');
            await writeFile(file, `${token}\n`, { mode: 0o600 });
            system.args.push('--token-file', file);
        }
        await system.startCoordinator();
        system.workers = Array.from({ length: workers }, (_, i) =>
            run(
                'tuner-worker',
                [
                    '--coordinator',
                    `tcp://127.0.0.1:${wire}`,
                    '--slots',
                    String(slots),
                    '--cache-dir',
                    path.join(system.folder, `cache-${i}`),
                    '--name',
                    `worker-${i}`,
                ],
                system.log,
            ),
        );
        return system;
    }

    async startCoordinator() {
        this.coordinator = run('tunerd', this.args, this.log);
        await until('the coordinator', async () => {
            if (this.coordinator.exitCode !== null)
                throw new Error(`tunerd ended:\n${this.output()}`);
            return fetch(`${this.url}/readyz`).then(
                (answer) => answer.ok,
                () => false,
            );
        });
    }

    async killCoordinator() {
        this.coordinator.kill('SIGKILL');
        await this.coordinator.ended;
    }

    output() {
        return Buffer.concat(this.log).toString();
    }

    // The answer's JSON; fails on anything but 2xx.
    async call(method, where, body) {
        const headers = {
            ...(body && { 'Content-Type': 'application/json' }),
            ...(this.token && { Authorization: `Bearer ${this.token}` }),
        };
        const answer = await fetch(`${this.url}/api/v1${where}`, {
            method,
            headers,
            body: body && JSON.stringify(body),
        });
        const text = await answer.text();
        if (!answer.ok) throw new Error(`${method} ${where}: ${answer.status} ${text}`);
        return text ? JSON.parse(text) : null;
    }

    study(name) {
        return this.call('GET', `/studies/${name}`);
    }

    // Submits a study and, unless told otherwise, waits for its end.
    async submit(document, wait = true) {
        await this.call('POST', '/studies', document);
        if (wait)
            await until(`study ${document.name}`, async () => {
                const { state, reason } = await this.study(document.name);
                if (state === 'failed')
                    throw new Error(`${document.name} failed: ${reason}\n${this.output()}`);
                return state === 'completed';
            });
    }

    // A daemon that does not end well (a sanitizer's finding, a crash) fails the test file.
    async stop() {
        const failed = [];
        for (const child of [...this.workers, this.coordinator]) {
            child.kill('SIGTERM');
            const late = setTimeout(() => child.kill('SIGKILL'), 30000);
            const code = await child.ended;
            clearTimeout(late);
            if (code !== 0)
                failed.push(`${child.spawnfile} ended with ${code ?? child.signalCode}`);
        }
        await rm(this.folder, { recursive: true, force: true });
        if (failed.length) throw new Error(`${failed.join('; ')}:\n${this.output()}`);
    }
}

// A study of a generated data set: an execution takes milliseconds.
export function blobs(name, change = {}) {
    const { tuner, epochs = 4, samples = 400, ...rest } = change;
    return {
        name,
        seed: 1,
        dataset: {
            name: 'blobs',
            generate: { samples, features: 6, classes: 3, noise: 1.5 },
            validation_split: 0.25,
        },
        model: {
            layers: [
                {
                    repeat: { hp: 'Int', name: 'depth', min_value: 1, max_value: 2 },
                    as: 'i',
                    layers: [
                        {
                            type: 'Dense',
                            units: {
                                hp: 'Int',
                                name: 'units_{i}',
                                min_value: 4,
                                max_value: 32,
                                step: 4,
                            },
                            activation: {
                                hp: 'Choice',
                                name: 'activation',
                                values: ['relu', 'tanh'],
                            },
                        },
                    ],
                },
                { type: 'Dense', units: 3, activation: 'softmax' },
            ],
        },
        compile: {
            optimizer: {
                type: 'Adam',
                learning_rate: {
                    hp: 'Float',
                    name: 'learning_rate',
                    min_value: 1e-4,
                    max_value: 1e-1,
                    sampling: 'log',
                },
            },
            loss: 'sparse_categorical_crossentropy',
            metrics: ['accuracy'],
        },
        fit: { epochs, batch_size: 32 },
        tuner: {
            type: 'RandomSearch',
            objective: 'val_accuracy',
            max_trials: 12,
            executions_per_trial: 2,
            ...tuner,
        },
        ...rest,
    };
}
