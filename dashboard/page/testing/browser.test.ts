import pino from 'pino';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { Access } from '../../../core/access/access.ts';
import { findChromium, launchBrowser } from '../../testing/browser.ts';
import { Scene, type SceneOptions } from '../../testing/scene.ts';
import { driftOf } from '../../testing/simulated-line.ts';
import { contrasts, isDrawn, shadedShare, shifts } from './in-page.ts';
import { look, type Misdeeds } from './look.ts';

const chromium = findChromium();
const here = chromium !== undefined || process.env.GAPLINE_REQUIRE_BROWSER === '1';
const title = here
  ? 'the live page in a browser'
  : 'the live page in a browser: NOT TESTED, no browser was found (install Chromium, or name one in GAPLINE_CHROMIUM)';
if (!here) console.warn(title);
/** The machine may be busy with other things. */
const waiting = { timeout: 15_000, interval: 100 };
const soon = (check: () => Promise<void>) => vi.waitFor(check, waiting);

describe.skipIf(!here)(title, { timeout: 60_000 }, () => {
  let browser: Browser;
  const scenes: Scene[] = [];
  const pages: Page[] = [];

  beforeAll(async () => {
    browser = await launchBrowser(chromium);
  });
  afterAll(async () => {
    await browser?.close();
  });
  afterEach(async () => {
    await Promise.all(pages.splice(0).map((page) => page.context().close()));
    await Promise.all(scenes.splice(0).map((scene) => scene.stop()));
  });

  async function open(options: SceneOptions = {}, context: BrowserContextOptions = {}) {
    const scene = new Scene(options);
    scenes.push(scene);
    await scene.start();
    const { page, misdeeds } = await look(browser, scene.url, context);
    pages.push(page);
    await soon(async () => expect(await text(page, '#readings-rate')).not.toBe('–'));
    return { scene, page, misdeeds };
  }

  test('shows the recent past at once, then what happens', async () => {
    const { page, misdeeds } = await open();
    await soon(async () => {
      expect(number(await text(page, '#readings-rate'))).toBeGreaterThan(10);
      expect(number(await text(page, '#gap-share'))).toBeGreaterThan(5);
      expect(number(await text(page, '#accuracy'))).toBeGreaterThan(85);
      expect(number(await text(page, '#f1'))).toBeGreaterThan(85);
      expect(await text(page, '#latency')).toMatch(/^\d+\.\d ms$/);
      expect(await text(page, '#latency-note')).toMatch(/^p99 /);
      expect(await text(page, '#lag')).toBe('3');
      expect(await text(page, '#model')).toBe('spambase version 1');
      expect(await text(page, '#health-text')).toBe('All 5 stages report.');
    });
    expect(await page.getByRole('table', { name: 'Last predictions' }).getByRole('row').count()).toBe(9);
    expect(await page.locator('#recent .filled').count()).toBeGreaterThan(0);
    expect(await page.locator('#matrix-frame td.right').count()).toBe(2);
    expect(await page.locator('#fields-bars li').count()).toBe(7);
    expect(await page.locator('#field-map i').count()).toBe(57);
    for (const id of ['accuracy', 'gaps', 'labels', 'rates', 'latency']) expect(await isDrawn(page, id)).toBe(true);
    const before = await text(page, '#accuracy-note');
    await soon(async () => expect(await text(page, '#accuracy-note')).not.toBe(before));
    expectGood(misdeeds);
  });

  test.each([
    ['wide', 1440],
    ['on a phone', 360],
  ])('nothing moves while it fills and lives, %s', async (_name, width) => {
    const { page, misdeeds } = await open({ past: 60 }, { viewport: { width, height: 4_000 } });
    await soon(async () => expect(await page.locator('#recent .chip').count()).toBeGreaterThan(8));
    const before = await text(page, '#accuracy-note');
    await soon(async () => expect(await text(page, '#accuracy-note')).not.toBe(before));
    expect(await shifts(page)).toEqual([]);
    expectGood(misdeeds);
  });

  test('nothing moves when the first readings ever come', async () => {
    const { scene, page } = await open({ past: 0 });
    expect(scene.line.stream.fields).toHaveLength(57);
    expect(await page.locator('#field-map').getAttribute('tabindex')).toBeNull();
    await soon(async () => expect(await page.locator('#recent .chip').count()).toBeGreaterThan(8));
    await soon(async () => expect(await text(page, '#accuracy')).not.toBe('–'));
    expect(await shifts(page)).toEqual([]);
  });

  test.each<[string, SceneOptions]>([
    ['57 fields and 2 classes', {}],
    ['2 fields, no truth', { fields: ['temperature', 'humidity'], classes: ['low', 'high'], truth: false }],
    [
      '500 fields and 30 classes',
      {
        fields: Array.from({ length: 500 }, (_, index) => `a_sensor_with_a_long_name_${index}`),
        classes: Array.from({ length: 30 }, (_, index) => `condition of the plant ${index}`),
        past: 20,
      },
    ],
  ])('fits a phone: %s', async (_name, options) => {
    const { page, misdeeds } = await open(options, { viewport: { width: 360, height: 740 } });
    await soon(async () => expect(await page.locator('#recent .chip').count()).toBeGreaterThan(1));
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
    const scrolls = (options.fields?.length ?? 0) > 300;
    expect(await page.locator('#field-map').getAttribute('tabindex')).toBe(scrolls ? '0' : null);
    expectGood(misdeeds);
  });

  test('without truth, what needs it is not there', async () => {
    const { page } = await open({ truth: false });
    await soon(async () => expect(await page.locator('#accuracy').isVisible()).toBe(false));
    expect(await page.getByRole('heading', { name: 'Confusion matrix' }).isVisible()).toBe(false);
    expect(await page.getByRole('heading', { name: 'Gaps over time' }).isVisible()).toBe(true);
    expect(await isDrawn(page, 'gaps')).toBe(true);
  });

  test('without a generator there is no slider', async () => {
    const { page } = await open({ controls: false });
    expect(await page.getByRole('slider').count()).toBe(0);
  });

  test('the slider by keyboard: the generator follows, and the accuracy changes', async () => {
    const { scene, page } = await open({ past: 30, rate: 200 });
    const slider = page.getByRole('slider', { name: 'Leave out values' });
    await slider.focus();
    await page.keyboard.press('ArrowRight');
    await soon(async () => expect(scene.line.gapRate).toBeCloseTo(0.11));
    expect(await slider.getAttribute('aria-valuetext')).toBe('11 percent of values left out');
    await page.keyboard.press('End');
    await soon(async () => expect(scene.line.gapRate).toBeCloseTo(0.6));
    expect(await text(page, '#gap-rate-output')).toBe('60%');
    await soon(async () => {
      expect(number(await text(page, '#gap-share'))).toBeGreaterThan(25);
      expect(number(await text(page, '#accuracy'))).toBeLessThan(92);
    });
    await page.keyboard.press('Home');
    await soon(async () => expect(scene.line.gapRate).toBe(0));
  });

  test('the slider by mouse, and a second page follows', async () => {
    const { scene, page } = await open();
    const slider = page.getByRole('slider', { name: 'Leave out values' });
    await slider.scrollIntoViewIfNeeded();
    const box = (await slider.boundingBox())!;
    const y = box.y + box.height / 2;
    await page.mouse.move(box.x + 12 + (box.width - 24) / 6, y);
    await page.mouse.down();
    for (const part of [0.3, 0.5, 0.7, 0.75]) await page.mouse.move(box.x + 12 + (box.width - 24) * part, y);
    await page.mouse.up();
    await soon(async () => expect(scene.line.gapRate).toBeCloseTo(0.45, 2));
    const other = await look(browser, scene.url);
    pages.push(other.page);
    await soon(async () => expect(await text(other.page, '#gap-rate-output')).toBe('45%'));
    await page.getByRole('slider').press('PageDown');
    await soon(async () => {
      expect(scene.line.gapRate).toBeLessThan(0.45);
      expect(await text(other.page, '#gap-rate-output')).toBe(`${Math.round(scene.line.gapRate * 100)}%`);
    });
  });

  test('the model is chosen by keyboard and mouse, a second page follows, and nothing else moves', async () => {
    const models = { 1: ['mean'], 2: ['champion'] };
    const { scene, page, misdeeds } = await open({ past: 30, rate: 200, gapRate: 0.5, models });
    const other = await look(browser, scene.url, { viewport: { width: 360, height: 740 } });
    pages.push(other.page);
    const radio = (at: Page, name: string) => at.getByRole('group', { name: 'Model' }).getByRole('radio', { name });
    expect(await radio(page, '1 (mean)').isChecked()).toBe(true);
    await soon(async () => expect(number(await text(page, '#accuracy'))).toBeLessThan(89));
    await radio(page, '1 (mean)').focus();
    await page.keyboard.press('ArrowRight');
    await soon(async () => expect(scene.line.version).toBe(2));
    await soon(async () => expect(await text(page, '#model')).toBe('spambase version 2'));
    await soon(async () => expect(number(await text(page, '#accuracy'))).toBeGreaterThan(91));
    await soon(async () => expect(await radio(other.page, '2 (champion)').isChecked()).toBe(true));
    expect(await other.page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
    await radio(other.page, '1 (mean)').click();
    await soon(async () => expect(scene.line.version).toBe(1));
    await soon(async () => expect(await radio(page, '1 (mean)').isChecked()).toBe(true));
    // What moves right after a key is no surprise to the reader; the rest would be.
    expect(await shifts(page)).toEqual([]);
    expectGood(misdeeds);
    expectGood(other.misdeeds);
  });

  test('a choice that is refused says why, and the control shows what labels', async () => {
    const models: Record<number, string[]> = { 1: ['mean'], 2: ['champion'] };
    const { scene, page } = await open({ models });
    delete models[2];
    await page.getByRole('radio', { name: '2 (champion)' }).click();
    await soon(async () => expect(await text(page, '#model-choice-note')).toBe('Not taken: version 2 is no option'));
    await soon(async () => expect(await page.getByRole('radio', { name: '1 (mean)' }).isChecked()).toBe(true));
    expect(scene.line.version).toBe(1);
  });

  test('where there is one model, there is no choice', async () => {
    const { page } = await open({ models: { 1: ['mean'] } });
    expect(await page.locator('#model-choice').isVisible()).toBe(false);
  });

  test('shows what is down, once aloud, and that it is back', async () => {
    const scene = new Scene();
    scenes.push(scene);
    scene.line.past(60);
    scene.line.silenced.add('classifier');
    await scene.open(0);
    scene.line.start();
    const { page, misdeeds } = await look(browser, scene.url);
    pages.push(page);
    await soon(async () => {
      expect(await text(page, '#health-text')).toMatch(/^Down: the classifier has been silent for \d+ s\.$/);
      expect(await page.locator('#announce').textContent()).toBe('Down: the classifier.');
      expect(await page.locator('#health').getAttribute('data-level')).toBe('bad');
      expect(await page.locator('#stages li[data-state="silent"]').textContent()).toContain('classifier');
    });
    scene.line.silenced.clear();
    scene.line.report(Date.now());
    await soon(async () => {
      expect(await text(page, '#health-text')).toBe('All 5 stages report.');
      expect(await page.locator('#announce').textContent()).toBe('All 5 stages report.');
    });
    scene.line.lastError = { at: new Date().toISOString(), message: 'the model server is unavailable' };
    scene.line.report(Date.now());
    await soon(async () =>
      expect(await text(page, '#health-text')).toBe('The classifier reports: the model server is unavailable'),
    );
    expectGood(misdeeds);
  });

  test('shows champion and challenger, drift, right labels by gaps, and what waits in the spool', {
    timeout: 180_000,
  }, async () => {
    const scene = new Scene({ past: 0 });
    scenes.push(scene);
    scene.line.challenger = 2;
    scene.line.drift = driftOf(scene.line.stream.fields, 900);
    scene.line.spool = { records: 1_200, bytes: 1e6, oldestMs: 90_000, drainedPerSecond: 300 };
    scene.line.past(60, (secondsAgo) => secondsAgo / 100);
    await scene.start();
    const { page, misdeeds } = await look(browser, scene.url);
    pages.push(page);
    await soon(async () => {
      const duel = page.getByRole('table', { name: 'Champion and challenger over the same readings' });
      expect(await duel.getByRole('columnheader').allTextContents()).toEqual([
        'Champion, version 1',
        'Challenger, version 2',
      ]);
      const rows = (await duel.getByRole('row').allTextContents()).slice(1);
      const percents = ['Accuracy', 'Macro F1', 'Calibration error'].map((name) => `${name}\\d+\\.\\d%\\d+\\.\\d%`);
      const times = ['Median latency', '99th percentile'].map((name) => `${name}[\\d.]+ m?s[\\d.]+ m?s`);
      expect(rows.map((row) => row.trim())).toEqual(
        [...percents, 'Spread–\\d+\\.\\d%', ...times].map((pattern) => expect.stringMatching(`^${pattern}$`)),
      );
      expect(await text(page, '#model-readout')).toMatch(/^The same label for \d+\.\d% of [\d,]+ readings/);
    });
    expect(await text(page, '#drift-readout')).toMatch(/^1 field above the threshold of 0.2; 3.4% of 900 readings/);
    expect(await page.locator('#drift .drifted').count()).toBe(1);
    expect(await page.locator('#by-gaps li[data-known="yes"]').count()).toBeGreaterThan(3);
    expect(await text(page, '#health-text')).toMatch(/^1,200 readings wait in the collector's spool/);
    scene.line.spool = undefined;
    const at = new Date().toISOString();
    scene.line.version = 3;
    await soon(async () => expect(await text(page, '#model-events')).toMatch(/Version 3 took over$/));
    scene.line.promotions = [
      { at, from: 1, to: 3, who: 'ada', by: 'f1 of version 3 is 97 %' },
      { at, from: 3, to: 1, seen: true },
    ];
    await soon(async () => {
      const events = await page.locator('#model-events li').allTextContents();
      // Who did it stands in the place of what the labels showed.
      expect(events).toContainEqual(
        expect.stringMatching(/^[\d:]+Version 3 took over from version 1, by ada: f1 of version 3 is 97 %$/),
      );
      expect(events).toContainEqual(
        expect.stringMatching(/^seen at [\d:]+Version 1 took over from version 3, moved without Gapline$/),
      );
      expect(events.join()).not.toMatch(/Version 3 took over$/);
    });
    scene.line.promotions = undefined;
    scene.line.lastError = {
      at: new Date().toISOString(),
      message: 'refused, version 3 stays: the checksum differs',
    };
    await soon(async () => expect(await text(page, '#model-events')).toContain('refused, version 3 stays'));
    await soon(async () => expect(await text(page, '#health-text')).toContain('The classifier reports: refused'));
    expectGood(misdeeds);
  });

  test('compares two models: agreement, spread, accuracy over time, the ten most important fields of each', async () => {
    const importance = Array.from({ length: 10 }, (_, at) => ({ name: `s${at + 40}`, share: (20 - at) / 200 }));
    const scene = new Scene({
      past: 0,
      describeVersion: async (version) =>
        version === 1
          ? { version, estimator: 'boosted trees', importance }
          : { version, estimator: 'onnx', importance: null },
    });
    scenes.push(scene);
    scene.line.challenger = 2;
    scene.line.past(60);
    await scene.start();
    const { page, misdeeds } = await look(browser, scene.url);
    pages.push(page);
    const card = page.getByRole('region', { name: 'Champion and challenger' });
    await soon(async () => {
      expect(await text(page, '#agreement')).toMatch(
        /^The same label for \d+\.\d% of [\d,]+ readings; spread of version 2 \d+\.\d%$/,
      );
      expect(await text(page, '#duel-readout')).toMatch(/champion \d+\.\d%.*challenger \d+\.\d%/);
      expect(await card.getByRole('list', { name: 'Champion, version 1' }).getByRole('listitem').count()).toBe(10);
    });
    expect(await isDrawn(page, 'duel')).toBe(true);
    const first = card.getByRole('list', { name: 'Champion, version 1' }).getByRole('listitem').first();
    expect(await first.textContent()).toBe('s4010.0%');
    expect(await text(page, '#champion-fields-readout')).toBe('boosted trees; its most important fields');
    await soon(async () =>
      expect(await text(page, '#challenger-fields-readout')).toBe('onnx: its kind does not tell what it leans on'),
    );
    expectGood(misdeeds);
  });

  test('where no challenger labels, nothing is compared', async () => {
    const { page } = await open();
    expect(await page.getByRole('region', { name: 'Champion and challenger' }).count()).toBe(0);
  });

  test('shows the wave and the spectrum of the last window of a chosen device, its gaps and its label', async () => {
    const fields = ['x', 'y', 'temperature'];
    const windows = { windows: true, fields, classes: ['healthy', 'bearing'], rate: 20, gapRate: 0.2, past: 10 };
    const { page, misdeeds } = await open({ ...windows, name: 'motor' });
    const card = page.getByRole('region', { name: 'Last window' });
    await soon(async () =>
      expect(await card.getByRole('combobox', { name: 'Device' }).locator('option').count()).toBe(20),
    );
    await card.getByRole('combobox', { name: 'Device' }).selectOption('motor-7');
    await soon(async () => {
      expect(await text(page, '#window-readout')).toMatch(/^motor-7, 1 s to [\d:]{8} at 1000 Hz: (healthy|bearing) \d/);
      expect(await text(page, '#wave-readout')).toBe('x, 200 of 1,000 values missing');
      expect(await text(page, '#spectrum-readout')).toMatch(/peak at 125 Hz: /);
    });
    expect(await isDrawn(page, 'spectrum')).toBe(true);
    expect(await page.evaluate(shadedShare, 'wave-chart')).toBeGreaterThan(0.1);
    await card.getByRole('combobox', { name: 'Value' }).selectOption('temperature');
    await soon(async () => expect(await text(page, '#spectrum-readout')).toMatch(/^no spectrum: too few values/));
    await card.getByRole('combobox', { name: 'Value' }).selectOption('y');
    await soon(async () => expect(await text(page, '#spectrum-readout')).toMatch(/peak at 125 Hz: /));
    await page.locator('#spectrum-chart').focus();
    await page.keyboard.press('Home');
    expect(await page.locator('#announce').textContent()).toMatch(/^1 Hz: /);
    await soon(async () => expect(await text(page, '#recent')).toMatch(/1 feature filledx\.rms filled ≈1\.25/));
    expect(number(await text(page, '#gap-share'))).toBeGreaterThan(5);
    expect(await page.evaluate(async () => (await (await fetch('/stats')).json()).source.malformed)).toBe(0);
    expectGood(misdeeds);
  });

  test('lays the shapelet that decided over the place where it matched', async () => {
    const motors = { windows: true, shapelets: true, fields: ['x', 'y'], classes: ['healthy', 'bearing'], rate: 20 };
    const { page, misdeeds } = await open({ ...motors, gapRate: 0, past: 10 });
    await soon(async () =>
      expect(await text(page, '#shapelet-readout')).toMatch(
        /^Thick: the shapelet that decided for (healthy|bearing), 450 to 550 ms, 12\.5% of all that speaks for it\.$/,
      ),
    );
    await page.locator('#wave-chart').focus();
    await page.keyboard.press('Home');
    expect(await page.locator('#announce').textContent()).not.toContain('shapelet');
    for (let step = 0; step < 50; step += 1) await page.keyboard.press('Shift+ArrowRight');
    expect(await page.locator('#announce').textContent()).toMatch(/^500 ms: \S+, shapelet \S+$/);
    await page.getByRole('combobox', { name: 'Value' }).selectOption('y');
    await soon(async () => expect(await text(page, '#shapelet-readout')).toBe(''));
    expectGood(misdeeds);
  });

  test('shows a reading that is a whole segment as the wave of its channel, with the shapelet that decided', async () => {
    const segments = { channels: ['pulse'], length: 200, rate: 100 };
    const fields = Array.from({ length: segments.length }, (_, at) => `pulse${at}`);
    const people = { name: 'people', fields, segments, shapelets: true, classes: ['normal', 'infarction'], rate: 10 };
    const { page, misdeeds } = await open({ ...people, gapRate: 0, past: 20 });
    const card = page.getByRole('region', { name: 'Last window' });
    await soon(async () => {
      expect(await card.getByRole('combobox', { name: 'Device' }).locator('option').count()).toBeGreaterThan(10);
      expect(await card.getByRole('combobox', { name: 'Value' }).locator('option').allTextContents()).toEqual([
        'pulse',
      ]);
      expect(await text(page, '#window-readout')).toMatch(
        /^device-\d\d, 2 s to [\d:]{8} at 100 Hz: (normal|infarction) \d/,
      );
      expect(await text(page, '#wave-readout')).toBe('pulse, all 200 values measured');
      expect(await text(page, '#shapelet-readout')).toMatch(
        /^Thick: the shapelet that decided for (normal|infarction), 900 to 1100 ms, 12\.5% of all that speaks for it\.$/,
      );
    });
    expectGood(misdeeds);
  });

  test('the confusion of late, or of all labels, with both kinds of F1', async () => {
    const { page, misdeeds } = await open({ past: 60 });
    await soon(async () => expect(await text(page, '#matrix-readout')).toMatch(/ [\d,]+ labels of the last \d+ s$/));
    await page.getByRole('radio', { name: 'all' }).check();
    const labels = async () => number((await text(page, '#matrix-readout')).replace(/.*label; /, ''));
    await soon(async () => expect(await text(page, '#matrix-readout')).toMatch(/ [\d,]+ labels$/));
    expect(await labels()).toBeGreaterThan(2_500);
    expect(await text(page, '#matrix-scores')).toMatch(/^Accuracy \d+\.\d%; F1 macro \d+\.\d%, micro \d+\.\d%$/);
    expectGood(misdeeds);
  });

  test('a window fits a phone, and a stream without windows has no card of it', async () => {
    const motors = { windows: true, fields: ['a_sensor_with_a_long_name'], classes: ['healthy'], rate: 20, past: 10 };
    const { page } = await open(motors, { viewport: { width: 360, height: 740 } });
    await soon(async () => expect(await text(page, '#window-readout')).toMatch(/^motor-/));
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
    expect(await shifts(page)).toEqual([]);
    const { page: other } = await open();
    expect(await other.getByRole('region', { name: 'Last window' }).isVisible()).toBe(false);
  });

  test('shows what fires, what was resolved and who was told, and nothing moves', async () => {
    const { scene, page, misdeeds } = await open({ alerts: true });
    const card = page.getByRole('region', { name: 'Alerts' });
    await soon(async () => expect(await text(page, '#alerts-readout')).toBe('None fires now'));
    scene.line.alert('hot', 'pump-1', 'firing', 'delivered');
    scene.line.alert('hot', 'pump-2', 'firing');
    await soon(async () => {
      expect(await text(page, '#alerts-readout')).toBe('2 alerts firing');
      expect(await card.getByRole('listitem').allTextContents()).toEqual([
        expect.stringMatching(/^firing[\d:]{8}hot · pump-2no webhook told yet$/),
        expect.stringMatching(/^firing[\d:]{8}hot · pump-1ops delivered$/),
      ]);
    });
    scene.line.alert('hot', 'pump-2', 'resolved', 'refused');
    await soon(async () => {
      expect(await text(page, '#alerts-readout')).toBe('1 alert firing');
      expect((await card.getByRole('listitem').allTextContents())[1]).toMatch(/^resolved.*pump-2ops refused$/);
    });
    for (let number = 3; number < 12; number += 1) scene.line.alert('hot', `pump-${number}`, 'firing', 'silenced');
    await soon(async () => expect(await text(page, '#alerts-readout')).toBe('10 alerts firing'));
    expect(await shifts(page)).toEqual([]);
    await page.setViewportSize({ width: 360, height: 740 });
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
    expectGood(misdeeds);
  });

  test('where no rule raises alerts, there is no card of them', async () => {
    const { page } = await open();
    expect(await page.getByRole('region', { name: 'Alerts' }).isVisible()).toBe(false);
  });

  test('shows when it has lost Gapline, and finds it again', async () => {
    const { scene, page } = await open();
    const port = Number(new URL(scene.url).port);
    await scene.shut();
    await soon(async () => expect(await text(page, '#health-text')).toContain('The page has lost Gapline'));
    await scene.open(port);
    await soon(async () => expect(await text(page, '#health-text')).toBe('All 5 stages report.'));
  });

  test('the keyboard reaches everything, in the order of the page', async () => {
    const { page } = await open();
    const order: string[] = [];
    for (let step = 0; step < 11; step += 1) {
      await page.keyboard.press('Tab');
      order.push(
        await page.evaluate(() => {
          const element = document.activeElement as HTMLInputElement;
          return element.id || element.name || element.textContent || '';
        }),
      );
    }
    expect(order).toEqual([
      'Skip to the figures',
      'span',
      'pause',
      'accuracy-chart',
      'gaps-chart',
      'gap-rate',
      'matrix-span',
      'labels-chart',
      'rates-chart',
      'latency-chart',
      '/stats',
    ]);
  });

  test('what has the focus is seen to have it', async () => {
    const { page } = await open();
    for (let step = 0; step < 11; step += 1) {
      await page.keyboard.press('Tab');
      const outline = await page.evaluate(() => {
        const focused = document.activeElement!;
        // A radio button is drawn by the text beside it.
        const drawn = focused.matches('input[type="radio"]') ? focused.nextElementSibling! : focused;
        const { outlineStyle, outlineWidth } = getComputedStyle(drawn);
        return `${outlineStyle} ${Number.parseFloat(outlineWidth) > 0}`;
      });
      expect(outline).toMatch(/^(solid|auto) true$/);
    }
  });

  test('a chart is read by keyboard: moments move, and are announced', async () => {
    const { page } = await open();
    await soon(async () => expect(await text(page, '#accuracy-readout')).toMatch(/^now/));
    await page.locator('#accuracy-chart').focus();
    await page.keyboard.press('End');
    for (let step = 0; step < 5; step += 1) await page.keyboard.press('ArrowLeft');
    const announced = (await page.locator('#announce').textContent()) ?? '';
    expect(announced).toMatch(/^\d\d:\d\d:\d\d, accuracy \d+\.\d%/);
    expect(await text(page, '#gaps-readout')).toMatch(/^\d\d:\d\d:\d\d/);
    await page.keyboard.press('Escape');
    await soon(async () => expect(await text(page, '#accuracy-readout')).toMatch(/^now/));
  });

  test('asks for a token where there are some, lets in who has one, and lets them out again', async () => {
    const token = 'gapline_for_this_test';
    const access = new Access({ token, logger: pino({ level: 'silent' }) });
    access.start();
    const scene = new Scene({ access });
    scenes.push(scene);
    await scene.start();
    const { page, misdeeds } = await look(browser, scene.url, { viewport: { width: 360, height: 740 } });
    pages.push(page);
    const field = page.getByLabel('Token');
    await field.fill('gapline_wrong');
    await page.keyboard.press('Enter');
    await soon(async () => expect(await page.getByRole('alert').textContent()).toBe('This token is not known here.'));
    await field.fill(token);
    await page.getByRole('button', { name: 'Open the page' }).click();
    await soon(async () => expect(await text(page, '#readings-rate')).not.toBe('–'));
    expect(await page.evaluate(() => document.cookie)).toBe('');
    await page.getByRole('slider').press('End');
    await soon(async () => expect(scene.line.gapRate).toBeCloseTo(0.6));
    await page.getByRole('button', { name: 'Sign out' }).click();
    await soon(async () => expect(await field.isVisible()).toBe(true));
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
    // The refused documents are the browser's own news; there must be no other.
    expect(misdeeds.complaints.filter((complaint) => !complaint.includes('401'))).toEqual([]);
    expect(misdeeds.foreignRequests).toEqual([]);
  });

  test('has names for everything that can be used or looked at', async () => {
    const { page } = await open();
    await soon(async () => expect(await text(page, '#accuracy')).not.toBe('–'));
    for (const name of [
      /^Accuracy over time, now \d/,
      /^Share of values missing/,
      /^Share of each label/,
      /^Readings/,
    ]) {
      expect(await page.getByRole('img', { name }).count()).toBe(1);
    }
    expect(await page.getByRole('radio', { name: '3 min' }).isChecked()).toBe(true);
    expect(await page.getByRole('button', { name: 'Pause' }).count()).toBe(1);
    expect(await page.getByRole('group', { name: 'Time shown in the charts' }).count()).toBe(1);
    const headings = await page.getByRole('heading', { level: 2 }).allTextContents();
    expect(headings.length).toBe(12);
    expect(await page.getByRole('region').count()).toBe(12);
  });

  test('pauses, and resumes', async () => {
    const { page } = await open();
    await page.getByRole('button', { name: 'Pause' }).click();
    const held = await text(page, '#accuracy-note');
    const stats = await page.evaluate(async () => (await (await fetch('/stats')).json()).score.labels);
    await soon(async () => {
      const now = await page.evaluate(async () => (await (await fetch('/stats')).json()).score.labels);
      expect(now).not.toBe(stats);
    });
    expect(await text(page, '#accuracy-note')).toBe(held);
    await page.getByRole('button', { name: 'Resume' }).click();
    await soon(async () => expect(await text(page, '#accuracy-note')).not.toBe(held));
  });

  test.each(['light', 'dark'] as const)('is legible in %s', async (colorScheme) => {
    const { page } = await open({}, { colorScheme });
    const ratios = await page.evaluate(contrasts);
    for (const [pair, ratio] of Object.entries(ratios)) expect([pair, ratio >= 4.5]).toEqual([pair, true]);
  });

  test('follows a change from light to dark, charts too', async () => {
    const { page } = await open({}, { colorScheme: 'light' });
    const background = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
    const light = await background();
    await page.emulateMedia({ colorScheme: 'dark' });
    await soon(async () => expect(await background()).not.toBe(light));
    expect(await page.locator('#accuracy-chart canvas').count()).toBe(1);
    await soon(async () => expect(await isDrawn(page, 'accuracy')).toBe(true));
  });

  test('shows who is in and who is out, and what becomes of the readings outside', async () => {
    const { scene, page, misdeeds } = await open({ facts: { admission: [], age: ['age'] } });
    const { line } = scene;
    const hour = 3_600_000;
    for (const number of [1, 2, 3]) line.tell(`device-0${number}`, 'age', 24 * hour, undefined, { age: 70 });
    line.tell('device-01', 'admission', 5 * hour);
    line.tell('device-02', 'admission', 6 * hour, 3 * hour);
    line.tell('device-03', 'admission', 7 * hour);
    line.counters = { factsWaiting: 7, skippedNoFact: 12, skippedHeldFull: 1, factsEnded: 1 };
    line.report(Date.now());
    const lists = page.locator('#facts-kinds ol');
    await soon(async () => {
      expect(await text(page, '#facts-readout')).toBe('admission holds for 2 of 20 · age holds for 3 of 20');
      expect(await lists.nth(0).locator('.fact-subject').allTextContents()).toEqual(['device-01', 'device-03']);
      expect(await lists.nth(0).textContent()).toMatch(/device-01for \d+ (h|min) · (ham|spam)/);
      // Those of whom no admission was ever told are out, too, behind those who left.
      expect(await lists.nth(1).textContent()).toMatch(/^device-02for 3 h(device-\d\dnot yet)+$/);
      expect(await text(page, '#facts-waiting')).toBe(
        '7 readings held · skipped: 12 without a fact, 1 because too many waited · 1 fact ended or deleted',
      );
    });
    line.tell('device-03', 'admission', 7 * hour, 0);
    await soon(async () => {
      expect(await text(page, '#facts-kinds h3:nth-of-type(1)')).toBe('In admission: 1');
      const out = await lists.nth(1).locator('.fact-subject').allTextContents();
      expect(out.slice(0, 2)).toEqual(['device-03', 'device-02']);
    });
    expectGood(misdeeds);
  });

  test('a page of a stream without facts has no card for them', async () => {
    const { page } = await open({ past: 5 });
    expect(await page.locator('#facts-kinds').isVisible()).toBe(false);
  });

  test('moves nothing for those who asked for less motion', async () => {
    const { page } = await open({}, { reducedMotion: 'reduce' });
    await soon(async () => expect(await page.locator('#fields-bars i').count()).toBeGreaterThan(0));
    const durations = await page.evaluate(() =>
      [...document.querySelectorAll('*')].map((element) => getComputedStyle(element).transitionDuration),
    );
    expect(new Set(durations)).toEqual(new Set(['0s']));
  });

  test('shows names as they are, whatever they hold', async () => {
    const evil = '<img src=x onerror=alert(1)>';
    const { page, misdeeds } = await open({ name: evil, fields: [evil, '__proto__'], classes: [evil, 'constructor'] });
    await soon(async () => expect(await page.locator('#recent .label .name').first().textContent()).not.toBe(''));
    expect(await page.locator('.stream').textContent()).toBe(evil);
    expect(await page.locator('#fields-bars').textContent()).toContain(evil);
    expect(await page.locator('main img').count()).toBe(0);
    expectGood(misdeeds);
  });
});

const text = async (page: Page, selector: string) => (await page.locator(selector).textContent())?.trim() ?? '';
const number = (shown: string) => Number.parseFloat(shown.replaceAll(',', ''));

function expectGood({ complaints, foreignRequests }: Misdeeds): void {
  expect(complaints).toEqual([]);
  expect(foreignRequests).toEqual([]);
}
