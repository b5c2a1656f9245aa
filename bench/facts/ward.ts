import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { stringify } from 'yaml';
import type { LogRecord } from '../../core/log/port.ts';
import type { Model } from '../../core/model/model.ts';
import { openRegistry } from '../../core/model/registry/folder.ts';
import { mulberry32 } from '../../core/numeric/random/mulberry32.ts';
import { type Fact, factKey } from '../../core/wire/fact.ts';
import { type Stream, topicsOf } from '../../core/wire/stream.ts';

const root = resolve(import.meta.dirname, '../..');
const measured = ['pressure', 'breath', 'temperature', 'pulse'];
const patients = 500;
const startNs = 1_700_000_000_000_000_000n;
const secondNs = 1_000_000_000n;

/** The line with `gate` and `join`, or without: there the age is a value of each reading. Both have the same columns and the same forest. */
export interface Ward {
  readonly name: 'with' | 'without';
  readonly stream: Stream;
  readonly model: Model;
}

const ageOf = (patient: number): number => 20 + (patient % 70);

/** Trains both models from the same rows. */
export async function makeWards(folder: string): Promise<readonly Ward[]> {
  const random = mulberry32(1);
  const lines = [`device,time,${measured.join()},age,state`];
  const facts: string[] = [];
  for (let row = 0; row < 4_000; row++) {
    const patient = row % patients;
    const values = measured.map(() => random().toFixed(3));
    const time = new Date(1_690_000_000_000 + row * 1_000).toISOString();
    const state = random() + Number(values[0]) + ageOf(patient) / 90 > 1.5 ? 'bad' : 'good';
    lines.push(`p${patient},${time},${values.join()},${ageOf(patient)},${state}`);
  }
  for (let patient = 0; patient < patients; patient++)
    for (const [kind, values] of [['admission', {}] as const, ['age', { age: ageOf(patient) }] as const])
      facts.push(JSON.stringify({ subject: `p${patient}`, kind, from: '2000-01-01T00:00:00Z', values }));
  writeFileSync(join(folder, 'train.csv'), lines.join('\n'));
  writeFileSync(join(folder, 'facts.ndjson'), facts.join('\n'));
  return [await makeWard(folder, 'with'), await makeWard(folder, 'without')];
}

async function makeWard(folder: string, name: Ward['name']): Promise<Ward> {
  const own = join(folder, name);
  mkdirSync(own);
  const isGated = name === 'with';
  const lateness = '1h';
  const steps = [
    { use: 'gate', during: 'admission', lateness },
    { use: 'join', fact: 'age', values: ['age'], lateness },
  ];
  const kinds = { admission: [], age: ['age'] };
  const fields = isGated ? measured : [...measured, 'age'];
  const config = {
    stream: name,
    data: {
      ...{ train: '../train.csv', truth: 'state', device: 'device', time: 'time', fields },
      ...(isGated && { facts: '../facts.ndjson' }),
    },
    ...(isGated && { facts: { admission: {}, age: { values: ['age'] } }, steps }),
    training: { trees: 100, seed: 1 },
    model: { name },
  };
  writeFileSync(join(own, 'stream.yaml'), stringify(config));
  const { status } = spawnSync(join(root, 'gapline'), ['train', '--config', join(own, 'stream.yaml')], {
    stdio: ['ignore', 2, 2],
  });
  if (status !== 0) throw new Error(`the model ${name} facts could not be trained`);
  const stream = { name, fields, topics: topicsOf(name), ...(isGated && { facts: kinds }) };
  return { name, stream, model: await openRegistry({ folder: join(own, 'models'), name }).load(1) };
}

/** Reading `index` as the collector logs it: each patient has one a second. */
export function readingOf({ stream }: Ward, index: number, random: () => number): LogRecord {
  const patient = index % patients;
  const time = startNs + BigInt(Math.floor(index / patients)) * secondNs;
  const values: Record<string, number> = {};
  for (const name of measured) values[name] = Math.round(random() * 1_000) / 1_000;
  if (stream.fields.includes('age')) values.age = ageOf(patient);
  const reading = { stream: stream.name, device: `p${patient}`, time: `${time}`, values, received: `${time}` };
  return { key: reading.device, value: Buffer.from(JSON.stringify(reading)) };
}

const recordOf = (fact: Fact): LogRecord => ({
  ...{ key: factKey(fact), partitionKey: fact.subject },
  value: Buffer.from(JSON.stringify(fact)),
});

/** Of every patient, that he is admitted and how old he is. */
export function firstFacts({ stream }: Ward): LogRecord[] {
  const from = `${startNs - 1_000n * secondNs}`;
  return Array.from({ length: patients }, (_, patient) => {
    const shared = { stream: stream.name, subject: `p${patient}`, from, received: from };
    return [
      recordOf({ ...shared, kind: 'admission', values: {} }),
      recordOf({ ...shared, kind: 'age', values: { age: ageOf(patient) } }),
    ];
  }).flat();
}

/** Later facts that change no label: stays of long ago become known. */
export function laterFacts({ stream }: Ward, round: number, count: number): LogRecord[] {
  return Array.from({ length: count }, (_, at) => {
    const from = startNs - BigInt(10_000 + (round % 500) * 10) * secondNs;
    return recordOf({
      ...{ stream: stream.name, subject: `p${(round * count + at) % patients}`, kind: 'admission' },
      ...{ from: `${from}`, to: `${from + 5n * secondNs}`, values: {}, received: `${startNs}` },
    });
  });
}
