// Beats of an electrocardiogram, normal and abnormal: McSharry, Clifford, Tarassenko and Smith (2003), A dynamical model for generating
// synthetic electrocardiogram signals, IEEE Transactions on Biomedical Engineering 50, 289-294. A point runs round the unit circle, once a
// beat; at an angle each wave pulls the third coordinate, which is the signal, up or down:
//   dz/dt = - sum over waves of a * d * exp(-d^2 / (2 b^2)) - (z - z0),   d: from the wave's angle to the point's, in (-pi, pi]
// The point starts on the circle and stays there, so its angle is known; only z is integrated. a, b and angles of a normal beat are those
// of the paper's table I. What an infarction does to them is ours, and smaller than in a book: deep Q, raised ST, turned T, each by itself.

import type { Source, Track } from '../../generator/source.ts';
import { mulberry32 } from '../random.ts';

export const rate = 125;
/** From an R peak on, 1.5 s: as in the 187-sample beats that Kachuee, Fazeli and Sarrafzadeh made of the PTB recordings (2018). */
const samples = 187;
export const fields = Array.from({ length: samples }, (_, at) => `s${at}`);
export const kinds = ['normal', 'abnormal'] as const;
const people = 20;
const smallSteps = 4;

interface Wave {
  readonly angle: number;
  readonly a: number;
  readonly b: number;
}
type Person = ReturnType<typeof makePeople>[number];

/** Half of them of each kind; of the abnormal ones each has one or two of three signs, some hardly to be seen. */
function makePeople(seed: number) {
  const random = mulberry32(seed * 7919 + 11);
  const between = (low: number, high: number) => low + (high - low) * random();
  const order = Array.from({ length: people }, (_, at) => ({ at, key: random() })).sort((a, b) => a.key - b.key);
  return order.map(({ at }) => {
    const kind = kinds[at % kinds.length] ?? 'normal';
    const ill = kind === 'abnormal' ? 1 : 0;
    const main = Math.floor(between(0, 3));
    const sign = (which: number) => ill * (which === main ? between(0.4, 1.2) : random() < 0.3 ? 0.4 : 0);
    const [deepQ, raisedSt, turnedT] = [sign(0), sign(1), sign(2)];
    const vary = (value: number, share: number) => value * between(1 - share, 1 + share);
    const waves: Wave[] = [
      { angle: -Math.PI / 3, a: vary(1.2, 0.25), b: 0.25 },
      { angle: -Math.PI / 12, a: vary(-5, 0.25) * (1 + 1.6 * deepQ), b: 0.1 * (1 + 0.3 * deepQ) },
      { angle: 0, a: vary(30, 0.15) * (1 - 0.25 * deepQ), b: 0.1 },
      { angle: Math.PI / 12, a: vary(-7.5, 0.25), b: 0.1 },
      { angle: Math.PI / 4, a: 0.9 * raisedSt + between(-0.15, 0.15), b: 0.35 },
      { angle: Math.PI / 2, a: vary(0.75, 0.25) * (1 - 1.5 * turnedT), b: 0.4 },
    ];
    return {
      kind,
      waves,
      seconds: between(0.62, 1.05),
      variability: between(0.03, 0.08) * (1 - 0.4 * ill),
      gain: between(8, 16),
      wander: between(0.02, 0.12),
      noise: between(0.01, 0.04),
      key: Math.floor(random() * 2 ** 31),
    };
  });
}

/** A normal number: Box and Muller (1958). */
const normal = (random: () => number) => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());

function pull(waves: readonly Wave[], angle: number, z: number): number {
  let sum = -z;
  for (const { angle: at, a, b } of waves) {
    const d = angle - at - 2 * Math.PI * Math.round((angle - at) / (2 * Math.PI));
    sum -= a * d * Math.exp(-(d * d) / (2 * b * b));
  }
  return sum;
}

/** The n-th beat of a person: the beat before it runs in, then from its R peak on. Nothing is kept from beat to beat. */
function writeBeat(person: Person, n: number, values: Float64Array): void {
  const random = mulberry32((person.key + n * 65_537) >>> 0);
  const periods = Array.from({ length: 4 }, () => person.seconds * (1 + person.variability * normal(random)));
  const waves = person.waves.map((wave) => ({ ...wave, a: wave.a * (1 + 0.08 * normal(random)) }));
  const stepS = 1 / (rate * smallSteps);
  const phase = 2 * Math.PI * random();
  const moves = random() < 0.15 ? 0.15 : 0;
  let [angle, beat, z, taken] = [-2 * Math.PI, 0, 0, 0];
  for (let step = 0; taken < samples; step++) {
    if (angle >= 0 && step % smallSteps === 0) {
      const at = taken / rate;
      const baseline = person.wander * Math.sin(2 * Math.PI * 0.25 * at + phase) + moves * Math.sin(11 * at + phase);
      values[taken++] = Math.round((person.gain * z + baseline + person.noise * normal(random)) * 1e4) / 1e4;
    }
    const period = periods[Math.min(periods.length - 1, beat)] ?? person.seconds;
    const turn = (2 * Math.PI * stepS) / period;
    // The midpoint method.
    const half = z + (stepS / 2) * pull(waves, angle, z);
    z += stepS * pull(waves, angle + turn / 2, half);
    angle += turn;
    if (angle >= 2 * Math.PI * beat) beat++;
  }
}

function open(person: Person, n: number): Track {
  let next = n;
  return {
    next(values) {
      writeBeat(person, next++, values);
      return person.kind;
    },
  };
}

/** 20 people; each sends a beat at a time, a whole segment. */
export default function simulate({ seed }: { readonly seed: number }): Source {
  const all = makePeople(seed);
  let sample: Float64Array[] | undefined;
  return {
    fields,
    devices: all.map((_, at) => `patient-${String(at + 1).padStart(2, '0')}`),
    round: Int32Array.from(all, (_, at) => at),
    length: Number.POSITIVE_INFINITY,
    fingerprint: `beats ${seed}`,
    open(device, n) {
      const person = all[device];
      if (!person) throw new RangeError(`there is no patient ${device}`);
      return open(person, n);
    },
    distribution(field) {
      sample ??= all.flatMap(firstBeats);
      return Float64Array.from(sample, (values) => values[field] ?? 0).sort();
    },
  };
}

const firstBeats = (person: Person): Float64Array[] =>
  Array.from({ length: 20 }, (_, n) => {
    const values = new Float64Array(samples);
    writeBeat(person, n, values);
    return values;
  });
