// Makes the README's pictures of the live page: runs the example's line, moves the gap slider up and down again, and takes the
// page as it then is, light and dark. `node docs/pictures/make.ts [--seconds 150]`; needs Chromium, see GAPLINE_CHROMIUM.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { findChromium, launchBrowser } from '../../dashboard/testing/browser.ts';

const root = resolve(import.meta.dirname, '../..');
const { values } = parseArgs({ options: { seconds: { type: 'string', default: '150' } } });
const totalMs = Number(values.seconds) * 1_000;

/** What the slider is set to, and for which share of the time. */
const story: readonly (readonly [gapRate: number, share: number])[] = [
  [0.1, 0.4],
  [0.5, 0.25],
  [0.1, 0.35],
];

const dataFolder = mkdtempSync(join(tmpdir(), 'gapline-pictures-'));
const config = join(root, 'examples/spambase/stream.yaml');
const ports = ['--page-port', '0', '--collector-port', '0'];
const line = spawn(join(root, 'gapline'), ['up', '--config', config, '--data', dataFolder, ...ports], {
  stdio: ['ignore', 'pipe', 'inherit'],
});
try {
  const url = await addressOf(line);
  console.log(`The line runs at ${url}; its pictures are taken in ${values.seconds} s.`);
  for (const [gapRate, share] of story) {
    await setGapRate(url, gapRate);
    await sleep(share * totalMs);
  }
  await takePictures(url);
} finally {
  line.kill('SIGTERM');
  if (line.exitCode === null && line.signalCode === null) await once(line, 'exit');
  rmSync(dataFolder, { recursive: true });
}

/** The live page's address, as the line prints it once it runs. */
function addressOf({ stdout }: ChildProcess): Promise<string> {
  return new Promise((found, failed) => {
    let printed = '';
    // Continues reading: a line whose output nobody takes could not print its summary at the end.
    stdout?.on('data', (chunk) => {
      printed += chunk;
      const address = /live page:\s+(http\S+)\n/.exec(printed)?.[1];
      if (address) found(address);
    });
    stdout?.on('end', () => failed(new Error('the line ended before it ran')));
  });
}

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
