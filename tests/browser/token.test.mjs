// A coordinator that asks for a token.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { axe, launch, open } from './browser.mjs';
import { System } from './system.mjs';

const TOKEN = 'correct-horse-battery-staple-0123456789abcdef';
let system, browser;

before(async () => {
    system = await System.start({ workers: 0, token: TOKEN });
    browser = await launch();
});

after(async () => {
    await browser?.close();
    await system?.stop();
});

test('the page asks, refuses a wrong token, and goes on with the right one', async () => {
    const context = await browser.newContext();
    const page = await open(context, `${system.url}/`);
    const field = page.getByRole('textbox', { name: 'Token' });
    await field.waitFor();
    assert.deepEqual(await axe(page), []);
    await field.fill('wrong');
    await page.keyboard.press('Enter');
    await page.getByText('not accepted').waitFor();
    await field.fill(TOKEN);
    await page.keyboard.press('Enter');
    await page.getByText('No study yet').waitFor();
    await page.locator('.live.is-live').waitFor();
    const other = await open(context, `${system.url}/#/workers`);
    await other.getByText('No worker yet').waitFor();
    assert.ok(!page.url().includes(TOKEN));
    const kept = await context.storageState();
    assert.ok(!JSON.stringify(kept).includes(TOKEN), 'neither cookies nor localStorage hold it');
    await context.close();
});
