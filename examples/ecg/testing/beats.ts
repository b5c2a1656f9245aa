import { type Point, readingToPoint } from '../../../core/wire/point.ts';
import simulate, { fields } from '../simulator.ts';

const beats = 45;

/** What an archive holds: a beat a second of each patient, a tenth of its samples lost. */
export function* archivedBeats(startMs: number): Generator<Point> {
  const source = simulate({ seed: 11 });
  const values = new Float64Array(fields.length);
  for (const [at, device] of source.devices.entries()) {
    const track = source.open(at, 0);
    for (let beat = 0; beat < beats; beat++) {
      const truth = track.next(values);
      const time = String(BigInt(startMs + beat * 1_000) * 1_000_000n);
      const measured = fields.map((name, n) => [name, (beat + n) % 10 === 0 ? null : (values[n] ?? null)] as const);
      const reading = { stream: 'ecg', device, time, received: time, values: Object.fromEntries(measured) };
      yield readingToPoint({ ...reading, ...(truth !== undefined && { truth }) }, fields.length);
    }
  }
}

/** A stream of their windows, which needs no tables: small models, soon trained. */
export const windowsConfig = (registry = ''): string => `stream: ecg
data: { fields: ${JSON.stringify(fields)} }
steps: [{ use: window, length: 10s }, { use: statistics, features: [mean, std] }]
generator: { gaps: { rate: 0 } }
training: { imputer: passthrough, boosted: true, trees: 20, seed: 1 }
model: { name: ecg-averaged${registry} }
`;
