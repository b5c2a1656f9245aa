import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { obtainOnnxRuntime, onnxRuntime } from '../../../test/servers/onnxruntime.ts';
import { packJson, readArtifact, writeArtifact } from '../artifact.ts';
import { trainBoosted } from '../forest/boost.ts';
import { writeBoosted } from '../forest/boosted-json.ts';
import type { Manifest } from '../manifest.ts';
import type { Model } from '../model.ts';
import { openArtifact } from '../open.ts';
import { partOf, type SampleOptions, sampleDraft, sampleOf } from '../testing.ts';
import { respond, rowsOfV2, startServer, type TestServer } from './testing.ts';

const required = process.env.GAPLINE_REQUIRE_SERVERS === '1';
const runtime = onnxRuntime() ?? (required ? () => obtainOnnxRuntime(console.error).then((load) => load()) : undefined);

let folder = '';
let server: TestServer;
/** What the server in the tests predicts with. */
let oracle: Model;

type Draft = Awaited<ReturnType<typeof sampleDraft>>;
type Parts = Partial<Pick<Manifest, 'imputer' | 'estimator' | 'indicators' | 'maxGaps'>>;

const gaussian = { kind: 'gaussian', transform: 'none' } as const;
const forest = { kind: 'forest', file: 'forest.json.gz', voting: 'mean', engine: 'gapline' } as const;
const passthrough = { kind: 'passthrough' } as const;
const remote = { kind: 'http', input: 'input', timeoutMs: 10_000, retries: 0, batch: 7 } as const;

/** As the sample, but that boosted trees are in the place of its forest. */
async function boostedDraft(options: SampleOptions = {}): Promise<Draft> {
  const { manifest, files } = await sampleDraft(options);
  const { count, width, values } = sampleOf(3);
  const labels = Int32Array.from({ length: count }, (_, row) => (values[row * width]! > 5 ? 1 : 0));
  const boosted = await trainBoosted({ values, count, width, labels, classes: 2, options: { trees: 5, seed: 1 } });
  const file = 'boosted.json.gz';
  return {
    manifest: { ...manifest, estimator: { ...forest, file } },
    files: new Map([...files, [file, await packJson(writeBoosted(boosted))]]),
  };
}

/** Every kind of model there is, each made from a draft. All must hold every property below: no exemptions. */
const kinds: Record<string, { draft?: () => Promise<Draft>; parts?: () => Promise<Parts> | Parts; files?: string[] }> =
  {
    forest: {},
    'forest by majority': { parts: () => ({ estimator: { ...forest, voting: 'majority' } }) },
    'forest that takes gaps': { parts: () => ({ imputer: passthrough }) },
    'forest after a conditional mean': { draft: () => sampleDraft({ imputer: gaussian }) },
    'forest after several completions': { draft: () => sampleDraft({ imputer: { ...gaussian, draws: 4 } }) },
    'forest after the last value': { draft: () => sampleDraft({ imputer: { kind: 'last' } }) },
    'forest with a limit of gaps': { parts: () => ({ maxGaps: 1 }) },
    'forest with neighbours': { draft: () => sampleDraft({ neighbours: 0.5 }) },
    'neighbours alone': { draft: () => sampleDraft({ neighbours: 1 }) },
    'forest with neighbours after several completions': {
      draft: () => sampleDraft({ imputer: { ...gaussian, draws: 4 }, neighbours: 0.3 }),
    },
    'forest with neighbours and a limit of gaps': {
      draft: () => sampleDraft({ neighbours: 0.5 }),
      parts: () => ({ maxGaps: 1 }),
    },
    'boosted trees': { draft: boostedDraft },
    'boosted trees with neighbours': { draft: () => boostedDraft({ neighbours: 0.5 }) },
    'ml-random-forest': { parts: () => ({ estimator: { ...forest, engine: 'ml-random-forest', voting: 'majority' } }) },
    'server of the Open Inference Protocol': {
      parts: () => ({ estimator: { ...remote, url: server.url, protocol: 'v2' } }),
    },
    'server that takes gaps': {
      parts: () => ({ imputer: passthrough, estimator: { ...remote, url: server.url, protocol: 'v2' } }),
    },
    'server that takes gaps, with neighbours': {
      draft: () => sampleDraft({ neighbours: 0.5 }),
      parts: () => ({ imputer: passthrough, estimator: { ...remote, url: server.url, protocol: 'v2' } }),
    },
    'server of MLflow': { parts: () => ({ estimator: { ...remote, url: server.url, protocol: 'mlflow' } }) },
    ...(runtime && {
      onnx: {
        parts: () => ({ estimator: { kind: 'onnx', file: 'forest.onnx', scores: 'probabilities' } }),
        files: ['forest.onnx'],
      },
    }),
  };

const now = new Float64Array(0);
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gapline-kinds-'));
  const { manifest, files } = await sampleDraft();
  oracle = await openArtifact({ parts: { ...manifest, imputer: passthrough }, files });
  server = await startServer(async (request, body, response) => {
    const mlflow = request.url === '/invocations';
    const sent = mlflow ? rowsOfFrame(body) : rowsOfV2(body);
    const { probabilities } = await oracle
      .open()
      .predict({ ...sent, devices: [], times: new BigInt64Array(sent.count) });
    const shares = [...probabilities];
    const pairs = Array.from({ length: sent.count }, (_, row) => shares.slice(row * 2, row * 2 + 2));
    if (mlflow) respond(response, { predictions: pairs });
    else respond(response, { outputs: [{ name: 'p', datatype: 'FP64', shape: [sent.count, 2], data: shares }] });
  });
});
afterAll(async () => {
  await server.stop();
  await rm(folder, { recursive: true });
});

function rowsOfFrame(body: string) {
  const { columns, data } = JSON.parse(body).dataframe_split as { columns: string[]; data: (number | null)[][] };
  const values = Float64Array.from(data.flat(), (value) => value ?? Number.NaN);
  return { values, count: data.length, width: columns.length };
}

describe.each(Object.entries(kinds))('%s', (name, kind) => {
  const rows = sampleOf(3, 40);
  let model: Model;
  let load: () => Promise<Model>;

  beforeAll(async () => {
    const draft = await (kind.draft ?? sampleDraft)();
    const extra = await Promise.all(
      (kind.files ?? []).map(
        async (file) => [file, await readFile(join(import.meta.dirname, 'fixtures', file))] as const,
      ),
    );
    const manifest = { ...draft.manifest, ...(await kind.parts?.()), name: 'kind', version: 1 };
    const files = new Map([...draft.files, ...extra]);
    const onnx = runtime && { onnxRuntime: runtime };
    load = async () => {
      const target = join(folder, `${name}-${Math.random()}`);
      await writeArtifact(target, { manifest, files });
      const { manifest: parts, files: read } = await readArtifact(target);
      return openArtifact({ parts, files: read, ...onnx });
    };
    model = await load();
  });
  afterAll(() => model.close());

  it('gives each row probabilities that sum to one, and the likeliest class as its label', async () => {
    const { labels, probabilities, filled } = await model.open().predict(rows);
    expect([labels.length, probabilities.length, filled.length]).toEqual([rows.count, rows.count * 2, rows.count * 3]);
    for (let row = 0; row < rows.count; row++) {
      const [first, second] = [probabilities[row * 2]!, probabilities[row * 2 + 1]!];
      expect(first + second).toBeCloseTo(1, 6);
      if (labels[row]! >= 0)
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
      .predict({ count: 0, width: 3, values: now, devices: [], times: new BigInt64Array(0) });
    expect([...output.labels]).toEqual([]);
  });

  it('predicts the same when it was written and read again', async () => {
    const again = await load();
    const { committed: _, ...output } = await model.open().predict(rows);
    expect(await again.open().predict(rows)).toMatchObject(output);
    await again.close();
  });
});
