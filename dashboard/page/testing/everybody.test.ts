import { expect, test } from 'vitest';
import type { SceneOptions } from '../../testing/scene.ts';
import { describePage, expectGood, soon, text } from './describe-page.ts';
import { contrasts, isDrawn } from './in-page.ts';

describePage('the live page for everybody', ({ open }) => {
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

  test('moves nothing for those who asked for less motion', async () => {
    const { page } = await open({}, { reducedMotion: 'reduce' });
    await soon(async () => expect(await page.locator('#fields-bars i').count()).toBeGreaterThan(0));
    const durations = await page.evaluate(() =>
      [...document.querySelectorAll('*')].map((element) => getComputedStyle(element).transitionDuration),
    );
    expect(new Set(durations)).toEqual(new Set(['0s']));
  });
});
