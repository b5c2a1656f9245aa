// Pulse waves of people with and without an infarction behind them. A beat is two Gaussians over its phase: Tang, Chen, Ward and Elgendi
// (2020), Synthetic photoplethysmogram generation using two Gaussian functions, Scientific Reports 10, 13883. An infarction leaves the
// heart rate less variable (Kleiger and others, 1987) and, here, the second wave weaker and the first one later and wider.

import type { Source, Track } from '../../generator/source.ts';
import { mulberry32 } from '../random.ts';

export const rate = 125;
export const fields = ['ppg'];
export const kinds = ['normal', 'infarction'] as const;
const people = 20;

type Person = ReturnType<typeof makePeople>[number];

/** Half of them of each kind; the two kinds overlap. */
function makePeople(seed: number) {
  const random = mulberry32(seed * 7919 + 3);
  const between = (low: number, high: number) => low + (high - low) * random();
  const order = Array.from({ length: people }, (_, at) => ({ at, key: random() })).sort((a, b) => a.key - b.key);
  return order.map(({ at }) => {
    const kind = kinds[at % kinds.length] ?? 'normal';
    const ill = kind === 'infarction' ? 1 : 0;
    return {
      kind,
      hertz: between(0.95, 1.5),
      /** How much breathing and blood pressure move the heart rate, as shares of it. */
      variability: [between(0.02, 0.06) * (1 - 0.6 * ill), between(0.01, 0.04) * (1 - 0.5 * ill)] as const,
      breath: between(0.18, 0.32),
      second: between(0.36, 0.5) - 0.11 * ill,
      width: between(0.54, 0.66) + 0.06 * ill,
      place: -Math.PI / 2 + between(-0.1, 0.1) + 0.1 * ill,
      gain: between(0.6, 1.6),
      drift: between(0.1, 0.5),
      noise: between(0.02, 0.08),
      phase: between(0, 2 * Math.PI),
    };
  });
}

/** The beat's angle at a time: the integral of a heart rate that breathing (0.2 Hz or so) and blood pressure (0.1 Hz) move. */
function angleOf({ hertz, variability, breath, phase }: Person, seconds: number): number {
  const wave = (share: number, frequency: number) =>
    (share / (2 * Math.PI * frequency)) * Math.sin(2 * Math.PI * frequency * seconds + phase);
  const beats = hertz * (seconds + wave(variability[0], breath) + wave(variability[1], 0.1)) + phase;
  return 2 * Math.PI * (beats - Math.floor(beats)) - Math.PI;
}

const gaussian = (angle: number, place: number, width: number) => Math.exp(-((angle - place) ** 2) / (2 * width ** 2));

/** Light absorbed, at a time: the beat, the baseline that breathing moves, and what a movement of the hand adds. */
function absorbed(person: Person, seconds: number, motion: number): number {
  const angle = angleOf(person, seconds);
  const beat = 0.82 * gaussian(angle, person.place, person.width) + person.second * gaussian(angle, 0, 1.2);
  const baseline = person.drift * Math.sin(2 * Math.PI * person.breath * seconds + person.phase);
  return person.gain * beat + baseline + motion * Math.sin(2 * Math.PI * 2.3 * seconds);
}

const round = (value: number) => Math.round(value * 10_000) / 10_000;
/** The share of seconds in which a hand moves. */
const moving = 0.08;

/** One person from the n-th sample on. Noise and movement are drawn anew each second, so that it can be opened anywhere. */
function open(person: Person, seed: number, n: number): Track {
  const randomOf = (second: number) => mulberry32((seed * 31 + Math.round(person.hertz * 1e6) + second * 65_537) >>> 0);
  const motionOf = (random: () => number) => (random() < moving ? 1.2 * random() : 0);
  let next = n;
  let random = randomOf(Math.floor(n / rate));
  let motion = motionOf(random);
  return {
    next(values) {
      const at = next++;
      if (at % rate === 0) {
        random = randomOf(at / rate);
        motion = motionOf(random);
      }
      const noise = random() + random() + random() + random() - 2;
      values[0] = round(absorbed(person, at / rate, motion) + person.noise * noise);
      return person.kind;
    },
  };
}

/** 20 people; each sends a record a second. */
export default function simulate({ seed }: { readonly seed: number }): Source {
  const all = makePeople(seed);
  return {
    fields,
    samples: { count: rate, rate },
    devices: all.map((_, at) => `patient-${String(at + 1).padStart(2, '0')}`),
    round: Int32Array.from(all, (_, at) => at),
    length: Number.POSITIVE_INFINITY,
    fingerprint: `pulse waves ${seed}`,
    open: (device, n) => open(all[device] as Person, seed, n),
    distribution() {
      const values = new Float64Array(1);
      const seen = all.flatMap((person) => {
        const track = open(person, seed, 0);
        return Array.from({ length: 10 * rate }, () => {
          track.next(values);
          return values[0] ?? 0;
        });
      });
      return Float64Array.from(seen).sort();
    },
  };
}
