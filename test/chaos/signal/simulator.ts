import { mulberry32 } from '../../../core/numeric/random/mulberry32.ts';
import type { Source } from '../../../generator/source.ts';

export const fields = ['x', 'y'];
/** Samples a second, and in a record: the archive keeps so few as a point each. */
export const rate = 10;
const count = 5;
const devices = Array.from({ length: 10 }, (_, at) => `s${at}`);
/** Samples after which a device's state changes: no multiple of a window. */
const turn = 73;
const states = ['still', 'slow', 'fast'] as const;
const hertz = { still: 0, slow: 0.7, fast: 2.3 };

const stateOf = (device: number, n: number) => states[(Math.floor(n / turn) + device) % states.length] ?? 'still';

/** Records after which a device's segment is whole: its windows close, and what still comes for them is late. */
const segmentRecords = 37;

/** Devices that are still, or swing slowly or fast; each sample has noise of its own, so that a track can be opened anywhere. */
export default function simulate({ seed }: { readonly seed: number }): Source {
  return {
    fields,
    samples: { count, rate },
    devices,
    round: Int32Array.from(devices, (_, at) => at),
    length: Number.POSITIVE_INFINITY,
    fingerprint: `signal ${seed}`,
    ends: (device, n) => (n + 5 * device) % segmentRecords === 0,
    open(device, first) {
      let next = first;
      return {
        next(values) {
          const n = next++;
          const noise = mulberry32(seed + device * 1_000_003 + n);
          const state = stateOf(device, n);
          const angle = (2 * Math.PI * hertz[state] * n) / rate;
          values[0] = Math.sin(angle) + 0.3 * noise();
          values[1] = Math.cos(angle) + 0.3 * noise();
          return state;
        },
      };
    },
    distribution: () => Float64Array.from({ length: 21 }, (_, at) => at / 10 - 1),
  };
}

/** A table to train from, of so many samples of each device. */
export function trainingTable(seed: number, samples: number): string {
  const source = simulate({ seed });
  const values = new Float64Array(fields.length);
  const lines = ['device,time,x,y,state'];
  for (const [device, name] of source.devices.entries()) {
    const track = source.open(device, 0);
    for (let n = 0; n < samples; n++) {
      const state = track.next(values);
      lines.push(
        `${name},${new Date(Date.UTC(2026, 0, 1) + (n * 1_000) / rate).toISOString()},${values.join()},${state}`,
      );
    }
  }
  return `${lines.join('\n')}\n`;
}
