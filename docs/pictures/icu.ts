// Makes the pictures of examples/icu: runs the ward, and takes the page and its card of those in and out, light and dark.
// `node docs/pictures/icu.ts [--seconds 90]`; needs Chromium, see GAPLINE_CHROMIUM.
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { findChromium, launchBrowser } from '../../dashboard/testing/browser.ts';
import { runLine } from './run-line.ts';

const { values } = parseArgs({ options: { seconds: { type: 'string', default: '90' } } });

await runLine('icu', async (url) => {
  console.log(`The ward runs at ${url}; its pictures are taken in ${values.seconds} s.`);
  await sleep(Number(values.seconds) * 1_000);
  const browser = await launchBrowser(findChromium());
  try {
    for (const colorScheme of ['light', 'dark'] as const) {
      const page = await browser.newPage({
        ...{ colorScheme, deviceScaleFactor: 1.5 },
        viewport: { width: 1280, height: 1064 },
      });
      await page.goto(url);
      await page.locator('.fact-subject').first().waitFor();
      // One more second, so that every chart has been drawn whole.
      await sleep(1_500);
      const card = page.locator('section.facts-only');
      await card.screenshot({ path: join(import.meta.dirname, `icu-facts-${colorScheme}.png`) });
      await page.close();
    }
  } finally {
    await browser.close();
  }
});
