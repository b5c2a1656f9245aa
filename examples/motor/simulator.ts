// Motors with four kinds of health. Formulae of the bearing: Randall and Antoni (2011), Rolling element bearing diagnostics, section 2.
// Geometry: 6205-2RS of the Case Western Reserve University Bearing Data Center.

import type { Source, Track } from '../../generator/source.ts';
import { mulberry32 } from '../random.ts';

export const rate = 1_000;
export const fields = ['x', 'y', 'z', 'temperature', 'current', 'speed'];
const kinds = ['healthy', 'imbalance', 'misalignment', 'bearing'] as const;
const motors = 20;

const balls = 9;
/** Diameter of a ball and of the circle of their centres, in mm; the contact angle is 0. */
const [ball, pitch] = [7.94, 39.04];
/** Impacts for each turn of the shaft: of a fault of the outer race (BPFO), of the inner race (BPFI) and of a ball (BSF). */
export const impactsPerTurn = [
  (balls / 2) * (1 - ball / pitch),
  (balls / 2) * (1 + ball / pitch),
  (pitch / (2 * ball)) * (1 - (ball / pitch) ** 2),
];
/** What an impact makes ring, in hertz, and how quickly that fades, in 1/s. */
const [resonance, fading] = [330, 120];
/** Wear grows from a third to all of it within so many seconds; then the part is replaced by another that will fail. */
const wearSeconds = 1_800;

type Motor = ReturnType<typeof makeMotors>[number];

/** Which motor has which health is a matter of chance, five of each; so are speed, load, mounting and age. */
function makeMotors(seed: number) {
  const random = mulberry32(seed * 7919 + 1);
  const between = (low: number, high: number) => low + (high - low) * random();
  const order = Array.from({ length: motors }, (_, at) => ({ at, key: random() })).sort((a, b) => a.key - b.key);
  return order.map(({ at }) => ({
    kind: kinds[at % kinds.length] ?? 'healthy',
    hertz: between(23.5, 25),
    load: between(0.5, 1),
    gain: between(0.7, 1.4),
    impacts: impactsPerTurn[Math.floor(at / kinds.length) % impactsPerTurn.length] ?? 0,
    age: between(0, wearSeconds),
    phase: between(0, 2 * Math.PI),
  }));
}

/** Acceleration by axis, in g, at a time in seconds. */
function vibration(motor: Motor, seconds: number, wear: number, noise: () => number): [number, number, number] {
  const { kind, hertz, load, gain, impacts, phase } = motor;
  const turn = 2 * Math.PI * hertz * seconds + phase;
  const once = 0.1 + (kind === 'imbalance' ? 0.55 * wear : 0);
  const twice = 0.04 * load + (kind === 'misalignment' ? 0.4 * wear : 0);
  const axial = kind === 'misalignment' ? 0.3 * wear : 0.02;
  let ring = 0;
  if (kind === 'bearing') {
    // Balls slip: impacts come a little early or late.
    const since = ((hertz * impacts * seconds + phase + 0.02 * Math.sin(turn / 7)) % 1) / (hertz * impacts);
    ring = 0.9 * wear * Math.exp(-fading * since) * Math.sin(2 * Math.PI * resonance * since);
  }
  return [
    gain * (once * Math.sin(turn) + twice * Math.sin(2 * turn) + ring) + 0.12 * noise(),
    gain * (once * Math.cos(turn) + 0.7 * twice * Math.cos(2 * turn) + 0.8 * ring) + 0.12 * noise(),
    gain * (0.3 * once * Math.sin(turn) + axial * Math.sin(2 * turn + 1) + 0.3 * ring) + 0.12 * noise(),
  ];
}

const round = (value: number) => Math.round(value * 10_000) / 10_000;

/** One motor from its n-th sample on. Its noise is drawn anew each second, so that it can be opened anywhere. */
function open(motor: Motor, seed: number, n: number): Track {
  const random = (second: number) => mulberry32((seed * 31 + Math.round(motor.age * 1e6) + second * 65_537) >>> 0);
  let next = n;
  let uniform = random(Math.floor(n / rate));
  const noise = () => uniform() + uniform() + uniform() + uniform() - 2;
  return {
    next(values) {
      const at = next++;
      if (at % rate === 0) uniform = random(at / rate);
      const wear = 1 / 3 + ((2 / 3) * ((motor.age + at / rate) % wearSeconds)) / wearSeconds;
      const [x, y, z] = vibration(motor, at / rate, wear, noise);
      values.fill(Number.NaN);
      values.set([round(x), round(y), round(z)]);
      if (at % rate !== 0) return motor.kind;
      // Once a second; heat and current say more of the load than of the fault.
      const heat = 40 + 25 * motor.load + (motor.kind === 'bearing' ? 6 * wear : 0) + noise();
      values.set([round(heat), round(4 + 6 * motor.load + 0.3 * noise()), round(60 * motor.hertz + 3 * noise())], 3);
      return motor.kind;
    },
  };
}

/** 20 motors; each sends a record a second. */
export default function simulate({ seed }: { readonly seed: number }): Source {
  const all = makeMotors(seed);
  return {
    fields,
    samples: { count: rate, rate },
    devices: all.map((_, at) => `motor-${String(at + 1).padStart(2, '0')}`),
    round: Int32Array.from(all, (_, at) => at),
    length: Number.POSITIVE_INFINITY,
    fingerprint: `motors ${seed}`,
    open: (device, n) => open(all[device] as Motor, seed, n),
    distribution(field) {
      const values = new Float64Array(fields.length);
      const seen = all.flatMap((motor) => {
        const track = open(motor, seed, 0);
        return Array.from({ length: rate }, () => {
          track.next(values);
          return values[field] ?? Number.NaN;
        });
      });
      return Float64Array.from(seen.filter((value) => !Number.isNaN(value))).sort();
    },
  };
}
