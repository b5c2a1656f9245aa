import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { expect, onTestFinished, test } from 'vitest';
import { Access } from '../core/access/access.ts';
import { ControlledGenerator } from './control.ts';
import { createControlEndpoint } from './control-endpoint.ts';
import { createGenerator } from './generator.ts';
import { byDevice, byIdentity, identityOf, openCollector } from './testing/collector.ts';
import { optionsOf } from './testing/source.ts';

const logger = pino({ level: 'silent' });
const patient = { timeout: 30_000 };

async function scene(token?: string) {
  const folder = mkdtempSync(join(tmpdir(), 'gapline-control-'));
  const collector = await openCollector();
  const progressFile = join(folder, 'progress.json');
  const create = (rate: number) => createGenerator(optionsOf(collector.url, { rate, progressFile }));
  const generator = new ControlledGenerator({ create, rate: 100 });
  const access = new Access({ logger, ...(token !== undefined && { token }) });
  access.start();
  const endpoint = createControlEndpoint({ generator, access, host: '127.0.0.1', port: 0, logger });
  await generator.start();
  await endpoint.start();
  onTestFinished(async () => {
    await endpoint.stop();
    await generator.stop();
    await collector.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const control = async (body?: object, sent = token) => {
    const response = await fetch(`${endpoint.url}/control`, {
      method: body ? 'POST' : 'GET',
      headers: { 'content-type': 'application/json', ...(sent !== undefined && { authorization: `Bearer ${sent}` }) },
      ...(body && { body: JSON.stringify(body) }),
    });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };
  return { collector, control };
}

test('a generator is stopped, started and given another rate; no reading is left out or sent with two contents', async () => {
  const { collector, control } = await scene();
  await expect.poll(() => collector.lines.length, patient).toBeGreaterThan(5);
  expect(await control({ running: false })).toMatchObject({ status: 200, body: { running: false, rate: 100 } });
  const stopped = collector.lines.length;
  expect((await control()).body).toEqual({ running: false, rate: 100, accepted: stopped });
  expect((await control({ rate: 1_000 })).body).toMatchObject({ running: false, rate: 1_000 });
  expect((await control({ running: true })).body).toMatchObject({ running: true, rate: 1_000 });
  await expect.poll(() => collector.lines.length, patient).toBeGreaterThan(stopped + 20);
  expect((await control({ rate: 500 })).body).toMatchObject({ running: true, rate: 500 });
  const before = collector.lines.length;
  await expect.poll(() => collector.lines.length, patient).toBeGreaterThan(before + 20);
  await control({ running: false });
  expect(collector.lines.length).toBe(stopped + (Number((await control()).body.accepted) - stopped));
  byIdentity(collector.lines);
  for (const lines of Object.values(byDevice(collector.lines))) {
    const identities = lines.map(identityOf);
    expect(identities).toEqual(identities.toSorted());
  }
});

test('a control that cannot be meant is refused, and so is one without the token', async () => {
  const { control } = await scene('a-token');
  for (const body of [{ rate: -1 }, { rate: 'fast' }, { running: 1 }, { speed: 5 }])
    expect(await control(body)).toMatchObject({ status: 400, body: { code: 'control-invalid' } });
  expect(await control({ running: false }, 'another')).toMatchObject({ status: 401, body: { code: 'unauthorized' } });
  expect((await control()).body).toMatchObject({ running: true });
});
