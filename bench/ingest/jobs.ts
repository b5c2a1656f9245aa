import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Job {
  readonly name: 'ndjson' | 'lines' | 'one-json' | 'one-line';
  readonly title: string;
  readonly path: string;
  readonly contentType: string;
  /** Readings of one request. */
  readonly batch: number;
  readonly connections: number;
}

/** What is sent. The first two are a gateway's batches, the last two are devices that send each reading by itself. */
export const jobs: readonly Job[] = [
  {
    ...{ name: 'ndjson', title: 'NDJSON x 1,000, 4 connections', batch: 1_000, connections: 4 },
    ...{ path: '/readings', contentType: 'application/x-ndjson' },
  },
  {
    ...{ name: 'lines', title: 'line protocol x 1,000, 4 connections', batch: 1_000, connections: 4 },
    ...{ path: '/api/v2/write?org=o&bucket=b', contentType: 'text/plain' },
  },
  {
    ...{ name: 'one-json', title: 'one JSON a POST, 32 connections', batch: 1, connections: 32 },
    ...{ path: '/readings', contentType: 'application/json' },
  },
  {
    ...{ name: 'one-line', title: 'one line a POST, 32 connections', batch: 1, connections: 32 },
    ...{ path: '/api/v2/write?org=o&bucket=b', contentType: 'text/plain' },
  },
];

const gapShare = 0.3;
const firstNs = 1_700_000_000_000_000_000n;

/** Writes bodies of a job, numbered from 0, and returns how many. 57 values a reading, 30 % of them null. */
export function writeBodies(job: Job, names: readonly string[], folder: string): number {
  mkdirSync(folder, { recursive: true });
  const count = job.batch === 1 ? 500 : 20;
  for (let number = 0; number < count; number += 1)
    writeFileSync(join(folder, String(number)), bodyOf(job, names, number));
  return count;
}

function bodyOf(job: Job, names: readonly string[], number: number): string {
  const lines = Array.from({ length: job.batch }, (_, row) => {
    const index = number * job.batch + row;
    const device = `device-${index % 20}`;
    const time = String(firstNs + BigInt(index));
    const values = valuesOf(index, names.length);
    const asLine = job.name === 'lines' || job.name === 'one-line';
    return asLine ? lineOf(device, time, names, values) : jsonOf(device, time, names, values);
  });
  return lines.join('\n');
}

/** Values as sparse as the example's: of those that are there, three of four are 0. */
function valuesOf(seed: number, width: number): (number | null)[] {
  let state = seed + 1;
  const random = (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
  return Array.from({ length: width }, () => {
    if (random() < gapShare) return null;
    return random() < 0.75 ? 0 : Math.round(random() * 500) / 100;
  });
}

function jsonOf(device: string, time: string, names: readonly string[], values: readonly (number | null)[]): string {
  return JSON.stringify({ device, time, values: Object.fromEntries(names.map((name, at) => [name, values[at]])) });
}

function lineOf(device: string, time: string, names: readonly string[], values: readonly (number | null)[]): string {
  const fields = names.flatMap((name, at) => (values[at] === null ? [] : [`${name}=${values[at]}`]));
  return `readings,device=${device} ${fields.join()} ${time}`;
}

/** The names of the example's values. */
export function namesOf(csvFile: string): readonly string[] {
  const [header = ''] = readFileSync(csvFile, 'utf8').split('\n', 1);
  return header.split(',').slice(0, -1);
}
