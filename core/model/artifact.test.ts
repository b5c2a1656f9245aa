import { createHash } from 'node:crypto';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readArtifact } from './artifact.ts';
import { type Manifest, modelFormatVersion } from './manifest.ts';
import type { ModelOutput } from './model.ts';
import { loadModel } from './open.ts';
import { openRegistry } from './registry/folder.ts';
import { sampleDraft, sampleOf } from './testing.ts';

const sample = { neighbours: 0.4 };
let folder = '';
let good = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gapline-artifact-'));
  const registry = openRegistry({ folder, name: 'good' });
  const { version } = await registry.publish(await sampleDraft(sample));
  good = registry.placeOf(version);
});
afterAll(() => rm(folder, { recursive: true }));

const names = ['model.json', 'forest.json.gz', 'neighbours.json.gz', 'SHA256SUMS'] as const;

/** Every version of the format that there ever was. */
const modelFormats = Array.from({ length: modelFormatVersion }, (_, index) => index + 1);

/** A copy of the good model to break. */
async function broken(change: (copy: string) => Promise<void>): Promise<string> {
  const copy = join(folder, 'broken');
  await rm(copy, { recursive: true, force: true });
  await cp(good, copy, { recursive: true });
  await change(copy);
  return copy;
}

/** Replaces a file and writes down its new checksum, as somebody who means it would. */
async function replace(copy: string, name: string, bytes: Uint8Array | string): Promise<void> {
  await writeFile(join(copy, name), bytes);
  const sums = await readFile(join(copy, 'SHA256SUMS'), 'utf8');
  const sum = createHash('sha256').update(bytes).digest('hex');
  await writeFile(join(copy, 'SHA256SUMS'), sums.replace(new RegExp(`.*  ${name}`), `${sum}  ${name}`));
}

/** A copy whose manifest was edited. */
const edited = (edit: (manifest: Manifest & Record<string, unknown>) => unknown) =>
  broken(async (copy) => {
    const manifest = JSON.parse(await readFile(join(copy, 'model.json'), 'utf8'));
    await replace(copy, 'model.json', JSON.stringify(edit(manifest) ?? manifest));
  });

const refusal = (reason: RegExp) => ({
  code: 'model-invalid',
  retryable: false,
  message: expect.stringMatching(reason),
});

describe('a model in a folder', () => {
  it('predicts as the one that was written', async () => {
    const [first, second] = await Promise.all([loadModel(good), loadModel(good)]);
    const rows = sampleOf(3);
    const output = await first.open().predict(rows);
    expect(await second.open().predict(rows)).toEqual(output);
    expect(first).toMatchObject({
      identity: { name: 'good', version: 1 },
      fields: ['a', 'b', 'c_;'],
      classes: ['ham', 'spam'],
    });
    expect(output.filled.some(Number.isNaN)).toBe(false);
    for (let row = 0; row < rows.count; row++) {
      expect(output.probabilities[row * 2]! + output.probabilities[row * 2 + 1]!).toBeCloseTo(1, 12);
    }
  });

  it('has checksums that sha256sum knows', async () => {
    expect(await readFile(join(good, 'SHA256SUMS'), 'utf8')).toMatch(
      /^[0-9a-f]{64} {2}model\.json\n[0-9a-f]{64} {2}forest\.json\.gz\n[0-9a-f]{64} {2}neighbours\.json\.gz\n$/,
    );
  });

  it('is refused, in one line, whatever byte of it is changed', async () => {
    const damage = fc.record({ name: fc.constantFrom(...names), at: fc.nat(), mask: fc.integer({ min: 1, max: 255 }) });
    await fc.assert(
      fc.asyncProperty(damage, async ({ name, at, mask }) => {
        const copy = await broken(async (to) => {
          const bytes = await readFile(join(to, name));
          bytes[at % bytes.length]! ^= mask;
          await writeFile(join(to, name), bytes);
        });
        const error = await loadModel(copy).then(
          () => undefined,
          (reason: unknown) => reason,
        );
        // A checksum may be marked as of a binary file, and the last end of line does not count: nothing else goes through.
        if (error === undefined) return expect(name).toBe('SHA256SUMS');
        expect(error).toMatchObject(refusal(/^The model in [^\n]*: [^\n]+$/));
      }),
      { numRuns: 150 },
    );
  });

  it('is refused when any of its files was cut short', async () => {
    for (const name of ['model.json', 'forest.json.gz', 'neighbours.json.gz']) {
      const copy = await broken(async (to) => {
        const bytes = await readFile(join(to, name));
        await writeFile(join(to, name), bytes.subarray(0, bytes.length >> 1));
      });
      await expect(loadModel(copy)).rejects.toMatchObject(refusal(new RegExp(`${name} is corrupt`)));
    }
  });

  it.each(names)('is refused without %s', async (name) => {
    const copy = await broken((to) => rm(join(to, name)));
    await expect(loadModel(copy)).rejects.toMatchObject(refusal(new RegExp(`${name} is missing`)));
  });

  it('is refused where the registry has it under another name or version', async () => {
    await expect(loadModel(good, { name: 'good', version: 2 })).rejects.toMatchObject(
      refusal(/its manifest names good version 1/),
    );
  });

  it.each<[string, (manifest: Manifest & Record<string, unknown>) => unknown, RegExp]>([
    ['is not ours', () => ({ artifact_path: 'model', flavors: {} }), /does not begin as one of Gapline's/],
    ['is no object', () => 'a text', /does not begin as one of Gapline's/],
    ['is of a later Gapline', (m) => ({ ...m, formatVersion: 99 }), /format version 99; .* upgrade/],
    ['has a key that nobody knows', (m) => ({ ...m, extra: 1 }), /model\.json: .*extra/],
    ['lacks a part', ({ imputer, ...rest }) => rest, /model\.json: imputer: /],
    ['knows one class', (m) => ({ ...m, classes: ['ham'] }), /model\.json: classes: /],
    ['has steps without channels', (m) => ({ ...m, steps: [] }), /steps and channels: one is there without the other/],
    [
      'has steps in a format that knew none',
      (m) => ({ ...m, formatVersion: 1, channels: ['x'], steps: [] }),
      /steps: there are none in format version 1/,
    ],
    [
      'has steps that give other columns',
      (m) => ({ ...m, channels: ['x'], steps: [{ use: 'smooth', time: '1s' }] }),
      /its steps give 1 columns that are not its 3 fields/,
    ],
    [
      'has a step that nobody knows',
      (m) => ({ ...m, channels: ['x'], steps: [{ use: 'magic' }] }),
      /model\.json: steps\.0/,
    ],
    ['names a field twice', (m) => ({ ...m, fields: ['a', 'b', 'a'] }), /fields: a name is there twice/],
    [
      'fills other columns than it has',
      (m) => ({ ...m, imputer: { kind: 'mean', fill: [1] } }),
      /imputer\.fill: 1 values for 3/,
    ],
    ['has an imputer that nobody knows', (m) => ({ ...m, imputer: { kind: 'magic' } }), /imputer/],
    ['points outside its folder', (m) => ({ ...m, estimator: { ...m.estimator, file: '../../x' } }), /estimator\.file/],
    ['names a file without checksum', (m) => ({ ...m, estimator: { ...m.estimator, file: 'x' } }), /does not list x/],
    [
      'has neighbours without weight',
      (m) => ({ ...m, neighbours: { ...m.neighbours, share: 0 } }),
      /neighbours\.share/,
    ],
    [
      'has neighbours with a weight above one',
      (m) => void Object.assign(m.neighbours!, { share: 0.9 }),
      /self-test row \d/,
    ],
    ['has neighbours without a checksum', (m) => void Object.assign(m.neighbours!, { file: 'x' }), /does not list x/],
    [
      'takes its forest for neighbours',
      (m) => void Object.assign(m.neighbours!, { file: 'forest.json.gz' }),
      /file of neighbours .*name: /,
    ],
    ['forgot its neighbours', ({ neighbours: _, ...rest }) => rest, /self-test row \d/],
    ['has histograms of another shape', (m) => ({ ...m, histograms: [] }), /histograms: 0 for 3/],
    ['predicts otherwise than its self-test', (m) => void m.selfTest.probabilities[1]!.reverse(), /self-test row 1 is/],
    [
      'fills otherwise than it was',
      (m) => ({ ...m, imputer: { kind: 'mean', fill: [1e9, 5, 5] } }),
      /self-test row \d/,
    ],
    ['swapped its classes for more', (m) => ({ ...m, classes: ['ham', 'spam', 'eggs'] }), /selfTest\.probabilities/],
  ])('is refused when its manifest %s', async (_, edit, reason) => {
    await expect(loadModel(await edited(edit))).rejects.toMatchObject(refusal(reason));
  });

  it.each<[string, Uint8Array | string, RegExp]>([
    ['is not gzip', '{}', /forest\.json\.gz cannot be unpacked/],
    ['is not JSON', gzipSync('{"name":'), /forest\.json\.gz cannot be unpacked/],
    ['is another JSON', gzipSync('{"name":"KNN"}'), /not what ml-random-forest writes/],
    [
      'is empty of trees',
      gzipSync('{"name":"RFClassifier","baseModel":{"estimators":[],"indexes":[]}}'),
      /one entry a tree/,
    ],
  ])('is refused when its forest %s', async (_, bytes, reason) => {
    const copy = await broken((to) => replace(to, 'forest.json.gz', bytes));
    await expect(loadModel(copy)).rejects.toMatchObject(refusal(reason));
  });

  it.each<[string, Uint8Array | string, RegExp]>([
    ['are not gzip', '{}', /neighbours\.json\.gz cannot be unpacked/],
    ['are not JSON', gzipSync('{"name":'), /neighbours\.json\.gz cannot be unpacked/],
    ['are another JSON', gzipSync('{"name":"KNN"}'), /file of neighbours cannot be used: name: /],
  ])('is refused when its neighbours %s', async (_, bytes, reason) => {
    const copy = await broken((to) => replace(to, 'neighbours.json.gz', bytes));
    await expect(loadModel(copy)).rejects.toMatchObject(refusal(reason));
  });

  it('with engine ml-random-forest is predicted by the library itself, which votes as our majority does', async () => {
    const rows = sampleOf(3);
    const outputs: ModelOutput[] = [];
    for (const engine of ['gapline', 'ml-random-forest'] as const) {
      const copy = await edited((m) => {
        m.estimator = { kind: 'forest', file: 'forest.json.gz', engine, voting: 'majority' };
        m.selfTest = { values: [], labels: [], probabilities: [] };
      });
      outputs.push(await (await loadModel(copy)).open().predict(rows));
    }
    expect(outputs[1]!.labels).toEqual(outputs[0]!.labels);
    for (const [at, share] of outputs[0]!.probabilities.entries()) {
      expect(outputs[1]!.probabilities[at]).toBeCloseTo(share, 12);
    }
  });

  it('whose server does not respond is not refused: that may pass', async () => {
    const copy = await edited((m) => ({
      ...m,
      estimator: {
        kind: 'http',
        url: 'http://127.0.0.1:1',
        protocol: 'v2',
        input: 'x',
        timeoutMs: 500,
        retries: 0,
        batch: 1,
      },
    }));
    await expect(loadModel(copy)).rejects.toMatchObject({ code: 'model-unavailable', retryable: true });
  });

  it('opens with its steps, whose rows have the columns of the model', async () => {
    const registry = openRegistry({ folder, name: 'steps' });
    const steps = [{ use: 'window', length: '1s' } as const, { use: 'statistics', features: ['mean', 'std'] } as const];
    const { version } = await registry.publish(await sampleDraft({ channels: ['x', 'y'], steps: [...steps] }));
    const model = await registry.load(version);
    expect(model.fields).toEqual(model.steps?.chain.shape.channels);
    expect(model.steps?.channels).toEqual(['x', 'y']);
    expect((await registry.load(version)).steps?.signature).toBe(model.steps?.signature);
    expect((await loadModel(good)).steps).toBeUndefined();
  });

  it('with a step of its own loads it beside the stream, and is refused elsewhere', async () => {
    const draft = await sampleDraft({ channels: ['a', 'b', 'c_;'], steps: [{ use: 'smooth', time: '1s' }] });
    const parts = { ...draft.manifest, steps: [{ use: './own-step.ts' }] };
    const place = { folder, name: 'own' };
    const { version } = await openRegistry(place).publish({ ...draft, manifest: parts });
    expect(
      (await openRegistry({ ...place, stepsFolder: join(import.meta.dirname, 'fixtures') }).load(version)).steps
        ?.channels,
    ).toHaveLength(3);
    await expect(openRegistry(place).load(version)).rejects.toMatchObject(
      refusal(/steps of its own \(\.\/own-step\.ts\)/),
    );
  });

  it('gives its manifest and files back as they were written', async () => {
    const draft = await sampleDraft(sample);
    const { manifest, files } = await readArtifact(good);
    expect(manifest).toEqual({ ...draft.manifest, name: 'good', version: 1 });
    expect(files).toEqual(draft.files);
  });

  it.each(modelFormats)('of format version %i, written long ago, still loads', async (format) => {
    const files: Record<string, string> = JSON.parse(
      await readFile(join(import.meta.dirname, `fixtures/format-${format}.json`), 'utf8'),
    );
    const old = join(folder, `format-${format}`);
    await mkdir(old);
    for (const [name, content] of Object.entries(files)) await writeFile(join(old, name), content, 'base64');
    const model = await loadModel(old, { name: 'old', version: 1 });
    expect(model.memoryMs).toBe(60_000);
    expect(model.fields).toEqual(format === 1 ? ['a', 'b', 'c_;'] : ['x.mean', 'x.std', 'y_;.mean', 'y_;.std']);
    expect(model.steps?.channels).toEqual(format === 1 ? undefined : ['x', 'y_;']);
  });
});
