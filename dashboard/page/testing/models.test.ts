import { expect, test } from 'vitest';
import { driftOf } from '../../testing/simulated-line.ts';
import { describePage, expectGood, soon, text } from './describe-page.ts';
import { isDrawn } from './in-page.ts';

describePage('two models on the live page', ({ create, visit, open }) => {
  test('shows champion and challenger, drift, right labels by gaps, and what waits in the spool', {
    timeout: 180_000,
  }, async () => {
    const scene = create({ past: 0 });
    scene.line.challenger = 2;
    scene.line.drift = driftOf(scene.line.stream.fields, 900);
    scene.line.spool = { records: 1_200, bytes: 1e6, oldestMs: 90_000, drainedPerSecond: 300 };
    scene.line.past(60, (secondsAgo) => secondsAgo / 100);
    await scene.start();
    const { page, misdeeds } = await visit(scene);
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
    const scene = create({
      past: 0,
      describeVersion: async (version) =>
        version === 1
          ? { version, estimator: 'boosted trees', importance }
          : { version, estimator: 'onnx', importance: null },
    });
    scene.line.challenger = 2;
    scene.line.past(60);
    await scene.start();
    const { page, misdeeds } = await visit(scene);
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
});
