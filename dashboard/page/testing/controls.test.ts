import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { describePage, expectGood, number, soon, text } from './describe-page.ts';
import { shifts } from './in-page.ts';

describePage('the controls of the live page', ({ visit, open }) => {
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
    const other = await visit(scene);
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
    const other = await visit(scene, { viewport: { width: 360, height: 740 } });
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
});
