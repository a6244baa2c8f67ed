// Writes a picture of a page: node screenshot.mjs URL out.png [width] [height] [light|dark]
import { launch } from './browser.mjs';

const [url, file, width = '1280', height = '860', colorScheme = 'light'] = process.argv.slice(2);
if (!file) {
    console.error('usage: screenshot.mjs URL out.png [width] [height] [light|dark]');
    process.exit(2);
}
const browser = await launch();
const page = await browser.newPage({
    viewport: { width: Number(width), height: Number(height) },
    colorScheme,
});
await page.goto(url);
await page.waitForFunction(
    () => document.querySelector('.live.is-live') && !document.querySelector('.loading'),
);
await page.waitForLoadState('load');
await page.evaluate(() => document.fonts.ready);
await page.waitForTimeout(1000); // what is live paints at most four times a second
await page.screenshot({ path: file });
await browser.close();
