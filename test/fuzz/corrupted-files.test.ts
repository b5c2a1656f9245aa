import { createHash } from 'node:crypto';
import { cpSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { loadConfig } from '../../cli/config/load.ts';
import { quickFolder } from '../../collector/testing.ts';
import { guessLabel } from '../../core/dataset/label.ts';
import { readTable } from '../../core/dataset/read.ts';
import { surveyTable } from '../../core/dataset/survey.ts';
import { compile } from '../../core/model/forest/layout.ts';
import { importOnnxForest } from '../../core/model/forest/onnx-import.ts';
import { predict } from '../../core/model/forest/predict.ts';
import { openRegistry } from '../../core/model/registry/folder.ts';
import type { SampleOptions } from '../../core/model/testing.ts';
import { sampleDraft, sampleOf } from '../../core/model/testing.ts';
import { decodeDeadLetter, encodeDeadLetter } from '../../core/wire/dead-letter.ts';
import { describeError, GaplineError } from '../../core/wire/errors.ts';
import { corrupted, misshapen } from './corruptions.ts';
import { type Random, randomFrom } from './inputs.ts';

/** Of each kind of file. */
const ways = 1_000;
/** Another gives other ways. */
const firstSeed = Number(process.env.GAPLINE_FUZZ_SEED ?? 1);
/** Longer is no line that anybody reads. */
const longestLine = 2_000;

// Seconds of work, on a machine that may do other things too.
vi.setConfig({ testTimeout: 120_000 });

let folder: string;
beforeAll(() => {
  folder = quickFolder();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Runs `attempt` in every seeded way; it either takes the input or throws an error that is one clear line. */
async function eachWay(
  seed: number,
  attempt: (random: Random) => unknown,
): Promise<{ taken: number; refused: number }> {
  const count = { taken: 0, refused: 0 };
  for (let way = 0; way < ways; way += 1) {
    try {
      await attempt(randomFrom(seed * ways + way));
      count.taken += 1;
    } catch (error) {
      const line = describeError(error);
      const unclear = explainUnclear(error, line);
      if (unclear) throw new Error(`way ${way} of seed ${seed}: ${unclear}: ${line.slice(0, 500)}`, { cause: error });
      count.refused += 1;
    }
  }
  expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  return count;
}

/** Why an error is none that a person should have to read; undefined for a good one. */
function explainUnclear(error: unknown, line: string): string | undefined {
  if (!(error instanceof GaplineError)) return 'an error without a code';
  if (/\p{Cc}|\u2028|\u2029/u.test(line)) return 'control characters or several lines';
  if (line.length > longestLine) return `${line.length} characters`;
  if (/\n\s+at |node_modules|\bundefined\b|Cannot read prop|Maximum call stack/.test(line))
    return 'words of the machine';
  return undefined;
}

test(`a stream.yaml corrupted in ${ways} ways is refused in one line that names it, or holds what the schema says`, async () => {
  const good = readFileSync('examples/spambase/stream.yaml');
  const rich = readFileSync(join(import.meta.dirname, 'rich-stream.yaml'));
  const file = join(folder, 'stream.yaml');
  const { taken, refused } = await eachWay(firstSeed, (random) => {
    writeFileSync(file, corrupted(random() < 0.5 ? good : rich, random));
    try {
      const { config } = loadConfig(file);
      expect(config.stream).toMatch(/^[\w.-]+$/);
    } catch (error) {
      expect(describeError(error)).toContain(file);
      throw error;
    }
  });
  expect(taken).toBeGreaterThan(ways / 50);
  expect(refused).toBeGreaterThan(ways / 3);
});

test(`a CSV corrupted in ${ways} ways is refused in one line that names it, or gives rows of numbers`, async () => {
  const file = join(folder, 'data.csv');
  const rows = Array.from({ length: 12 }, (_, row) => {
    const time = `2026-01-01T00:00:${String(row).padStart(2, '0')}Z`;
    return `pump ${row % 3},${time},${row / 7},${row % 4 ? row * 1e3 : ''},"a, ""b""",${row % 2 ? 'ham' : 'spam'}`;
  });
  const good = Buffer.from(['device,time,flow,"char_freq_;",note,label', ...rows].join('\n'));
  const { taken, refused } = await eachWay(firstSeed + 1, async (random) => {
    writeFileSync(file, corrupted(good, random));
    const roles = random() < 0.5 ? { device: 'device', time: 'time' } : {};
    try {
      const survey = await surveyTable([file]);
      guessLabel(survey.columns);
      const { count, width, values, labels, times } = (await readTable({ truth: 'label', ...roles }, survey)).dataset;
      expect([values.length, labels.length]).toEqual([count * width, count]);
      for (const value of values) expect(Math.abs(value)).not.toBe(Number.POSITIVE_INFINITY);
      if (times) expect(times).toHaveLength(count);
    } catch (error) {
      expect(describeError(error)).toContain(file);
      throw error;
    }
  });
  expect(taken).toBeGreaterThan(ways / 50);
  expect(refused).toBeGreaterThan(ways / 3);
});

test(`a dead letter corrupted in ${ways} ways is told in one line why it is none, or is one`, async () => {
  const record = { topic: 'a.readings', partition: 3, offset: 41n, key: 'pump-1', value: Buffer.from('{"dëvice":') };
  const good = Buffer.from(encodeDeadLetter('classifier', record, 'not JSON', new Date(0)));
  const { taken, refused } = await eachWay(firstSeed + 2, (random) => {
    const broken =
      random() < 0.5 ? corrupted(good, random) : Buffer.from(misshapen(JSON.parse(good.toString()), random));
    const letter = decodeDeadLetter(broken);
    if (typeof letter === 'string') throw new GaplineError('not-found', letter);
    expect(Buffer.from(letter.value, letter.encoding).length).toBeLessThanOrEqual(broken.length);
  });
  expect(taken).toBeGreaterThan(ways / 50);
  expect(refused).toBeGreaterThan(ways / 3);
});

describe('an artifact', () => {
  const imputers: readonly NonNullable<SampleOptions['imputer']>[] = [
    { kind: 'mean' },
    { kind: 'last' },
    { kind: 'gaussian', draws: 2 },
    { kind: 'gaussian', transform: 'quantile' },
  ];

  test(`corrupted in ${ways} ways is refused in one line that names it, or gives probabilities`, async () => {
    const goods = await Promise.all(
      imputers.map((imputer, index) => publish(`good-${index}`, { imputer, ...(index % 2 && { neighbours: 0.5 }) })),
    );
    const { taken, refused } = await eachWay(firstSeed + 3, async (random) => {
      const good = goods[Math.floor(random() * goods.length)]!;
      const home = join(folder, 'broken', good.name);
      rmSync(home, { recursive: true, force: true });
      cpSync(join(folder, good.name), home, { recursive: true });
      corruptArtifact(home, good, random);
      const registry = openRegistry({ folder: join(folder, 'broken'), name: good.name });
      try {
        await registry.aliases();
        const model = await registry.current();
        const answer = await model.open().predict(sampleOf(model.fields.length));
        await model.close();
        expectProbabilities(answer.probabilities, model.classes.length);
        expect(answer.filled.every(Number.isFinite)).toBe(true);
        // As `models show` prints it.
        JSON.stringify(await registry.manifest(1));
      } catch (error) {
        expect(describeError(error)).toContain(good.name);
        throw error;
      }
    });
    expect(taken).toBeGreaterThan(ways / 100);
    expect(refused).toBeGreaterThan(ways / 3);
  });

  async function publish(name: string, options: SampleOptions): Promise<Good> {
    const registry = openRegistry({ folder, name });
    await registry.publish(await sampleDraft({ ...options, trees: 3 }));
    await registry.point('champion', 1);
    const read = (file: string): Buffer => readFileSync(join(folder, name, '1', file));
    const unpack = (file: string): unknown => JSON.parse(gunzipSync(read(file)).toString());
    const packed = ['forest.json.gz', ...(options.neighbours === undefined ? [] : ['neighbours.json.gz'])];
    return {
      name,
      manifest: JSON.parse(read('model.json').toString()),
      packed: packed.map((file) => [file, unpack(file)] as const),
    };
  }
});

test(`an ONNX file corrupted in ${ways} ways is refused in one line, or gives a forest that predicts`, async () => {
  const files = globSync('core/model/forest/fixtures/*.onnx').map((file) => readFileSync(file));
  const { taken, refused } = await eachWay(firstSeed + 4, (random) => {
    const good = files[Math.floor(random() * files.length)]!;
    // Most of such a file is numbers: one that was flipped is mostly another number.
    const bytes = random() < 0.5 ? corrupted(good, random) : flippedOnce(good, random);
    const { forest } = importOnnxForest(bytes);
    const labels = new Int32Array(3);
    const probabilities = new Float64Array(3 * forest.outputs);
    predict(compile(forest), new Float64Array(3 * forest.width).fill(0.5), 3, { labels, probabilities });
    for (const label of labels) expect(label).toBeLessThan(Math.max(1, forest.outputs));
  });
  expect(taken).toBeGreaterThan(ways / 20);
  expect(refused).toBeGreaterThan(ways / 3);
});

function flippedOnce(bytes: Buffer, random: Random): Buffer {
  const flipped = Buffer.from(bytes);
  flipped[Math.floor(random() * flipped.length)]! ^= 1 << Math.floor(random() * 8);
  return flipped;
}

interface Good {
  readonly name: string;
  readonly manifest: unknown;
  /** What lies gzipped beside the manifest, by file. */
  readonly packed: readonly (readonly [file: string, json: unknown])[];
}

/** Breaks one file: as a disk does, or with its checksum made good, as somebody who means it would. */
function corruptArtifact(home: string, { manifest, packed }: Good, random: Random): void {
  const version = join(home, '1');
  const kind = random();
  if (kind < 0.4) replace(version, 'model.json', Buffer.from(misshapen(manifest, random)));
  else if (kind < 0.7) {
    const [file, json] = packed[Math.floor(random() * packed.length)]!;
    replace(version, file, gzipSync(misshapen(json, random), { level: 1 }));
  } else corruptBytes(home, packed, random);
}

function corruptBytes(home: string, packed: Good['packed'], random: Random): void {
  const names = ['1/model.json', ...packed.map(([file]) => `1/${file}`), '1/SHA256SUMS', 'champion'];
  const name = names[Math.floor(random() * names.length)]!;
  const bytes = corrupted(readFileSync(join(home, name)), random);
  if (random() < 0.5 || name === '1/SHA256SUMS' || name === 'champion') writeFileSync(join(home, name), bytes);
  else replace(join(home, '1'), name.slice(2), bytes);
}

function replace(version: string, name: string, bytes: Buffer): void {
  mkdirSync(version, { recursive: true });
  writeFileSync(join(version, name), bytes);
  const file = join(version, 'SHA256SUMS');
  const sum = createHash('sha256').update(bytes).digest('hex');
  writeFileSync(file, readFileSync(file, 'utf8').replace(new RegExp(`.*  ${name}`), `${sum}  ${name}`));
}

function expectProbabilities(probabilities: Float64Array, classes: number): void {
  for (let row = 0; row < probabilities.length; row += classes) {
    const shares = probabilities.subarray(row, row + classes);
    const sum = shares.reduce((total, share) => total + share, 0);
    expect(shares.every((share) => share >= 0)).toBe(true);
    expect(sum).toBeCloseTo(1, 6);
  }
}
