import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { elementAt } from '../numeric/element.ts';
import { type Draft, readArtifact, writeArtifact } from './artifact.ts';
import type { OnnxRuntime } from './kinds/onnx.ts';
import type { Manifest } from './manifest.ts';
import type { Model } from './model.ts';
import { openArtifact } from './open.ts';
import { partOf, sampleDraft, sampleOf } from './testing.ts';

/** A model for the suite: the sample of `testing.ts`, but for what is said here. It has two classes. */
export interface KindUnderTest {
  /** In the place of the sample. */
  readonly draft?: () => Promise<Draft>;
  /** In the place of these parts of the manifest. */
  readonly parts?: () => Promise<PartsUnderTest> | PartsUnderTest;
  /** How many fields it has. Default: three. */
  readonly width?: number;
  /** Paths of more files of the artifact. */
  readonly files?: readonly string[];
  readonly onnxRuntime?: () => Promise<OnnxRuntime>;
}

export type PartsUnderTest = Partial<Pick<Manifest, 'imputer' | 'estimator' | 'indicators' | 'maxGaps'>>;

/** What every model must do, whatever its parts: its own folder, written and read again. No exemptions. */
export function modelContract(name: string, kind: KindUnderTest): void {
  describe(name, () => properties(kind));
}

function properties(kind: KindUnderTest): void {
  const { width = 3 } = kind;
  const rows = sampleOf(width, 40);
  let model: Model;
  let load: () => Promise<Model>;

  let folder = '';
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'gapline-model-'));
    const draft = await (kind.draft ?? sampleDraft)();
    const extra = await Promise.all(
      (kind.files ?? []).map(async (file) => [basename(file), await readFile(file)] as const),
    );
    const manifest = { ...draft.manifest, ...(await kind.parts?.()), name: 'kind', version: 1 };
    const files = new Map([...draft.files, ...extra]);
    const onnx = kind.onnxRuntime && { onnxRuntime: kind.onnxRuntime };
    load = async () => {
      const target = join(folder, `${Math.random()}`);
      await writeArtifact(target, { manifest, files });
      const { manifest: parts, files: read } = await readArtifact(target);
      return openArtifact({ parts, files: read, ...onnx });
    };
    model = await load();
  });
  afterAll(async () => {
    await model.close();
    await rm(folder, { recursive: true });
  });

  it('gives each row probabilities that sum to one, and the likeliest class as its label', async () => {
    const { labels, probabilities, filled } = await model.open().predict(rows);
    expect([labels.length, probabilities.length, filled.length]).toEqual([
      rows.count,
      rows.count * 2,
      rows.count * width,
    ]);
    for (let row = 0; row < rows.count; row++) {
      const [first, second] = [elementAt(probabilities, row * 2), elementAt(probabilities, row * 2 + 1)];
      expect(first + second).toBeCloseTo(1, 6);
      if (elementAt(labels, row) >= 0)
        expect(labels[row] === 0 ? first : second).toBeGreaterThanOrEqual(labels[row] === 0 ? second : first);
    }
  });

  it('is pure: the same rows give the same output, and stay as they are', async () => {
    const before = rows.values.slice();
    const session = model.open();
    const first = await session.predict(rows);
    const { committed: _, ...second } = await session.predict(rows);
    expect(first).toMatchObject(second);
    expect(rows.values).toEqual(before);
  });

  it('writes what it filled where it is told to, whatever stands there', async () => {
    const before = new Float64Array(rows.count * width).fill(7.5);
    const { committed: _, ...own } = await model.open().predict(rows);
    expect(await model.open().predict(rows, before)).toMatchObject(own);
  });

  it('does not depend on how rows are cut into batches', async () => {
    const whole = await model.open().predict(rows);
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: rows.count }), async (cut) => {
        const session = model.open();
        const labels: number[] = [];
        for (const piece of [partOf(rows, 0, cut), partOf(rows, cut, rows.count)]) {
          const output = await session.predict(piece);
          labels.push(...output.labels);
          output.committed?.();
        }
        expect(labels).toEqual([...whole.labels]);
      }),
      { numRuns: 8 },
    );
  });

  it('takes gaps: every value may be missing, and what was measured stays', async () => {
    const empty = { ...rows, values: rows.values.map(() => Number.NaN) };
    const { labels, probabilities } = await model.open().predict(empty);
    expect(probabilities.every((share) => share >= 0 && share <= 1)).toBe(true);
    expect(labels).toHaveLength(rows.count);
    const { filled } = await model.open().predict(rows);
    rows.values.forEach((value, at) => {
      if (!Number.isNaN(value)) expect(filled[at]).toBe(value);
    });
  });

  it('labels no rows at all', async () => {
    const output = await model
      .open()
      .predict({ count: 0, width, values: new Float64Array(0), devices: [], times: new BigInt64Array(0) });
    expect([...output.labels]).toEqual([]);
  });

  it('predicts the same when it was written and read again', async () => {
    const again = await load();
    const { committed: _, ...output } = await model.open().predict(rows);
    expect(await again.open().predict(rows)).toMatchObject(output);
    await again.close();
  });
}
