// Resample, filter, window and spectrum, in process on one core, beside numpy and scipy over whole arrays on one thread in the same run.
// npm run bench -- signals [--seconds 600] [--devices 4] [--rounds 5]
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { mulberry32 } from '../core/numeric/random/mulberry32.ts';
import { buildChain, type Chain } from '../core/steps/chain.ts';
import { InputRows } from '../core/steps/input.ts';
import type { StepSpec } from '../core/steps/registry.ts';
import { cacheFolder, installPython, PythonPeer } from './peers.ts';
import { machine, median, table, writeSection } from './report.ts';

const rate = 1_000;
const channels = ['x', 'y', 'z'];
/** The samples lie beside the grid, so that resampling has something to do. */
const offsetNs = 370_000;
/** What the numbers of both may differ by, as a share. */
const tolerance = 1e-6;

const specs: readonly StepSpec[] = [
  { use: 'resample', rate, maxGap: '20ms' },
  { use: 'filter', band: 'bandpass', low: 20, high: 400, order: 4 },
  { use: 'window', length: '1s' },
  { use: 'spectrum' },
];

const { values: options } = parseArgs({
  options: {
    seconds: { type: 'string', default: '600' },
    devices: { type: 'string', default: '4' },
    rounds: { type: 'string', default: '5' },
  },
});
const seconds = Number(options.seconds);
const devices = Number(options.devices);
const samples = devices * seconds * rate;

/** By device and channel, noise and two tones. */
function makeSignals(): Float64Array[][] {
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

/**
 * Gives a new session one record a second and device, and sums each feature up over the windows that are whole.
 * Seconds are of the processor, threads of the garbage collector included: other work on the machine is not counted.
 */
function runChain(chain: Chain, signals: readonly Float64Array[][]): { seconds: number; sums: number[] } {
  const sums = new Array<number>(chain.shape.channels.length).fill(0);
  const began = process.cpuUsage();
  const session = chain.open();
  const input = new InputRows(channels.length);
  for (let second = 0; second < seconds; second++) {
    input.begin();
    signals.forEach((signal, device) => {
      const record = { device: `motor ${device}`, time: { seconds: second, nanoseconds: offsetNs } };
      const part = signal.map((values) => values.subarray(second * rate, (second + 1) * rate));
      input.addSamples(record, rate, rate, part);
    });
    const { rows, committed } = session.apply(input.rows());
    for (let row = 0; row < rows.count; row++) {
      if (rows.windows!.samples[row] !== rate) continue;
      for (let column = 0; column < sums.length; column++) sums[column]! += rows.columns[column]![row]!;
    }
    committed();
  }
  const { user, system } = process.cpuUsage(began);
  return { seconds: (user + system) / 1e6, sums };
}

/** Both have to have computed the same. The peer gives sums by feature, over all channels. */
function demandEqual(ours: readonly number[], theirs: readonly number[]): void {
  theirs.forEach((sum, feature) => {
    let own = 0;
    for (let channel = 0; channel < channels.length; channel++) own += ours[channel * theirs.length + feature]!;
    if (!(Math.abs(own - sum) <= tolerance * Math.abs(sum)))
      throw new Error(`feature ${feature}: ${own}, but numpy and scipy give ${sum}`);
  });
}

const folder = cacheFolder('signals');
const signals = makeSignals();
writeFileSync(join(folder, 'signals.f64'), Buffer.concat(signals.flat().map((values) => Buffer.from(values.buffer))));
for (const name of ['OMP', 'OPENBLAS', 'MKL']) process.env[`${name}_NUM_THREADS`] = '1';
const peer = new PythonPeer(installPython('signals'), 'signals.py', [folder]);
const { versions } = await peer.ask<{ versions: string }>({ do: 'versions' });
const chain = buildChain(specs, channels);
const shape = { devices, samples: seconds * rate, channels: channels.length, rate, offset: offsetNs / 1e9 };
const ours: number[] = [];
const theirs: number[] = [];
for (let round = -1; round < Number(options.rounds); round++) {
  const own = runChain(chain, signals);
  const other = await peer.ask<{ seconds: number; sums: number[] }>({ do: 'run', ...shape });
  demandEqual(own.sums, other.sums);
  // The first round warms both up.
  if (round < 0) continue;
  ours.push(own.seconds);
  theirs.push(other.seconds);
  console.error(
    `round ${round + 1}: Gapline ${own.seconds.toFixed(3)} s, numpy and scipy ${other.seconds.toFixed(3)} s`,
  );
}
peer.stop();
rmSync(join(folder, 'signals.f64'));

const perSecond = (all: readonly number[]) => `${(samples / median(all) / 1e6).toFixed(2)} M`;
const ratio = (median(theirs) / median(ours)).toFixed(2);
const best = (Math.min(...theirs) / Math.min(...ours)).toFixed(2);
writeSection(
  'signals',
  `## Signals

\`npm run bench -- signals\`: resample, filter, window and spectrum of ${devices} devices with ${channels.length} channels at ${rate} samples a second,
${seconds} s of them, on one core; a sample is one time with its ${channels.length} values. Gapline takes a record a second and device, in batches, and
keeps its state; ${versions} take whole arrays on one thread. Both give the same features, or the bench fails.
Seconds are of the processor. ${machine()}

${table(
  ['', 'samples/s, median', 'share of numpy and scipy'],
  [
    ['numpy and scipy', perSecond(theirs), '1.00'],
    ['Gapline', perSecond(ours), `${ratio} (of the fastest rounds: ${best})`],
  ],
)}
`,
);
console.log(
  `Gapline ${perSecond(ours)} samples/s, numpy and scipy ${perSecond(theirs)}: ${ratio} of it (fastest rounds ${best}).`,
);
