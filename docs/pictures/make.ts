// Makes the README's pictures of the live page: runs the example's line, moves the gap slider up and down again, and takes the
// page as it then is, light and dark. `node docs/pictures/make.ts [--seconds 150]`; needs Chromium, see GAPLINE_CHROMIUM.
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { findChromium, launchBrowser } from '../../dashboard/testing/browser.ts';
import { runLine } from './run-line.ts';

const { values } = parseArgs({ options: { seconds: { type: 'string', default: '150' } } });
const totalMs = Number(values.seconds) * 1_000;

/** What the slider is set to, and for which share of the time. */
const story: readonly (readonly [gapRate: number, share: number])[] = [
  [0.1, 0.4],
  [0.5, 0.25],
  [0.1, 0.35],
];

await runLine('spambase', async (url) => {
  console.log(`The line runs at ${url}; its pictures are taken in ${values.seconds} s.`);
  for (const [gapRate, share] of story) {
    await setGapRate(url, gapRate);
    await sleep(share * totalMs);
  }
  await takePictures(url);
});

async function setGapRate(url: string, gapRate: number): Promise<void> {
  const response = await fetch(`${url}/controls/gap-rate`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ gapRate }),
  });
  if (!response.ok) throw new Error(`the slider did not move: ${await response.text()}`);
}

async function takePictures(url: string): Promise<void> {
  const browser = await launchBrowser(findChromium());
  try {
    for (const colorScheme of ['light', 'dark'] as const) {
      const page = await browser.newPage({
        colorScheme,
        viewport: { width: 1280, height: 1064 },
        deviceScaleFactor: 1.5,
      });
      await page.goto(url);
      await page.locator('#recent .chip').first().waitFor();
      // One more second, so that every chart has been drawn whole.
      await sleep(1_500);
      const path = join(import.meta.dirname, `page-${colorScheme}.png`);
      await page.screenshot({ path });
      console.log(path);
    }
  } finally {
    await browser.close();
  }
}
