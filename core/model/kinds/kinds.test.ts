import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { obtainOnnxRuntime, onnxRuntime } from '../../../test/servers/onnxruntime.ts';
import { elementAt } from '../../numeric/element.ts';
import { packJson } from '../artifact.ts';
import { type KindUnderTest, modelContract } from '../contract.ts';
import { trainBoosted } from '../forest/boost.ts';
import { writeBoosted } from '../forest/boosted-json.ts';
import { trainSnapshots } from '../forest/snapshots.ts';
import { writeSnapshots } from '../forest/snapshots-json.ts';
import { fitRidge } from '../linear/ridge.ts';
import { writeRidge } from '../linear/ridge-json.ts';
import type { Model } from '../model.ts';
import { openArtifact } from '../open.ts';
import { fitRocket, RocketTransform } from '../series/rocket.ts';
import { writeRocket } from '../series/rocket-json.ts';
import { planRocket } from '../series/rocket-plan.ts';
import { fitShapelets } from '../series/shapelet-fit.ts';
import { writeShapelets } from '../series/shapelet-json.ts';
import { ShapeletTransform } from '../series/shapelets.ts';
import { type SampleOptions, sampleDraft, sampleOf } from '../testing.ts';
import { respond, rowsOfV2, startServer, type TestServer } from './testing.ts';

const required = process.env.GAPLINE_REQUIRE_SERVERS === '1';
const runtime = onnxRuntime() ?? (required ? () => obtainOnnxRuntime(console.error).then((load) => load()) : undefined);

let server: TestServer;
/** What the server in the tests predicts with. */
let oracle: Model;

type Draft = Awaited<ReturnType<typeof sampleDraft>>;

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

/** As the sample, but that a snapshot ensemble is in the place of its forest. */
async function snapshotsDraft(options: SampleOptions = {}): Promise<Draft> {
  const { manifest, files } = await sampleDraft(options);
  const { count, width, values } = sampleOf(3);
  const labels = Int32Array.from({ length: count }, (_, row) => (elementAt(values, row * width) > 5 ? 1 : 0));
  const ensemble = await trainSnapshots({ values, count, width, labels, classes: 2, options: { trees: 6 } }, 3);
  const file = 'snapshots.json.gz';
  return {
    manifest: { ...manifest, estimator: { kind: 'snapshots', file } },
    files: new Map([...files, [file, await packJson(writeSnapshots(ensemble))]]),
  };
}

/** As the sample, but that a ridge classifier is in the place of its forest. */
async function ridgeDraft(options: SampleOptions = {}): Promise<Draft> {
  const { manifest, files } = await sampleDraft(options);
  const { count, width, values: sampled } = sampleOf(3);
  const values = sampled.map((value) => (Number.isNaN(value) ? 5 : value));
  const labels = Int32Array.from({ length: count }, (_, row) => (elementAt(values, row * width) > 5 ? 1 : 0));
  const file = 'ridge.json.gz';
  return {
    manifest: { ...manifest, estimator: { kind: 'ridge', file } },
    files: new Map([
      ...files,
      [file, await packJson(writeRidge(fitRidge({ values, count, width, labels, classes: 2 })))],
    ]),
  };
}

/** As the sample, but that a logistic model, written by hand, is in the place of its forest. */
async function logisticDraft(options: SampleOptions = {}): Promise<Draft> {
  const { manifest, files } = await sampleDraft(options);
  const { fields, classes } = manifest;
  const file = 'logistic.json.gz';
  const coefficients = fields.map((_, at) => (at === 0 ? 1 : 0.1));
  const written = { kind: 'logistic', fields, classes, coefficients, intercept: -5 };
  return {
    manifest: { ...manifest, estimator: { kind: 'logistic', file } },
    files: new Map([...files, [file, await packJson(written)]]),
  };
}

/** Whole series of one channel, told apart by their frequency. */
async function seriesDraft(kind: 'rocket' | 'shapelets'): Promise<Draft> {
  const [length, channels, count, classes] = [12, 1, 20, 2];
  const fields = Array.from({ length }, (_, at) => `sample ${at}`);
  const { manifest, files } = await sampleDraft({ fields, imputer: { kind: 'linear' } });
  const labels = Int32Array.from({ length: count }, (_, row) => row % classes);
  const values = Float64Array.from({ length: count * length }, (_, at) =>
    Math.sin(at * (Math.floor(at / length) % 2 === 0 ? 1 : 2.5)),
  );
  const ridgeOn = (transform: RocketTransform | ShapeletTransform) =>
    fitRidge({ values: transform.transform(values, count), count, width: transform.features, labels, classes });
  const learnt = fitRocket(planRocket({ channels, length }, 200, 1), values, count, 1);
  const options = { count: 30, lengths: [4], dilated: true, seed: 1 };
  const set = fitShapelets({ channels, length, values, labels, count, options });
  const json = {
    rocket: () => writeRocket(learnt, ridgeOn(new RocketTransform(learnt))),
    shapelets: () => writeShapelets(set, ridgeOn(new ShapeletTransform(set))),
  };
  const file = `${kind}.json.gz`;
  return {
    manifest: { ...manifest, estimator: { kind, file } },
    files: new Map([...files, [file, await packJson(json[kind]())]]),
  };
}

/** Every kind of model there is, each made from a draft. All must hold every property below: no exemptions. */
const kinds: Record<string, KindUnderTest> = {
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
  'snapshot ensemble': { draft: snapshotsDraft },
  'snapshot ensemble with neighbours, after several completions': {
    draft: () => snapshotsDraft({ imputer: { ...gaussian, draws: 4 }, neighbours: 0.5 }),
  },
  rocket: { draft: () => seriesDraft('rocket'), width: 12 },
  shapelets: { draft: () => seriesDraft('shapelets'), width: 12 },
  logistic: { draft: logisticDraft },
  ridge: { draft: ridgeDraft },
  'ridge with neighbours': { draft: () => ridgeDraft({ neighbours: 0.5 }) },
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
      files: [join(import.meta.dirname, 'fixtures/forest.onnx')],
      onnxRuntime: runtime,
    },
  }),
};

beforeAll(async () => {
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
});

function rowsOfFrame(body: string) {
  const { columns, data } = JSON.parse(body).dataframe_split as { columns: string[]; data: (number | null)[][] };
  const values = Float64Array.from(data.flat(), (value) => value ?? Number.NaN);
  return { values, count: data.length, width: columns.length };
}

for (const [name, kind] of Object.entries(kinds)) modelContract(name, kind);
