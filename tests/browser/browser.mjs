// Debian's Chromium, and pages that keep count of whatever must not happen.
import { chromium } from 'playwright-core';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';

const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');
const FLAGS = [
    '--no-sandbox',
    '--headless',
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
];

export const launch = () =>
    chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: FLAGS });

// A page whose `faults` lists console errors, uncaught errors and breaches of the content security policy.
export async function open(context, address) {
    const page = await context.newPage();
    page.faults = [];
    page.on(
        'console',
        (message) =>
            ['error', 'warning'].includes(message.type()) && page.faults.push(message.text()),
    );
    page.on('pageerror', (error) => page.faults.push(String(error.stack)));
    await page.addInitScript(() =>
        document.addEventListener('securitypolicyviolation', (event) =>
            console.error(
                `policy: ${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`,
            ),
        ),
    );
    await page.goto(address);
    return page;
}

// What axe finds on the page, as lines of text.
export async function axe(page) {
    await page.evaluate(await readFile(AXE, 'utf8'));
    const { violations } = await page.evaluate(() =>
        window.axe.run(document, {
            runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice'],
        }),
    );
    return violations.map(
        ({ id, help, nodes }) =>
            `${id}: ${help}: ${nodes
                .slice(0, 3)
                .map((node) => `${node.target} ${node.failureSummary}`)
                .join('; ')}`,
    );
}
