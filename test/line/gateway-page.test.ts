import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findChromium, launchBrowser } from '../../dashboard/testing/browser.ts';
import { gapline, temporaryFolder } from './gapline.ts';

const chromium = findChromium();
const here = chromium !== undefined || process.env.GAPLINE_REQUIRE_BROWSER === '1';
const title = here
  ? "the gateway's page in a browser"
  : "the gateway's page in a browser: NOT TESTED, no browser was found (install Chromium, or name one in GAPLINE_CHROMIUM)";
if (!here) console.warn(title);
const patient = { timeout: 90_000 };

describe.skipIf(!here)(title, { timeout: 180_000 }, () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchBrowser(chromium);
  });
  afterAll(async () => {
    await browser?.close();
  });

  test('sign in, train, watch, predict, sign out', async () => {
    const folder = temporaryFolder();
    const rows = Array.from({ length: 200 }, (_, row) => `${row % 100},${row % 7},${row % 100 < 50 ? 'low' : 'high'}`);
    writeFileSync(join(folder, 'rows.csv'), ['a,b,label', ...rows].join('\n'));
    writeFileSync(join(folder, 'stream.yaml'), 'stream: levels\ndata: { train: rows.csv, truth: label }\n');
    const args = ['--config', join(folder, 'stream.yaml'), '--data', join(folder, 'data'), '--port', '0'];
    const password = 'a password of the admin';
    const gateway = gapline(['gateway', ...args], { env: { GAPLINE_ADMIN_PASSWORD: password } });
    const url = await gateway.printed(/gateway: (http\S+)/);
    const page = await browser.newPage();
    const complaints: string[] = [];
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('request', (request) => {
      if (new URL(request.url()).origin !== url) complaints.push(`asks ${request.url()}`);
    });
    await page.goto(`${url}/docs`);
    const send = async (operation: string, { body, ...fields }: { body?: object; id?: string }): Promise<string> => {
      const code = page.locator('> summary code').getByText(operation, { exact: true });
      const details = page.locator('section > details', { has: code });
      if ((await details.getAttribute('open')) === null) await details.locator('> summary').click();
      if (body) await details.locator('textarea').fill(JSON.stringify(body));
      for (const [name, value] of Object.entries(fields)) await details.getByLabel(`${name}:`).fill(value);
      const output = details.locator('pre[role=status]');
      await details.getByRole('button', { name: 'Send' }).click();
      await expect.poll(() => output.textContent(), patient).toMatch(/^\d{3}/);
      return (await output.textContent()) ?? '';
    };
    const jsonOf = (answer: string) => JSON.parse(answer.slice(4));

    await page.getByLabel('User', { exact: true }).fill('admin');
    await page.getByLabel('Password', { exact: true }).fill('wrong password');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await expect.poll(() => page.locator('#who').textContent(), patient).toContain('wrong');
    await page.getByLabel('Password', { exact: true }).fill(password);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await expect.poll(() => page.locator('#who').textContent(), patient).toBe('Signed in as admin.');
    // A wrong password is 401, which a browser writes to its console.
    expect(complaints.splice(0).filter((each) => !each.includes('401'))).toEqual([]);

    const started = await send('POST /train', { body: { hyperparameters: { trees: 10 } } });
    expect(started).toMatch(/^202/);
    const { id } = jsonOf(started);
    await expect.poll(async () => jsonOf(await send('GET /tasks/{id}', { id })).state, patient).toBe('done');
    const labels = jsonOf(await send('POST /predict', { body: { rows: [{ a: 2 }, { a: 98, b: 1 }] } }));
    expect(labels.predictions.map(({ label }: { label: string }) => label)).toEqual(['low', 'high']);

    await page.getByRole('button', { name: 'Sign out' }).click();
    await expect.poll(() => page.locator('#who').textContent(), patient).toBe('Nobody is signed in.');
    expect(complaints).toEqual([]);
    await page.close();
  });
});
