import pino from 'pino';
import { expect, test } from 'vitest';
import { Access } from '../../../core/access/access.ts';
import { describePage, expectGood, soon, text } from './describe-page.ts';
import { shifts } from './in-page.ts';

describePage('what the live page tells of the line', ({ create, visit, open }) => {
  test('shows what is down, once aloud, and that it is back', async () => {
    const scene = create();
    scene.line.past(60);
    scene.line.silenced.add('classifier');
    await scene.open(0);
    scene.line.start();
    const { page, misdeeds } = await visit(scene);
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

  test('asks for a token where there are some, lets in who has one, and lets them out again', async () => {
    const token = 'gapline_for_this_test';
    const access = new Access({ token, logger: pino({ level: 'silent' }) });
    access.start();
    const scene = create({ access });
    await scene.start();
    const { page, misdeeds } = await visit(scene, { viewport: { width: 360, height: 740 } });
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
});
