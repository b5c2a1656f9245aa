// The pictures of signals.md: what the steps make of samples. `npm run docs` writes them.
import { elementAt } from '../../core/numeric/element.ts';
import { Periodogram } from '../../core/numeric/periodogram.ts';
import { mulberry32 } from '../../core/numeric/random/mulberry32.ts';
import { taperOf } from '../../core/numeric/taper.ts';
import type { StepSpec } from '../../core/steps/registry.ts';
import { ms, runAll, type Sample } from '../../core/steps/testing/run.ts';
import simulate, { fields, rate } from '../../examples/motor/simulator.ts';
import { type Curve, type Panel, panels } from './panels.ts';

type Points = Curve['points'];

const sampleOf = (at: number, value: number): Sample => ({ device: 'a', ns: ms(at), values: [value] });
/** What a chain makes of samples of one value, by milliseconds. */
function made(specs: readonly StepSpec[], samples: readonly Sample[]): Points {
  const { rows } = runAll(specs, ['x'], samples);
  return rows.map(({ ns, values }) => [Number(BigInt(ns)) / 1e6, finite(elementAt(values, 0))]);
}
const finite = (value: number): number | null => (Number.isNaN(value) ? null : value);

/** Jitter and reordering put right, a short gap bridged, a long one left. */
function resampled(): Panel {
  const random = mulberry32(3);
  const wave = (at: number) => Math.sin(at / 55) + 0.4 * Math.sin(at / 17);
  const isLost = (at: number) => (at > 90 && at < 120) || (at > 250 && at < 350);
  const given = Array.from({ length: 50 }, (_, at) => at * 10 + 6 * random())
    .filter((at) => !isLost(at))
    .map((at) => sampleOf(at, wave(at)));
  const grid = made([{ use: 'resample', rate: 200, maxGap: '50ms', grace: '20ms' }], given);
  return {
    title: 'resample: onto a regular grid; up to maxGap is bridged, longer stays a gap',
    ...{ from: 0, to: 500, unit: 'ms', gaps: [[250, 350]] },
    curves: [
      {
        name: 'samples',
        as: 'dots',
        colour: 'given',
        points: given.map(({ ns, values }) => [Number(ns) / 1e6, elementAt(values, 0)]),
      },
      { name: 'resampled', as: 'line', colour: 'made', points: broken(grid, 10) },
    ],
  };
}

/** A line is broken where rows are further apart. */
function broken(points: Points, most: number): Points {
  return points.flatMap((point, at) => {
    const before = points[at - 1];
    return before && point[0] - before[0] > most ? ([[before[0], null], point] as const) : [point];
  });
}

/** A pulse on a drift, and the mains on it. */
function filtered(): Panel {
  const random = mulberry32(5);
  const beat = (at: number) => Math.exp(-(((((at / 800) % 1) - 0.3) / 0.08) ** 2));
  const given = Array.from({ length: 600 }, (_, at) => {
    const time = at * 8;
    return sampleOf(time, beat(time) + 1.2 * Math.sin(time / 1_500) + 0.25 * (random() - 0.5));
  });
  const band: StepSpec = { use: 'filter', band: 'bandpass', low: 0.5, high: 8, order: 2, rate: 125 };
  return {
    title: 'filter: what passes of a pulse that drifts, bandpass 0.5 to 8 Hz; a filter runs forwards, and so delays',
    ...{ from: 0, to: 4_800, unit: 'ms' },
    curves: [
      {
        name: 'light',
        as: 'line',
        colour: 'given',
        points: given.map(({ ns, values }) => [Number(ns) / 1e6, elementAt(values, 0)]),
      },
      { name: 'filtered', as: 'line', colour: 'made', points: made([band], given) },
    ],
  };
}

/** One second of one axis of a motor of each health, with a burst of gaps; the spectrum is what the model sees. */
function motor(kind: string): { x: Float64Array; gaps: [number, number] } {
  const source = simulate({ seed: 5 });
  for (const device of source.devices.keys()) {
    const track = source.open(device, 600 * rate);
    const row = new Float64Array(fields.length);
    const x = new Float64Array(rate);
    let truth: string | undefined;
    for (let at = 0; at < rate; at++) {
      truth = track.next(row);
      x[at] = at >= 600 && at < 680 ? Number.NaN : elementAt(row, 0);
    }
    if (truth === kind) return { x, gaps: [599, 680] };
  }
  throw new Error(`no motor is ${kind}`);
}

function motorPanels(kind: string, marks: Panel['marks']): Panel[] {
  const { x, gaps } = motor(kind);
  const periodogram = new Periodogram(rate, taperOf('hann', rate));
  periodogram.input.set(x);
  periodogram.ofInput(x.filter((value) => !Number.isNaN(value)).length);
  const decibels = Array.from(periodogram.power, (power) => 10 * Math.log10(Math.max(power, 1e-7)));
  const wave: Points = Array.from(x, (value, at) => [at, finite(value)]);
  const spectrum: Points = decibels.slice(1, 451).map((value, at) => [at + 1, value]);
  return [
    {
      title: `${kind}: 400 ms of a window, with a burst of gaps`,
      from: 400,
      to: 800,
      unit: 'ms',
      gaps: [gaps],
      curves: [{ name: 'vibration', as: 'line', colour: 'made', points: wave.slice(400, 800) }],
    },
    {
      title: `${kind}: its spectrum over what was measured, dB`,
      from: 0,
      to: 450,
      unit: 'Hz',
      ...(marks && { marks }),
      curves: [{ name: 'power', as: 'line', colour: 'other', points: spectrum }],
    },
  ];
}

/** Each picture, by its file. */
export const signalPictures = (): Record<string, string> => ({
  'docs/pictures/signals-samples.svg': panels('What resample and filter make of samples', [resampled(), filtered()]),
  'docs/pictures/signals-motor.svg': panels('Windows of two motors and their spectra', [
    ...motorPanels('imbalance', [[25, 'turns']]),
    ...motorPanels('bearing', [[330, 'ring of the impacts']]),
  ]),
});
