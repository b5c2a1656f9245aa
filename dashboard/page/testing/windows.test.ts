import { expect, test } from 'vitest';
import { describePage, expectGood, number, soon, text } from './describe-page.ts';
import { isDrawn, shadedShare, shifts } from './in-page.ts';

describePage('windows on the live page', ({ open }) => {
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

  test('a window fits a phone, and a stream without windows has no card of it', async () => {
    const motors = { windows: true, fields: ['a_sensor_with_a_long_name'], classes: ['healthy'], rate: 20, past: 10 };
    const { page } = await open(motors, { viewport: { width: 360, height: 740 } });
    await soon(async () => expect(await text(page, '#window-readout')).toMatch(/^motor-/));
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
    expect(await shifts(page)).toEqual([]);
    const { page: other } = await open();
    expect(await other.getByRole('region', { name: 'Last window' }).isVisible()).toBe(false);
  });
});
