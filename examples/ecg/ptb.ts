// Makes data/train.csv and data/test.csv of real beats, 60 % and 40 % of them: those that Kachuee, Fazeli and Sarrafzadeh (2018) cut from the
// PTB recordings. Fetches them where there is a network; or takes the two files that somebody fetched.
// npx node examples/ecg/ptb.ts
// npx node examples/ecg/ptb.ts ptbdb_normal.csv ptbdb_abnormal.csv
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readArguments, refuse } from '../arguments.ts';
import { mulberry32 } from '../random.ts';
import { fields, kinds } from './simulator.ts';
import { readZipped } from './zip.ts';

const address = 'https://www.kaggle.com/api/v1/datasets/download/shayanfazeli/heartbeat';
const page = 'https://www.kaggle.com/datasets/shayanfazeli/heartbeat';
const names = ['ptbdb_normal.csv', 'ptbdb_abnormal.csv'];
const trained = 0.6;
const startMs = Date.UTC(2026, 0, 1);

class Unreachable extends Error {}

/** The texts of the two files. */
async function fetchBeats(from: string): Promise<string[]> {
  try {
    const response = await fetch(from);
    if (!response.ok) throw new Error(`it responds with ${response.status}`);
    const archive = Buffer.from(await response.arrayBuffer());
    return names.map((name) => readZipped(archive, name).toString('utf8'));
  } catch (error) {
    const { message, cause } = error as Error;
    const why = cause instanceof Error ? cause.message || String((cause as NodeJS.ErrnoException).code) : message;
    throw new Unreachable(
      `the PTB beats cannot be fetched from ${from}: ${why}. Without a network, use the simulated ones (npx node examples/ecg/simulate.ts), or fetch ${names.join(' and ')} from ${page} elsewhere and name both files here`,
    );
  }
}

/** Rows of 187 samples, and a number for the kind, which the file's own kind must match. */
function beatsOf(text: string, file: string, kind: number): string[] {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  return lines.map((line, row) => {
    const cells = line.trim().split(',');
    if (Number(cells.pop()) !== kind || cells.length !== fields.length)
      throw new Error(`${file}: row ${row + 1} is not ${fields.length} samples and the number ${kind}`);
    return `${cells.map(Number).join(',')},${kinds[kind]}`;
  });
}

/** The set does not say whose a beat is, so each is a patient of its own. */
function write(folder: string, name: string, beats: readonly string[]): void {
  const rows = beats.map((beat, at) => `ptb ${at + 1},${new Date(startMs + at * 2_000).toISOString()},${beat}\n`);
  writeFileSync(join(folder, `${name}.csv`), `patient,time,${fields.join(',')},diagnosis\n${rows.join('')}`);
}

function shuffle(beats: string[]): string[] {
  const random = mulberry32(1);
  const keyed = beats.map((beat) => ({ beat, key: random() }));
  return keyed.sort((a, b) => a.key - b.key).map(({ beat }) => beat);
}

export interface PtbOptions {
  /** Two files that were fetched before; none: they are fetched. */
  readonly files: readonly string[];
  /** Where the archive is. */
  readonly from?: string;
  /** Where the tables are written. */
  readonly folder?: string;
}

/**
 * @returns how many beats each table has
 * @throws {Unreachable} where there is no network; the message says what else can be done
 */
export async function makeTables({
  files,
  from = address,
  folder,
}: PtbOptions): Promise<[train: number, test: number]> {
  const texts = files.length > 0 ? files.map((file) => readFileSync(file, 'utf8')) : await fetchBeats(from);
  const beats = shuffle(texts.flatMap((text, kind) => beatsOf(text, files[kind] ?? names[kind] ?? '', kind)));
  const out = folder ?? join(import.meta.dirname, 'data');
  mkdirSync(out, { recursive: true });
  const cut = Math.round(trained * beats.length);
  write(out, 'train', beats.slice(0, cut));
  write(out, 'test', beats.slice(cut));
  return [cut, beats.length - cut];
}

if (import.meta.main) {
  const usage = `npx node examples/ecg/ptb.ts [${names.join(' ')}]\n\nWrites train.csv and test.csv of real beats into data beside this script; without two files it fetches them.`;
  const { positionals: files } = readArguments(usage, {}, names.length);
  if (files.length !== 0 && files.length !== names.length) refuse('name no file, or two', usage);
  try {
    const [train, test] = await makeTables({ files });
    console.log(`train.csv: ${train} beats, test.csv: ${test} beats`);
  } catch (error) {
    console.error((error as Error).message);
    process.exitCode = 1;
  }
}
