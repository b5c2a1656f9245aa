// Heartbeats of five kinds, as one lead of an ECG shows them. A beat is five Gaussians over its phase, the waves P, Q, R, S and T:
// McSharry, Clifford, Tarassenko and Smith (2003), A dynamical model for generating synthetic electrocardiogram signals, IEEE Transactions
// on Biomedical Engineering 50(3), 289–294. Kinds and layout of a row are those of the MIT-BIH beats of Kachuee, Fazeli and Sarrafzadeh
// (2018), ECG heartbeat classification: a deep transferable representation: 187 samples at 125 Hz, begun at the R wave, between 0 and 1,
// and zero after the beat that follows.

import { mulberry32 } from '../random.ts';

export const samples = 187;
const rate = 125;
/** Names of the standard AAMI EC57; of each how many of a hundred beats. */
export const kinds = { normal: 60, supraventricular: 10, ventricular: 14, fusion: 6, paced: 10 } as const;
export type Kind = keyof typeof kinds;
export const fields = Array.from({ length: samples }, (_, at) => `s${at}`);

export interface Beat {
  readonly kind: Kind;
  /** {@link samples} values; null was lost. */
  readonly values: readonly (number | null)[];
}

/** A wave: its place in seconds from the R wave, its height in mV, its width in seconds. */
type Wave = readonly [place: number, height: number, width: number];

type Between = (low: number, high: number) => number;

/** P, Q, R, S and T of a normal beat, of one of these people. */
const normalWaves = (between: Between): Wave[] => [
  [-0.17 + between(-0.015, 0.015), between(0.1, 0.22), 0.025],
  [-0.03, -between(0.05, 0.15), 0.01],
  [0, between(0.9, 1.5), between(0.01, 0.014)],
  [0.03, -between(0.1, 0.35), 0.011],
  [0.28 + between(-0.03, 0.03), between(0.2, 0.42), between(0.05, 0.065)],
];

/** What begins in a ventricle is wide, has no P wave, and a T wave of the other sign. */
const ventricularWaves = (between: Between): Wave[] => [
  [-0.05, -between(0, 0.2), 0.03],
  [0, between(1, 1.9), between(0.035, 0.05)],
  [0.09, -between(0.2, 0.6), 0.04],
  [0.32 + between(-0.03, 0.03), -between(0.2, 0.5), between(0.06, 0.08)],
];

/** The waves of a beat, and the seconds until the next. */
function wavesOf(kind: Kind, rr: number, between: Between): { waves: Wave[]; next: number } {
  const normal = normalWaves(between);
  const ventricular = ventricularWaves(between);
  if (kind === 'normal') return { waves: normal, next: rr };
  // The next beat comes after a pause that makes up for the early one.
  if (kind === 'ventricular') return { waves: ventricular, next: rr * between(1.1, 1.35) };
  // It begins in an atrium, elsewhere: another P wave or none, and an early next beat of its run.
  if (kind === 'supraventricular') {
    const [, ...others] = normal;
    return { waves: [[-0.12, between(-0.12, 0.06), 0.02], ...others], next: rr * between(0.62, 0.8) };
  }
  const share = between(0.35, 0.65);
  const scaled = (waves: readonly Wave[], by: number): Wave[] =>
    waves.map(([at, height, width]) => [at, height * by, width]);
  if (kind === 'fusion') return { waves: [...scaled(normal, share), ...scaled(ventricular, 1 - share)], next: rr };
  // A pacemaker: a spike, then a wide beat.
  return { waves: [[-0.045, between(0.8, 1.6), 0.004], ...scaled(ventricular, between(0.6, 0.9))], next: rr };
}

function pick(random: () => number): Kind {
  let left = random() * 100;
  for (const [kind, share] of Object.entries(kinds)) {
    left -= share;
    if (left < 0) return kind as Kind;
  }
  return 'normal';
}

/** Beats, of which a share has lost samples in a burst. The same seed gives the same beats. */
export function beats(count: number, seed: number, lost = 0.2): Beat[] {
  const random = mulberry32(seed);
  const between: Between = (low, high) => low + (high - low) * random();
  return Array.from({ length: count }, () => {
    const kind = pick(random);
    const rr = between(0.7, 1.05);
    const { waves, next } = wavesOf(kind, rr, between);
    const following = normalWaves(between).map(([place, height, width]): Wave => [place + next, height, width]);
    const all = [...waves, ...following];
    const length = Math.min(samples, Math.round(1.2 * next * rate));
    const wander = between(0, 0.06);
    const phase = between(0, 2 * Math.PI);
    const raw = Array.from({ length }, (_, at) => {
      const seconds = at / rate;
      const heart = all.reduce(
        (sum, [place, height, width]) => sum + height * Math.exp(-((seconds - place) ** 2) / (2 * width ** 2)),
        0,
      );
      return heart + wander * Math.sin(2 * Math.PI * 0.3 * seconds + phase) + between(-0.02, 0.02);
    });
    const [low, high] = [Math.min(...raw), Math.max(...raw)];
    const scaled = raw.map((value) => Math.round(((value - low) / (high - low)) * 10_000) / 10_000);
    const values: (number | null)[] = [...scaled, ...new Array<number>(samples - length).fill(0)];
    if (random() < lost) {
      const from = Math.floor(between(0, samples));
      values.fill(null, from, from + Math.ceil(between(5, 40)));
    }
    return { kind, values };
  });
}
