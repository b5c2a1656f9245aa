import { expect, test } from 'vitest';
import { describePage, expectGood, number, soon, text } from './describe-page.ts';
import { isDrawn, shifts } from './in-page.ts';

describePage('the figures of the live page', ({ open }) => {
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

  test('without truth, what needs it is not there', async () => {
    const { page } = await open({ truth: false });
    await soon(async () => expect(await page.locator('#accuracy').isVisible()).toBe(false));
    expect(await page.getByRole('heading', { name: 'Confusion matrix' }).isVisible()).toBe(false);
    expect(await page.getByRole('heading', { name: 'Gaps over time' }).isVisible()).toBe(true);
    expect(await isDrawn(page, 'gaps')).toBe(true);
  });

  test('the confusion of late, or of all labels, with both kinds of F1', async () => {
    const { page, misdeeds } = await open({ past: 60 });
    await soon(async () => expect(await text(page, '#matrix-readout')).toMatch(/ [\d,]+ labels of the last \d+ s$/));
    await page.getByRole('radio', { name: 'all' }).check();
    const labels = async () => number((await text(page, '#matrix-readout')).replace(/.*label; /, ''));
    await soon(async () => expect(await text(page, '#matrix-readout')).toMatch(/ [\d,]+ labels since \d\d:\d\d:\d\d$/));
    expect(await labels()).toBeGreaterThan(2_500);
    expect(await text(page, '#matrix-scores')).toMatch(/^Accuracy \d+\.\d%; F1 macro \d+\.\d%, micro \d+\.\d%$/);
    expectGood(misdeeds);
  });

  test('a declined label is a column of the confusion, and no truth', async () => {
    const { page, scene } = await open({ past: 60 });
    const declined = { device: 'd', time: '1', label: 'unknown', truth: 'ham', latencyMs: 1 };
    const model = { name: 'spambase', version: 1 };
    const more = { probability: 1, probabilities: {}, filled: {}, gaps: 0, model };
    scene.log.add(scene.line.stream.topics.predictions, 'd', { ...declined, ...more }, Date.now());
    await soon(async () => expect(await page.locator('#matrix-frame thead th').count()).toBe(3));
    expect(await page.locator('#matrix-frame tbody tr:visible').count()).toBe(2);
    expect(await text(page, '#f1-note')).toBe('mean over 2 classes');
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
