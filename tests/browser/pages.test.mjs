// What the pages show of finished studies, and what a reader does with them.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { axe, launch, open } from './browser.mjs';
import { blobs, System, until } from './system.mjs';

const NASTY =
    '<img src=x onerror="document.title=\'broken in\'"> & <script>document.title="broken in"</script>';

let system, browser, context;

const at = (where) => `${system.url}/#/${where}`;
const rows = (page) => page.locator('tr[data-trial]');
const showsRows = (page, count) =>
    page.waitForFunction(
        (count) => document.querySelectorAll('tr[data-trial]').length === count,
        count,
    );

before(async () => {
    system = await System.start();
    browser = await launch();
    context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
});

after(async () => {
    await browser?.close();
    await system?.stop();
});

test('an empty coordinator shows how to submit the first study', async () => {
    const page = await open(context, at('studies'));
    await page.getByText('No study yet').waitFor();
    const command = await page.locator('.command').innerText();
    assert.match(command, /curl .*fashion-mlp\.json.*\/api\/v1\/studies/);
    assert.ok(command.includes(system.url));
    assert.deepEqual(await axe(page), []);
    assert.deepEqual(page.faults, []);
    await page.close();
});

test('a finished study appears in the list with its state, counts and best score', async () => {
    const page = await open(context, at('studies'));
    await system.submit(blobs('finished', { description: NASTY }));
    const { best_trial: best } = await system.study('finished');
    const card = page.locator('.card', { hasText: 'finished' });
    await card.getByText('12 completed').waitFor();
    await card.getByText(best.score.toFixed(4)).waitFor();
    await card.locator('[role=progressbar][aria-valuenow="100"]').waitFor();
    assert.deepEqual(page.faults, []);
    await page.close();
});

test('the best hyperparameters are those the API gives', async () => {
    const page = await open(context, at('studies/finished'));
    const { best_trial: best } = await system.study('finished');
    const panel = page.getByRole('region', { name: 'Best hyperparameters' });
    await panel.getByText(best.score.toFixed(4)).waitFor();
    for (const [name, value] of Object.entries(best.hyperparameters)) {
        const shown = await panel
            .locator('div', { has: page.getByText(name, { exact: true }) })
            .locator('dd')
            .first()
            .innerText();
        if (typeof value === 'number')
            assert.ok(
                Math.abs(Number(shown) - value) <= 1e-3 * Math.abs(value),
                `${name}: ${shown} for ${value}`,
            );
        else assert.equal(shown, String(value));
    }
    await showsRows(page, 12);
    assert.deepEqual(page.faults, []);
    await page.close();
});

test('text from users stays text, wherever it is shown', async () => {
    await system.call('POST', '/studies', {
        name: 'nasty',
        description: NASTY,
        parameters: [
            { hp: 'Float', name: NASTY, min_value: 0, max_value: 1 },
            { hp: 'Choice', name: 'choice', values: [NASTY, 'tame'] },
        ],
        tuner: {
            type: 'RandomSearch',
            objective: { name: NASTY, direction: 'max' },
            max_trials: 9,
        },
    });
    const trial = (number, what, body) =>
        system.call('POST', `/studies/nasty/trials/${number}/${what}`, body);
    const ask = { count: 4, client_id: 'client <img src=x>' };
    const { trials } = await system.call('POST', '/studies/nasty/suggest', ask);
    for (const { number } of trials.slice(1))
        await trial(number, 'complete', { metrics: { [NASTY]: number } });
    await trial(trials[0].number, 'complete', { infeasible_reason: NASTY });

    const page = await open(context, at('studies/nasty?trial=0'));
    const shown = page.getByRole('dialog').locator('.reason');
    await shown.waitFor();
    assert.equal(await shown.innerText(), NASTY);
    assert.equal(await page.locator('.description').innerText(), NASTY);
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    const tip = page.locator('.tip dt', { hasText: NASTY }).first();
    await until('the tip of a point', async () => {
        await page.getByRole('group', { name: /over trials/ }).focus();
        await page.keyboard.press('ArrowRight');
        return tip.isVisible();
    });
    for (const where of ['', '?by=slices', '?tab=document']) {
        await page.goto(at(`studies/nasty${where}`));
        await page.locator('.study .panel').first().getByText('onerror').first().waitFor();
        assert.equal(await page.locator('img, main script').count(), 0);
    }
    assert.match(await page.title(), /nasty/);
    assert.deepEqual(page.faults, []);
    await page.close();
    await system.call('POST', '/studies/nasty/cancel');
});

test('a filter is in the address, holds for table and count, and survives a reload', async () => {
    const page = await open(context, at('studies/finished'));
    const { trials } = await system.call('GET', '/studies/finished/trials');
    await rows(page).first().waitFor();
    await page.getByRole('button', { name: 'Range' }).click();
    await page.getByLabel('From').fill('0.001');
    await page.getByLabel('To').fill('0.05');
    await page.getByLabel('Hyperparameter', { exact: true }).selectOption('learning_rate');
    await page.getByRole('button', { name: 'Filter', exact: true }).click();
    const inside = trials.filter(
        ({ hyperparameters: { learning_rate: rate } }) => rate >= 0.001 && rate <= 0.05,
    ).length;
    await page.getByText(`${inside} of 12 trials`).waitFor();
    await showsRows(page, inside);
    await page.reload();
    await page.getByText(`${inside} of 12 trials`).waitFor();
    await page.getByRole('button', { name: 'Remove filter learning_rate' }).click();
    await showsRows(page, 12);
    assert.deepEqual(page.faults, []);
    await page.close();
});

test('dragging along an axis of the parallel coordinates filters the page', async () => {
    const page = await open(context, at('studies/finished'));
    const canvas = page.locator('.parallel canvas');
    await canvas.scrollIntoViewIfNeeded();
    const box = await canvas.boundingBox();
    const score = box.x + box.width - 56;
    await page.mouse.move(score, box.y + 5);
    await page.mouse.down();
    await page.mouse.move(score, box.y + box.height * 0.4, { steps: 4 });
    await page.mouse.up();
    await page.getByRole('button', { name: 'Remove filter val_accuracy' }).waitFor();
    await until('fewer rows', async () => {
        const shown = await rows(page).count();
        return shown > 0 && shown < 12;
    });
    await page.close();
});

test('the table sorts by score, best first at the first click', async () => {
    const page = await open(context, at('studies/finished'));
    await page.getByRole('columnheader', { name: 'val_accuracy' }).getByRole('button').click();
    await page.waitForURL(/sort=-score/);
    await until('twelve rows from best to worst', async () => {
        const scores = (await rows(page).locator('td:nth-child(4)').allInnerTexts()).map(Number);
        return scores.length === 12 && scores.every((s, i) => i === 0 || s <= scores[i - 1]);
    });
    await page.close();
});

test('a trial opens with its curves, executions and report', async () => {
    const { best_trial: best } = await system.study('finished');
    const page = await open(context, at(`studies/finished?trial=${best.number}`));
    const drawer = page.getByRole('dialog', { name: `Trial ${best.number}` });
    await drawer.getByRole('heading', { name: 'Confusion matrix' }).waitFor();
    const report = await system.call('GET', `/studies/finished/trials/${best.number}/report`);
    const cells = (await drawer.locator('.confusion tbody td').allInnerTexts()).map(Number);
    assert.deepEqual(cells, report.confusion_matrix.flat());
    await drawer
        .getByText(`${report.summary.total_parameters.toLocaleString('en-US')} parameters`)
        .waitFor();
    const executions = drawer.getByRole('group', { name: 'Executions' }).locator('tbody tr');
    await until('two executions', async () => (await executions.count()) === 2);
    await drawer.getByRole('group', { name: /^loss over epochs.*4 epochs/ }).waitFor();
    assert.deepEqual(await axe(page), []);
    assert.deepEqual(page.faults, []);
    await page.close();
});

test('a trial gives its weights to the disk, or says why there are none', async () => {
    const { best_trial: best } = await system.study('finished');
    const page = await open(context, at(`studies/finished?trial=${best.number}`));
    const button = page.getByRole('button', { name: 'Weights' });
    const [download] = await Promise.all([page.waitForEvent('download'), button.click()]);
    assert.equal(download.suggestedFilename(), `finished-trial-${best.number}.safetensors`);
    const bytes = await readFile(await download.path());
    const header = JSON.parse(bytes.subarray(8, 8 + Number(bytes.readBigUInt64LE(0))).toString());
    assert.equal(header.__metadata__.trial, String(best.number));
    const { trials } = await system.call('GET', '/studies/finished/best?num_trials=12');
    assert.ok(trials.length > 10, 'all are kept');
    await page.goto(at(`studies/finished?trial=${trials[10].number}`));
    await page.getByRole('dialog', { name: `Trial ${trials[10].number}` }).waitFor();
    await button.click();
    await page.getByText('of a study those of the 10 best trials are').waitFor();
    await page.close();
});

test('everything can be done from the keyboard', async () => {
    const page = await open(context, at('studies'));
    await page.getByRole('link', { name: 'finished' }).waitFor();
    await page.keyboard.press('Tab');
    assert.equal(await page.evaluate(() => document.activeElement.textContent), 'Skip to content');
    await page.keyboard.press('Enter');
    await page.getByRole('link', { name: 'finished' }).focus();
    await page.keyboard.press('Enter');
    await rows(page).first().waitFor();
    await page.getByRole('button', { name: /^Trial 0/ }).focus();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await page.getByRole('dialog', { name: 'Trial 2' }).waitFor();
    await page.keyboard.press('j');
    await page.getByRole('dialog', { name: 'Trial 3' }).waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await page.waitForFunction(() => /^Trial 2/.test(document.activeElement.ariaLabel));
    await page.getByRole('group', { name: /over trials/ }).focus();
    await page.keyboard.press('ArrowRight');
    await page.locator('.tip', { hasText: 'Trial 0' }).waitFor();
    await page.keyboard.press('+');
    await page.getByRole('button', { name: 'Show all' }).waitFor();
    assert.deepEqual(page.faults, []);
    await page.close();
});

test('a wrong document is answered with every fault and its place', async () => {
    const page = await open(context, at('studies'));
    await page.getByRole('button', { name: 'New study' }).click();
    const document = blobs('wrong');
    document.model.layers[1].units = 0;
    document.tuner.objective = 'val_f1';
    await page.getByLabel('Study document').fill(JSON.stringify(document));
    await page.getByRole('button', { name: 'Submit' }).click();
    const faults = page.getByRole('alert');
    await faults.getByText('/model/layers/1/units').waitFor();
    await faults.getByText('/tuner/objective').waitFor();
    assert.deepEqual(await axe(page), []);
    await page.close();
});

test('the example of the dialog is a study that runs', async () => {
    const page = await open(context, at('studies'));
    await page.getByRole('button', { name: 'New study' }).click();
    await page.getByRole('button', { name: 'Use an example' }).click();
    await page.getByRole('button', { name: 'Check only' }).click();
    await page.getByText('The document holds: 3 hyperparameters').waitFor();
    await page.getByRole('button', { name: 'Submit' }).click();
    await page.getByRole('heading', { name: 'first-steps' }).waitFor();
    await page.locator('.study-title').getByText('completed', { exact: true }).waitFor();
    assert.deepEqual(page.faults, []);
    await page.close();
});

test('the theme follows the system until the reader chooses, and the choice stays', async () => {
    const own = await browser.newContext({ colorScheme: 'dark' });
    const page = await open(own, at('studies'));
    const theme = (name) =>
        page.waitForFunction((name) => document.documentElement.dataset.theme === name, name);
    await theme('dark');
    await page.emulateMedia({ colorScheme: 'light' });
    await theme('light');
    await page.getByRole('button', { name: 'Dark theme' }).click();
    await page.reload();
    await theme('dark');
    await own.close();
});

for (const colorScheme of ['light', 'dark'])
    test(`axe finds nothing on any page in ${colorScheme}`, async () => {
        const themed = await browser.newContext({
            colorScheme,
            viewport: { width: 1440, height: 900 },
        });
        for (const where of [
            'studies',
            'studies/finished',
            'studies/finished?tab=document',
            'workers',
            'datasets',
        ]) {
            const page = await open(themed, at(where));
            await page.locator('.card, tr[data-trial], .code, .worker').first().waitFor();
            assert.deepEqual(await axe(page), [], where);
            assert.deepEqual(page.faults, [], where);
            await page.close();
        }
        await themed.close();
    });

test('no page is wider than a telephone', async () => {
    const narrow = await browser.newContext({ viewport: { width: 360, height: 740 } });
    for (const where of [
        'studies',
        'studies/finished',
        'studies/finished?trial=0',
        'studies/finished?tab=document',
        'workers',
        'datasets',
    ]) {
        const page = await open(narrow, at(where));
        await page.locator('.card, tr[data-trial], .code, .worker').first().waitFor();
        const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        assert.ok(over <= 0, `${where} is ${over} pixels too wide`);
        await page.close();
    }
    await narrow.close();
});

test('a finished study is deleted after a question, and leaves every tab', async () => {
    await system.submit(blobs('doomed', { tuner: { max_trials: 1 } }));
    const list = await open(context, at('studies'));
    const page = await open(context, at('studies/doomed'));
    await page.getByRole('button', { name: 'Delete' }).click();
    await page.getByRole('button', { name: 'Keep as it is' }).click();
    await page.getByRole('button', { name: 'Delete' }).click();
    await page.getByRole('button', { name: 'Delete study' }).click();
    await page.getByRole('link', { name: 'finished' }).waitFor();
    await list.locator('.card', { hasText: 'doomed' }).waitFor({ state: 'detached' });
    // a question about it may have been under way
    const faults = [...page.faults, ...list.faults].filter((fault) => !/ 404 /.test(fault));
    assert.deepEqual(faults, []);
    await page.close();
    await list.close();
});
