import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Model } from '../../core/model/model.ts';
import { elementAt } from '../../core/numeric/element.ts';
import { mulberry32 } from '../../core/numeric/random/mulberry32.ts';
import { buildChain, type Chain } from '../../core/steps/chain.ts';
import { InputRows } from '../../core/steps/input.ts';
import type { StepSpec } from '../../core/steps/registry.ts';
import { valuesAt } from '../../core/steps/row-values.ts';
import { fitCandidate } from '../../training/candidate.ts';
import { trainingOptions, trainingSchema } from '../../training/options.ts';
import { pickLabelledRows } from '../../training/rows.ts';
import { cacheFolder, installPython, PythonPeer } from '../peers.ts';
import { machine, median, table } from '../report.ts';

const rate = 1_000;
const channels = ['x', 'y', 'z'];
/** The samples lie beside the grid, so that resampling has something to do. */
const offsetNs = 370_000;
/** What the numbers of both may differ by, as a share. */
const tolerance = 1e-6;

const trees = 100;

const specs: readonly StepSpec[] = [
  { use: 'resample', rate, maxGap: '20ms' },
  { use: 'filter', band: 'bandpass', low: 20, high: 400, order: 4 },
  { use: 'window', length: '1s' },
  { use: 'spectrum' },
];

export interface InProcessOptions {
  readonly seconds: number;
  readonly devices: number;
  readonly rounds: number;
}

/** By device and channel, noise and two tones. */
function makeSignals({ devices, seconds }: InProcessOptions): Float64Array[][] {
  const random = mulberry32(1);
  return Array.from({ length: devices }, (_, device) =>
    channels.map((_, channel) =>
      Float64Array.from({ length: seconds * rate }, (_, at) => {
        const turn = (2 * Math.PI * at) / rate;
        return Math.sin(turn * (30 + device)) + 0.3 * Math.sin(turn * (180 + 40 * channel)) + random() - 0.5;
      }),
    ),
  );
}

/** By device and window, its class: that of the device, but for a fifth by chance, so that trees grow deep. */
function makeLabels({ devices, seconds }: InProcessOptions): Int32Array {
  const random = mulberry32(2);
  return Int32Array.from({ length: devices * seconds }, (_, at) =>
    Math.floor(random() < 0.2 ? random() * devices : at / seconds),
  );
}

/** What one run found: sums of the features over the windows that are whole, and by device and window features and label. */
interface Run {
  readonly seconds: number;
  readonly sums: readonly number[];
  readonly features: Float64Array;
  readonly labels: Int32Array;
}

/**
 * Gives a new session one record a second and device, and the rows that come of it to a model, batch by batch as the line does.
 * Seconds are of the processor, threads of the garbage collector included: other work on the machine is not counted.
 */
async function runChain(
  chain: Chain,
  signals: readonly Float64Array[][],
  seconds: number,
  model?: Model,
): Promise<Run> {
  const width = chain.shape.channels.length;
  const features = new Float64Array(signals.length * seconds * width);
  const labels = new Int32Array(signals.length * seconds).fill(-1);
  const names = signals.map((_, device) => `motor ${device}`);
  const began = process.cpuUsage();
  const session = chain.open();
  const predictor = model?.open();
  const input = new InputRows(channels.length);
  const batch = new Float64Array(signals.length * width);
  for (let second = 0; second < seconds; second++) {
    input.begin();
    signals.forEach((signal, device) => {
      const record = { device: elementAt(names, device), time: { seconds: second, nanoseconds: offsetNs } };
      const part = signal.map((values) => values.subarray(second * rate, (second + 1) * rate));
      input.addSamples(record, rate, rate, part);
    });
    const { rows, committed } = session.apply(input.rows());
    for (let row = 0; row < rows.count; row++) batch.set(valuesAt(rows, row), row * width);
    const { count } = rows;
    const places = Array.from({ length: count }, (_, row) =>
      rows.windows?.samples[row] === rate
        ? names.indexOf(elementAt(rows.names, elementAt(rows.devices, row))) * seconds +
          elementAt(rows.seconds, row) -
          1
        : -1,
    );
    for (const [row, place] of places.entries())
      if (place >= 0) features.set(batch.subarray(row * width, (row + 1) * width), place * width);
    if (predictor && count > 0) {
      const devices = Array.from({ length: count }, (_, row) => elementAt(rows.names, elementAt(rows.devices, row)));
      const values = batch.subarray(0, count * width);
      const output = await predictor.predict({ count, width, values, devices, times: new BigInt64Array(count) });
      for (const [row, place] of places.entries()) if (place >= 0) labels[place] = elementAt(output.labels, row);
    }
    committed();
  }
  const { user, system } = process.cpuUsage(began);
  const sums = Array.from({ length: width }, (_, column) => {
    let sum = 0;
    for (let at = column; at < features.length; at += width) sum += elementAt(features, at);
    return sum;
  });
  return { seconds: (user + system) / 1e6, sums, features, labels };
}

/** A forest of the features of a first run, as `gapline train` makes one. */
async function fitForest(chain: Chain, { features }: Run, labels: Int32Array, devices: number): Promise<Model> {
  const width = chain.shape.channels.length;
  const whole = Array.from(labels.keys()).filter((row) => elementAt(features, row * width) > 0);
  const rows = pickLabelledRows(
    { ...{ count: labels.length, width, values: features, labels }, ...anyRows(labels.length) },
    whole,
  );
  const classes = Array.from({ length: devices }, (_, device) => `class ${device}`);
  const options = trainingOptions(trainingSchema.parse({ trees }));
  return (await fitCandidate({ rows, fields: chain.shape.channels, classes, options })).model;
}

const anyRows = (count: number) => ({ devices: new Array<string>(count).fill(''), times: new BigInt64Array(count) });

/** Both have to have computed the same. The peer gives sums by feature, over all channels. */
function demandEqual(ours: readonly number[], theirs: readonly number[]): void {
  theirs.forEach((sum, feature) => {
    let own = 0;
    for (let channel = 0; channel < channels.length; channel++)
      own += elementAt(ours, channel * theirs.length + feature);
    if (!(Math.abs(own - sum) <= tolerance * Math.abs(sum)))
      throw new Error(`feature ${feature}: ${own}, but numpy and scipy give ${sum}`);
  });
}

/** Two forests differ by chance, but not by much. */
function demandAlike(own: number, other: number): void {
  if (Math.abs(own - other) > 0.05) throw new Error(`Gapline's forest is right in ${own}, scikit-learn's in ${other}`);
}

/** Runs both in turn and gives a section of docs/benchmarks.md. */
export async function compareInProcess(options: InProcessOptions): Promise<string> {
  const { devices, seconds, rounds } = options;
  const folder = cacheFolder('signals');
  const signals = makeSignals(options);
  const labels = makeLabels(options);
  writeFileSync(join(folder, 'signals.f64'), Buffer.concat(signals.flat().map(({ buffer }) => Buffer.from(buffer))));
  writeFileSync(join(folder, 'labels.i32'), Buffer.from(labels.buffer));
  for (const name of ['OMP', 'OPENBLAS', 'MKL']) process.env[`${name}_NUM_THREADS`] = '1';
  const peer = new PythonPeer(installPython('signals'), 'signals.py', [folder]);
  const chain = buildChain(specs, channels);
  try {
    const { versions } = await peer.ask<{ versions: string }>({ do: 'versions' });
    const shape = { devices, samples: seconds * rate, channels: channels.length, rate, offset: offsetNs / 1e9, trees };
    const model = await fitForest(chain, await runChain(chain, signals, seconds), labels, devices);
    await peer.ask({ do: 'fit', ...shape });
    const found = { ours: [] as number[], theirs: [] as number[] };
    for (let round = -1; round < rounds; round++) {
      const own = await runChain(chain, signals, seconds, model);
      const other = await peer.ask<{ seconds: number; sums: number[]; right: number }>({ do: 'run', ...shape });
      demandEqual(own.sums, other.sums);
      const known = own.labels.filter((label) => label >= 0).length;
      demandAlike(own.labels.filter((label, at) => label >= 0 && label === labels[at]).length / known, other.right);
      // The first round warms both up.
      if (round < 0) continue;
      found.ours.push(own.seconds);
      found.theirs.push(other.seconds);
      console.error(`round ${round + 1}: Gapline ${own.seconds.toFixed(3)} s, ${other.seconds.toFixed(3)} s`);
    }
    await model.close();
    return sectionOf(options, found, versions);
  } finally {
    peer.stop();
    rmSync(join(folder, 'signals.f64'));
  }
}

function sectionOf(
  { devices, seconds }: InProcessOptions,
  { ours, theirs }: { ours: readonly number[]; theirs: readonly number[] },
  versions: string,
): string {
  const perSecond = (all: readonly number[]) => `${((devices * seconds * rate) / median(all) / 1e6).toFixed(2)} M`;
  const ratio = (median(theirs) / median(ours)).toFixed(2);
  const best = (Math.min(...theirs) / Math.min(...ours)).toFixed(2);
  return `\`npm run bench -- signals --only process\`: resample, filter, window, spectrum and a forest of ${trees} trees, of ${devices} devices with ${channels.length} channels at
${rate} samples a second, ${seconds} s of them, on one core; a sample is one time with its ${channels.length} values. Gapline takes a record a second and device, in
batches, keeps its state, and labels each batch; ${versions} take whole arrays on one thread. Both give the same features, and forests that are
as often right, or the bench fails. Seconds are of the processor. ${machine()}

${table(
  ['', 'samples/s, median', 'share of numpy, scipy and scikit-learn'],
  [
    ['numpy, scipy and scikit-learn', perSecond(theirs), '1.00'],
    ['Gapline', perSecond(ours), `${ratio} (of the fastest rounds: ${best})`],
  ],
)}
`;
}
