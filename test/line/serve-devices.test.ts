import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { makePatients } from '../../examples/icu/patients.ts';
import { gapline, root } from './gapline.ts';

// `gapline serve` beside a running line: a request names the patient only.
const patient = { timeout: 60_000, interval: 100 };
const config = join(root, 'examples/icu/stream.yaml');
const patients = makePatients(30, 1);

interface Answer {
  readonly status: number;
  readonly code: string | undefined;
  readonly error: string | undefined;
  readonly outputs: ReadonlyMap<string, readonly unknown[]>;
}

async function infer(url: string, device: string): Promise<Answer> {
  const response = await fetch(`${url}/v2/models/icu/infer`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ inputs: [{ name: 'device', datatype: 'BYTES', shape: [1], data: [device] }] }),
  });
  const {
    code,
    error,
    outputs = [],
  } = (await response.json()) as {
    code?: string;
    error?: string;
    outputs?: { name: string; data: unknown[] }[];
  };
  return { status: response.status, code, error, outputs: new Map(outputs.map(({ name, data }) => [name, data])) };
}

const risk = ([bp = 0, rr = 0, sd = 0, age = 0]: readonly number[]) =>
  1 / (1 + Math.exp(5 - 0.002 * age - 0.001 * bp - 0.03 * rr - 0.02 * sd));

test('a patient of the ward is answered for from the state of the line, and one outside with the reason', async () => {
  const data = mkdtempSync(join(tmpdir(), 'gapline-serve-devices-'));
  onTestFinished(() => rmSync(data, { recursive: true, force: true }));
  const line = gapline(['up', '--config', config, '--data', data, '--page-port', '0', '--collector-port', '0']);
  await line.printed(/live page:\s+(http\S+)\n/);
  const serving = gapline(['serve', '--config', config, '--data', data, '--port', '0']);
  const url = await serving.printed(/model: (http\S+)\n/);
  const all = async () => await Promise.all(patients.map(({ name }) => infer(url, name)));
  // Until all were measured and told of.
  await expect
    .poll(async () => (await all()).map(({ status, code }) => code ?? status).toSorted(), patient)
    .toSatisfy((found: readonly unknown[]) => found.every((each) => each === 200 || each === 'fact-missing'));
  const answers = await all();
  const inside = answers.flatMap(({ status, outputs }, at) => (status === 200 ? [{ outputs, at }] : []));
  expect(inside.length).toBeGreaterThan(0);
  expect(inside.length).toBeLessThan(patients.length);
  for (const { outputs, at } of inside) {
    const values = outputs.get('values') as number[];
    expect(values[3]).toBe(patients[at]?.age);
    expect(Object.keys(JSON.parse(String(outputs.get('facts')?.[0])))).toEqual(['admission', 'age']);
    const gaps = values.filter((value) => value === null).length;
    expect(outputs.get('gaps')).toEqual([gaps]);
    if (gaps === 0) expect(outputs.get('probabilities')?.[1]).toBeCloseTo(risk(values), 12);
  }
  const outside = answers.find(({ code }) => code === 'fact-missing');
  expect(outside?.status).toBe(409);
  expect(outside?.error).toMatch(/^no admission of "\d+" holds at /);
  expect(await infer(url, 'nobody')).toMatchObject({ status: 404, code: 'device-unknown' });
}, 180_000);
