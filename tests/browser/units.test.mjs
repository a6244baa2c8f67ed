// The parts of the dashboard that need no browser.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parser } from '../../web/src/stream/feed.js';
import {
    arranged,
    arrangement,
    brushText,
    hyperparameterAxis,
    parseBrush,
    passes,
    place,
    scoreAxis,
} from '../../web/src/data/axes.js';
import {
    correlation,
    incumbents,
    meanCurve,
    objectiveOf,
    ranked,
} from '../../web/src/data/derive.js';
import { number } from '../../web/src/format.js';

const STREAM = [
    'retry: 2000',
    'id: 6',
    '',
    ': still here',
    '',
    'id: 7',
    'event: trial',
    'data: {"study":"ü","number":1}',
    '',
    'id: 8',
    'event: study',
    'data: {"study":',
    'data: "b"}',
    '',
    'event: reset',
    'data: {"oldest":3}',
    '',
    '',
];

for (const newline of ['\n', '\r\n'])
    test(`events are the same however the stream is cut (${JSON.stringify(newline)})`, () => {
        const text = STREAM.join(newline);
        for (let size = 1; size <= text.length; size++) {
            const events = [];
            const take = parser((event) => events.push(event));
            for (let i = 0; i < text.length; i += size) take(text.slice(i, i + size));
            assert.deepEqual(events, [
                { id: 6, kind: undefined, data: null },
                { id: 7, kind: 'trial', data: { study: 'ü', number: 1 } },
                { id: 8, kind: 'study', data: { study: 'b' } },
                { id: NaN, kind: 'reset', data: { oldest: 3 } },
            ]);
        }
    });

const rate = hyperparameterAxis({
    name: 'rate',
    hp: 'Float',
    min_value: 1e-4,
    max_value: 1e-2,
    sampling: 'log',
});
const of = (name, v) => ({ hyperparameters: v === undefined ? {} : { [name]: v } });

test('a value stands where KerasTuner would draw it from', () => {
    // value_to_prob of Float(1e-4, 1e-2, sampling="log") at 1e-3, and of reverse_log at max + min - 1e-3
    assert.ok(Math.abs(place(rate, of('rate', 1e-3)) - 0.5) < 1e-12);
    const back = hyperparameterAxis({
        name: 'rate',
        hp: 'Float',
        min_value: 1e-4,
        max_value: 1e-2,
        sampling: 'reverse_log',
    });
    assert.ok(Math.abs(place(back, of('rate', 1e-2 + 1e-4 - 1e-3)) - 0.5) < 1e-12);
    for (const axis of [rate, back])
        for (const u of [0, 0.2, 0.5, 1]) assert.ok(Math.abs(axis.unit(axis.at(u)) - u) < 1e-9);
});

test('a brush takes its end values, and a value that is not set only when told to', () => {
    const brush = parseBrush(brushText({ low: 1e-4, high: 1e-3, unset: false }));
    assert.ok(passes(rate, brush, of('rate', 1e-4)) && passes(rate, brush, of('rate', 1e-3)));
    assert.ok(!passes(rate, brush, of('rate', 1.1e-3)) && !passes(rate, brush, of('rate')));
    assert.ok(passes(rate, { ...brush, unset: true }, of('rate')));
    assert.equal(parseBrush('nonsense'), null);
});

test('axes come back from an address in their order, upside down where said', () => {
    const axes = [rate, hyperparameterAxis({ name: 'a,b~c', hp: 'Choice', values: ['x', 'y'] })];
    const turned = arranged(axes, arrangement([{ ...axes[1], flipped: true }, axes[0]]));
    assert.deepEqual(
        turned.map(({ name }) => name),
        ['a,b~c', 'rate'],
    );
    assert.equal(place(turned[0], of('a,b~c', 'x')), 1);
    assert.equal(place(axes[1], of('a,b~c', 'x')), 0);
});

test('better is up on the score axis, whatever the direction', () => {
    assert.equal(place(scoreAxis('loss', 'min', 1, 3), { score: 1 }), 1);
    assert.equal(place(scoreAxis('accuracy', 'max', 1, 3), { score: 3 }), 1);
});

const trials = [
    { number: 0, score: null, state: 'failed' },
    { number: 1, score: 3, state: 'completed' },
    { number: 2, score: 1, state: 'completed' },
    { number: 3, score: 2, state: 'pruned' },
    { number: 4, score: 1, state: 'completed' },
];

test('the best so far follows the direction and starts with the first score', () => {
    assert.deepEqual(incumbents(trials, 'min'), [null, 3, 1, 1, 1]);
    assert.deepEqual(incumbents(trials, 'max'), [null, 3, 3, 3, 3]);
    assert.deepEqual(
        ranked(trials, 'min').map((trial) => trial.number),
        [2, 4, 3, 1],
    );
});

test('a score over all executions is better than the luck of one', () => {
    const once = { number: 0, score: 9, scored_executions: 1, state: 'completed' };
    const thrice = { number: 1, score: 5, scored_executions: 3, state: 'completed' };
    const later = { number: 2, score: 7, scored_executions: 3, state: 'completed' };
    assert.deepEqual(
        ranked([once, thrice, later], 'max').map((trial) => trial.number),
        [2, 1, 0],
    );
    assert.deepEqual(incumbents([once, thrice, later], 'max'), [9, 5, 7]);
});

test('a mean curve goes as far as every execution has come', () => {
    const run = (...values) => ({ epochs: values.map((loss) => ({ loss })) });
    const curves = new Map([
        [0, run(1, 2, 3)],
        [1, run(3, 4)],
    ]);
    assert.deepEqual(meanCurve(curves, 'loss'), [2, 3]);
    assert.deepEqual(meanCurve(new Map([[0, run(1, null)]]), 'loss'), [1, null]);
});

test('objectives are named as they were given', () => {
    assert.deepEqual(objectiveOf({ objective: 'val_loss', direction: 'min' }), {
        name: 'val_loss',
        direction: 'min',
        metric: 'val_loss',
    });
    assert.equal(
        objectiveOf({ objective: { expression: 'a - b' }, direction: 'max' }).name,
        'a - b',
    );
    assert.equal(objectiveOf({ objective: ['a', { name: 'b' }], direction: 'min' }).name, 'a + b');
});

test('numbers are short and keep what counts', () => {
    assert.deepEqual(
        [0.00012346, 0.3, 128, 1e-5, 12345678, null, NaN].map((v) => number(v)),
        ['0.0001235', '0.3', '128', '1e-5', '1.23e7', '–', '–'],
    );
});

test("rank correlation is Spearman's, ties at their mean rank", () => {
    // scipy.stats.spearmanr([1, 2, 2, 4, 5], [5, 6, 7, 8, 7]).statistic
    const pairs = [
        [1, 5],
        [2, 6],
        [2, 7],
        [4, 8],
        [5, 7],
    ];
    assert.ok(Math.abs(correlation(pairs) - 0.7631578947368423) < 1e-12);
    assert.equal(
        correlation([
            [1, 1],
            [1, 2],
        ]),
        null,
    );
});
