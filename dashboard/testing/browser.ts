import { accessSync, constants } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';

/** Where a Chromium is: what `GAPLINE_CHROMIUM` names, or where Debian's package puts it; undefined where there is none. */
export function findChromium(): string | undefined {
  const path = process.env.GAPLINE_CHROMIUM ?? '/usr/bin/chromium';
  return isExecutable(path) ? path : undefined;
}

/** Starts Chromium so that it talks to nobody but the page. */
export async function launchBrowser(executablePath: string | undefined): Promise<Browser> {
  if (executablePath === undefined) {
    throw new Error('no browser was found: install Chromium, or name one in GAPLINE_CHROMIUM');
  }
  const quiet = ['quic', 'background-networking', 'component-update', 'sync'].map((name) => `--disable-${name}`);
  return chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu', '--no-first-run', ...quiet] });
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
