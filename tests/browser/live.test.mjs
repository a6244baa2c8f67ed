// What happens to open pages while studies run, coordinators die and tabs multiply.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, open } from './browser.mjs';
import { blobs, System, until } from './system.mjs';

let system, browser, context;

const at = (where) => `${system.url}/#/${where}`;

// A study that goes on until the test has seen enough.
const endless = (name) =>
    blobs(name, {
        epochs: 20,
        samples: 4000,
        tuner: { max_trials: 5000, executions_per_trial: 1 },
    });

const trialCount = (page) => page.locator('.trials').getAttribute('aria-rowcount').then(Number);

async function streams() {
    const text = await (await fetch(`${system.url}/metrics`)).text();
    return Number(/^tunerd_http_event_streams (\d+)/m.exec(text)[1]);
}

before(async () => {
    system = await System.start();
    browser = await launch();
    context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
});

after(async () => {
    await browser?.close();
    await system?.stop();
});

test('a page follows a study from its start without a reload', async () => {
    const page = await open(context, at('studies'));
    await page.getByText('No study yet').waitFor();
    await system.submit(endless('live'), false);
    await page.locator('.card', { hasText: 'live' }).getByText('completed').waitFor();
    await page.getByRole('link', { name: 'live', exact: true }).click();
    await page.locator('tr[data-trial]').first().waitFor();
    const first = await trialCount(page);
    await until('more rows', async () => (await trialCount(page)) > first + 3);
    await page
        .getByRole('group', { name: /^loss over epochs.*Trial \d+ validation: 20 epochs/ })
        .waitFor();
    assert.deepEqual(page.faults, []);
    await page.close();
});

test('it redraws at most four times a second', async () => {
    const page = await open(context, at('studies/live'));
    await page.locator('tr[data-trial]').first().waitFor();
    const redraws = await page.evaluate(
        () =>
            new Promise((resolve) => {
                let times = 0;
                const watch = new MutationObserver(() => times++);
                watch.observe(document.querySelector('.study-progress'), {
                    subtree: true,
                    childList: true,
                    characterData: true,
                    attributes: true,
                });
                setTimeout(() => resolve(times), 3000);
            }),
    );
    assert.ok(redraws >= 1 && redraws <= 13, `${redraws} in 3 s`);
    await page.close();
});

test('new data leaves zoom, scroll, focus and picks as they are', async () => {
    const page = await open(context, at('studies/live'));
    await until(
        '20 trials',
        async () => (await system.call('GET', '/studies/live')).counts.completed > 20,
    );
    await page.locator('tr[data-trial="3"]').waitFor();
    await page.getByRole('checkbox', { name: 'Pick trial 3' }).check();
    const plot = page.getByRole('group', { name: /over trials/ });
    await plot.focus();
    await page.keyboard.press('+');
    await page.getByRole('button', { name: 'Show all' }).waitFor();
    await page.locator('.table-scroll:has(.trials)').evaluate((box) => (box.scrollTop = 180));
    await page.locator('tr[data-trial="7"] .link-number').focus();
    const look = () =>
        page.evaluate(() => ({
            table: document.querySelector('.table-scroll:has(.trials)').scrollTop,
            page: scrollY,
            focus: document.activeElement.ariaLabel,
            picked: document.querySelector('tr[data-trial="3"] input').checked,
            zoom: document.querySelector('.plot-reset') !== null,
        }));
    const before = await look();
    const rows = await trialCount(page);
    await until('more rows', async () => (await trialCount(page)) > rows + 5);
    assert.deepEqual(await look(), before);
    assert.ok(before.zoom && before.picked && before.table === 180);
    assert.deepEqual(page.faults, []);
    await page.close();
});

test('eight tabs share one stream, and all of them load and follow', async () => {
    const tabs = [];
    for (let i = 0; i < 8; i++) tabs.push(await open(context, at('studies/live')));
    for (const page of tabs) {
        await page.locator('.live.is-live').waitFor();
        await page.locator('tr[data-trial]').first().waitFor();
    }
    await until('one stream', async () => (await streams()) === 1);
    const counts = await Promise.all(tabs.map(trialCount));
    await Promise.all(
        tabs.map((page, i) => until(`tab ${i}`, async () => (await trialCount(page)) > counts[i])),
    );
    for (const page of tabs.slice(0, 7)) await page.close();
    const last = await trialCount(tabs[7]);
    await until('the last tab', async () => (await trialCount(tabs[7])) > last);
    await until('one stream', async () => (await streams()) === 1);
    assert.deepEqual(
        tabs.flatMap((page) => page.faults),
        [],
    );
    await tabs[7].close();
});

test('without SharedWorker one tab leads, and another takes over when it closes', async () => {
    const plain = await browser.newContext();
    await plain.addInitScript(() => delete window.SharedWorker);
    const [leader, follower] = [
        await open(plain, at('studies/live')),
        await open(plain, at('studies/live')),
    ];
    for (const page of [leader, follower]) await page.locator('.live.is-live').waitFor();
    await until('one stream', async () => (await streams()) === 1);
    await follower.locator('tr[data-trial]').first().waitFor();
    const rows = await trialCount(follower);
    await until('the follower', async () => (await trialCount(follower)) > rows);
    await leader.close();
    const then = await trialCount(follower);
    await until('the new leader', async () => (await trialCount(follower)) > then);
    await plain.close();
});

test('pause, resume and cancel act at once in the page', async () => {
    const page = await open(context, at('studies/live'));
    const head = page.locator('.study-title');
    await page.getByRole('button', { name: 'Pause' }).click();
    await head.getByText('paused', { exact: true }).waitFor();
    await until('the last trial', async () => (await system.study('live')).counts.running === 0);
    const chips = page.getByRole('group', { name: 'Filters' });
    await chips.getByRole('button', { name: 'running' }).waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'Resume' }).click();
    await head.getByText('running', { exact: true }).waitFor();
    await page.getByRole('button', { name: 'Cancel', exact: true }).click();
    await page.getByRole('button', { name: 'Cancel study' }).click();
    await head.getByText('cancelled', { exact: true }).waitFor();
    assert.equal((await system.study('live')).state, 'cancelled');
    assert.deepEqual(page.faults, []);
    await page.close();
});

test('the workers page shows what runs where', async () => {
    await system.submit(endless('busy'), false);
    const page = await open(context, at('workers'));
    await page.getByRole('heading', { name: 'worker-0' }).waitFor();
    await page.locator('.slot.is-busy', { hasText: 'busy' }).first().waitFor();
    await page.close();
});

test('a page goes on by itself after the coordinator was killed and started again', async () => {
    const page = await open(context, at('studies/busy'));
    await page.locator('.live.is-live').waitFor();
    await page.locator('tr[data-trial]').first().waitFor();
    await system.killCoordinator();
    await page.locator('.live.is-offline').waitFor();
    const rows = await trialCount(page);
    await system.startCoordinator();
    await page.locator('.live.is-live').waitFor();
    await until('new trials', async () => (await trialCount(page)) > rows + 2);
    const known = (await system.call('GET', '/studies/busy/trials?page_size=1000&sort=number'))
        .trials;
    await until('every trial', async () => (await trialCount(page)) - 1 >= known.length);
    await page.close();
    await system.call('POST', '/studies/busy/cancel');
});
