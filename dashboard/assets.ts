import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { type Asset, asset, css, readPageFiles, script } from '../core/http/page-files.ts';
import type { ModelOption } from './controls.ts';
import { barsOfMany, mostBars, mostSquares } from './page/sizes.ts';

const pageFolder = join(import.meta.dirname, 'page');

/** Reads the page's files once. */
export async function readAssets(): Promise<Map<string, Asset>> {
  const assets = await readPageFiles(pageFolder);
  const vendor = join(dirname(createRequire(import.meta.url).resolve('uplot/package.json')), 'dist');
  assets.set('/vendor/uplot.js', asset(script, await readFile(join(vendor, 'uPlot.esm.js'), 'utf8')));
  assets.set('/vendor/uplot.css', asset(css, await readFile(join(vendor, 'uPlot.min.css'), 'utf8')));
  return assets;
}

/** What the page contains before its first event, so that nothing moves when that comes. */
export interface PageFacts {
  readonly stream: string;
  readonly fieldCount: number;
  /** What the generator leaves out, from 0 to 1; null where there is nothing to control, or the reader may not. */
  readonly gapRate: number | null;
  /** The versions that the reader may let label; with fewer than two there is nothing to choose. */
  readonly models: readonly ModelOption[];
  /** Whether the stream has windows, as far as it is known by now. */
  readonly hasWindows: boolean;
  /** Whether a challenger labels, too, as far as it is known by now. */
  readonly hasDuel: boolean;
  /** Whether the stream has rules that raise alerts. */
  readonly hasAlerts: boolean;
  /** Whether the stream takes facts. */
  readonly hasFacts: boolean;
  /** Whether the reader came with a session that can be ended. */
  readonly hasSession: boolean;
}

export interface Pages {
  live(facts: PageFacts): Asset;
  /** Asks for a token; `message` is what was wrong with the last one. */
  signIn(stream: string, message: string): Asset;
}

/** Reads the templates once; the present values are filled in at each request. */
export async function readPages(): Promise<Pages> {
  const [live, signIn] = await Promise.all([readTemplate('index.html'), readTemplate('sign-in.html')]);
  return {
    live: ({ stream, fieldCount, gapRate, models, hasSession, hasWindows, hasDuel, hasAlerts, hasFacts }) =>
      live({
        stream: escapeHtml(stream),
        controls: gapRate === null ? 'no' : 'yes',
        gapPercent: String(Math.round((gapRate ?? 0) * 100)),
        choice: models.length > 1 ? 'yes' : 'no',
        models: models.length > 1 ? models.map(radioOf).join('') : '',
        windows: hasWindows ? 'yes' : 'no',
        duel: hasDuel ? 'yes' : 'no',
        alerts: hasAlerts ? 'yes' : 'no',
        facts: hasFacts ? 'yes' : 'no',
        session: hasSession ? 'yes' : 'no',
        // Room for what the script will fill in: the page may be painted before that.
        bars: '<li></li>'.repeat(fieldCount > mostBars ? barsOfMany : fieldCount),
        mapScrolls: fieldCount > mostSquares ? 'yes' : 'no',
        squares: '<i></i>'.repeat(fieldCount > mostBars ? fieldCount : 0),
      }),
    signIn: (stream, message) => signIn({ stream: escapeHtml(stream), message: escapeHtml(message) }),
  };
}

function radioOf({ version, names, serves }: ModelOption): string {
  const input = `<input type="radio" name="model" value="${version}"${serves ? ' checked' : ''}>`;
  const inBrackets = names.length > 0 ? ` (${escapeHtml(names.join(', '))})` : '';
  return `<label>${input}<span>${version}${inBrackets}</span></label>`;
}

async function readTemplate(name: string): Promise<(values: Record<string, string>) => Asset> {
  const template = await readFile(join(pageFolder, name), 'utf8');
  return (values) =>
    asset(
      'text/html; charset=utf-8',
      template.replaceAll(/\{\{(\w+)\}\}/g, (_whole, place: string) => values[place] ?? ''),
    );
}

function escapeHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}
