import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { RandomForestClassifier } from 'ml-random-forest';
import { compile } from '../../core/model/forest/layout.ts';
import { writeLibraryForest } from '../../core/model/forest/library-json.ts';
import { importOnnxForest } from '../../core/model/forest/onnx-import.ts';
import { predict } from '../../core/model/forest/predict.ts';
import { elementAt } from '../../core/numeric/element.ts';
import { installPackages, type PythonPeer } from '../peers.ts';
import { type Cost, timed } from './comparison.ts';
import type { DataSet } from './sets.ts';

/** Predicts rows: 1,000 at once, or one of them. */
interface Predictor {
  readonly name: string;
  /** Calls once with all rows, or with each of some rows in turn; returns what that cost by row. */
  batch(repeats: number): Promise<Cost>;
  single(repeats: number): Promise<Cost>;
}

interface Rates {
  readonly name: string;
  /** Costs of one row. */
  readonly batch: Cost[];
  readonly single: Cost[];
}

const onnxRuntimeVersion = '1.30.0';
const ydfVersion = '0.0.4';
const batchRows = 1000;
/** About how long one measurement lasts. */
const secondsEach = 0.4;

export async function comparePredictions(options: {
  peer: PythonPeer;
  folder: string;
  set: DataSet;
  trees: number;
  rounds: number;
}): Promise<{ nodes: number; sameLabels: string; rates: Rates[] }> {
  const { peer, folder, set, trees, rounds } = options;
  const { nodes } = await peer.ask<{ nodes: number }>({ do: 'prepare', name: set.name, trees });
  const batch = Float64Array.from({ length: batchRows * set.width }, (_, at) =>
    elementAt(set.test.values, at % set.test.values.length),
  );
  const file = readFileSync(join(folder, 'forest.onnx'));
  const require = installPackages([`onnxruntime-node@${onnxRuntimeVersion}`, `ydf-inference@${ydfVersion}`]);
  const ort = require('onnxruntime-node') as Ort;
  const predictors = [
    gapline(file, batch, set.width),
    await onnxRuntime(ort, file, batch, set.width, 1),
    await onnxRuntime(ort, file, batch, set.width, 0),
    ...['scikit-learn', 'onnxruntime', 'lleaves'].map((model) => inPython(peer, set.name, model)),
    await ydf(require, join(folder, 'ydf.zip'), batch, set.width),
    library(file, batch, set.width),
  ];
  const measured = predictors.map((predictor) => {
    const rates: Rates = { name: predictor.name, batch: [], single: [] };
    return { predictor, rates };
  });
  for (let round = 0; round < rounds; round++) {
    for (const { predictor, rates } of measured) {
      const batch = await measure((repeats) => predictor.batch(repeats));
      rates.batch.push(batch);
      rates.single.push(await measure((repeats) => predictor.single(repeats)));
      console.error(`predict ${predictor.name}: ${1 / batch.seconds} rows a second in batches`);
    }
  }
  return { nodes, sameLabels: await compareLabels(ort, file, folder, set), rates: measured.map(({ rates }) => rates) };
}

/** Finds out how often to repeat, which also warms up, and measures. */
async function measure(work: (repeats: number) => Promise<Cost>): Promise<Cost> {
  const { seconds } = await work(1);
  const repeats = Math.max(1, Math.min(100_000, Math.round(secondsEach / (seconds * batchRows))));
  return work(repeats);
}

/** A cost by row, of `calls` calls for so many rows each. */
async function byRow(rows: number, work: () => unknown): Promise<Cost> {
  const { seconds, cpuSeconds } = await timed(work);
  return { seconds: seconds / rows, cpuSeconds: cpuSeconds / rows };
}

const rowsOf = <T extends Float64Array | Float32Array>(batch: T, width: number): T[] =>
  Array.from({ length: batch.length / width }, (_, row) => batch.slice(row * width, (row + 1) * width) as T);

function gapline(file: Uint8Array, batch: Float64Array, width: number): Predictor {
  const compiled = compile(importOnnxForest(file, { width }).forest);
  const out = { probabilities: new Float64Array(batchRows * compiled.outputs), labels: new Int32Array(batchRows) };
  const rows = rowsOf(batch, width);
  return {
    name: 'Gapline',
    batch: (repeats) =>
      byRow(repeats * batchRows, () => {
        for (let call = 0; call < repeats; call++) predict(compiled, batch, batchRows, out);
      }),
    single: (repeats) =>
      byRow(repeats * batchRows, () => {
        for (let call = 0; call < repeats; call++) for (const row of rows) predict(compiled, row, 1, out);
      }),
  };
}

interface Ort {
  readonly InferenceSession: {
    create(
      file: Uint8Array,
      options: object,
    ): Promise<{ run(feeds: object): Promise<Record<string, { data: BigInt64Array | Float32Array }>> }>;
  };
  readonly Tensor: new (type: 'float32', values: Float32Array, shape: readonly number[]) => object;
}

async function onnxRuntime(
  ort: Ort,
  file: Uint8Array,
  batch: Float64Array,
  width: number,
  threads: number,
): Promise<Predictor> {
  const session = await ort.InferenceSession.create(file, { intraOpNumThreads: threads, interOpNumThreads: 1 });
  const values = Float32Array.from(batch);
  const all = new ort.Tensor('float32', values, [batchRows, width]);
  const rows = rowsOf(values, width).map((row) => new ort.Tensor('float32', row, [1, width]));
  return {
    name: `onnxruntime-node ${onnxRuntimeVersion}${threads === 1 ? '' : ', all cores'}`,
    batch: (repeats) =>
      byRow(repeats * batchRows, async () => {
        for (let call = 0; call < repeats; call++) await session.run({ X: all });
      }),
    single: (repeats) =>
      byRow(repeats * batchRows, async () => {
        for (let call = 0; call < repeats; call++) for (const row of rows) await session.run({ X: row });
      }),
  };
}

function inPython(peer: PythonPeer, name: string, model: string): Predictor {
  const ask = async (rows: number, repeats: number): Promise<Cost> => {
    const { seconds, cpuSeconds } = await peer.ask<Cost>({ do: 'predict', name, model, rows, repeats });
    return { seconds: seconds / (rows * repeats), cpuSeconds: cpuSeconds / (rows * repeats) };
  };
  return {
    name: `${model} (Python)`,
    batch: (repeats) => ask(batchRows, repeats),
    single: (repeats) => ask(1, repeats * (model === 'scikit-learn' ? 20 : batchRows)),
  };
}

/** YDF's WebAssembly takes columns by name; making them is not counted. */
async function ydf(require: NodeJS.Require, zip: string, batch: Float64Array, width: number): Promise<Predictor> {
  const load = require('ydf-inference') as () => Promise<{
    loadModelFromZipBlob(zip: Uint8Array): Promise<{ predict(columns: Record<string, number[]>): number[] }>;
  }>;
  const model = await (await load()).loadModelFromZipBlob(readFileSync(zip));
  const rows = rowsOf(batch, width);
  const columnsOf = (some: Float64Array[]) =>
    Object.fromEntries(
      Array.from({ length: width }, (_, column) => [`c${column}`, some.map((row) => elementAt(row, column))]),
    );
  const all = columnsOf(rows);
  const each = rows.map((row) => columnsOf([row]));
  return {
    name: `ydf-inference ${ydfVersion}`,
    batch: (repeats) =>
      byRow(repeats * batchRows, () => {
        for (let call = 0; call < repeats; call++) model.predict(all);
      }),
    single: (repeats) =>
      byRow(repeats * batchRows, () => {
        for (let call = 0; call < repeats; call++) for (const columns of each) model.predict(columns);
      }),
  };
}

/** The library of the original design, on the same forest; some rows only, for it is slow. */
function library(file: Uint8Array, batch: Float64Array, width: number): Predictor {
  const json = JSON.parse(JSON.stringify(writeLibraryForest(importOnnxForest(file, { width }).forest)));
  const model = RandomForestClassifier.load(json);
  const some = rowsOf(batch, width)
    .slice(0, 100)
    .map((row) => Array.from(row));
  return {
    name: 'ml-random-forest',
    batch: () => byRow(some.length, () => model.predict(some)),
    single: () =>
      byRow(20, () => {
        for (const row of some.slice(0, 20)) model.predict([row]);
      }),
  };
}

/** How many labels of the unseen rows differ from ONNX Runtime's and scikit-learn's. */
async function compareLabels(
  ort: Ort,
  file: Uint8Array,
  folder: string,
  { test, width, classes }: DataSet,
): Promise<string> {
  const session = await ort.InferenceSession.create(file, {});
  const input = new ort.Tensor('float32', Float32Array.from(test.values), [test.count, width]);
  const { label, probabilities } = await session.run({ X: input });
  if (!label || !probabilities) throw new Error('the session has no output label or probabilities');
  const theirs = Array.from(label.data, Number);
  const out = { probabilities: new Float64Array(test.count * classes), labels: new Int32Array(test.count) };
  predict(compile(importOnnxForest(file, { width }).forest), test.values, test.count, out);
  const scikitLearn = new Int32Array(new Uint8Array(readFileSync(join(folder, 'forest.i32'))).buffer);
  const rowsBut = (labels: ArrayLike<number>) =>
    Array.from(labels, (_, row) => row).filter((row) => out.labels[row] !== labels[row]);
  const differ = rowsBut(theirs);
  const draws = differ.filter((row) => Math.abs(Number(probabilities.data[row * classes + 1]) - 0.5) < 1e-6);
  return (
    `${differ.length} differ from ONNX Runtime's (${draws.length} of them where its sum in 32 bits parts a draw), ` +
    `${rowsBut(scikitLearn).length} from scikit-learn's`
  );
}
