import { mulberry32 } from '../../../core/numeric/random/mulberry32.ts';
import type { Source } from '../../../generator/source.ts';

export const fields = ['pulse', 'breath'];
export const patients = Array.from({ length: 20 }, (_, at) => `p${at}`);
/** Readings after which a patient's state changes. */
const turn = 37;

export const ageOf = (patient: number): number => 30 + 2 * patient;

/** Patients who are calm or agitated; each reading has noise of its own, so that a track can be opened anywhere. */
export default function simulate({ seed }: { readonly seed: number }): Source {
  return {
    fields,
    devices: patients,
    round: Int32Array.from(patients, (_, at) => at),
    length: Number.POSITIVE_INFINITY,
    fingerprint: `ward ${seed}`,
    open(patient, first) {
      let next = first;
      return {
        next(values) {
          const n = next++;
          const noise = mulberry32(seed + patient * 1_000_003 + n);
          const isAgitated = (Math.floor(n / turn) + patient) % 2 === 1;
          values[0] = (isAgitated ? 120 : 70) + 10 * noise() - ageOf(patient) / 10;
          values[1] = (isAgitated ? 25 : 15) + 3 * noise();
          return isAgitated ? 'agitated' : 'calm';
        },
      };
    },
    distribution: () => Float64Array.from({ length: 21 }, (_, at) => 50 + at * 5),
  };
}

const dayMs = 86_400_000;
const beganMs = Date.UTC(2026, 0, 1);

/** A table to train from, of so many readings of each patient, one a second, and the facts that cover all of them. */
export function trainingSet(seed: number, readings: number): { readonly table: string; readonly facts: string } {
  const source = simulate({ seed });
  const values = new Float64Array(fields.length);
  const lines = ['device,time,pulse,breath,state'];
  const facts: object[] = [];
  for (const [patient, name] of patients.entries()) {
    const track = source.open(patient, 0);
    for (let n = 0; n < readings; n++) {
      const state = track.next(values);
      lines.push(`${name},${new Date(beganMs + n * 1_000).toISOString()},${values.join()},${state}`);
    }
    const from = new Date(beganMs - dayMs).toISOString();
    facts.push({ subject: name, kind: 'admission', from });
    facts.push({ subject: name, kind: 'age', from, values: { age: ageOf(patient) } });
  }
  return { table: `${lines.join('\n')}\n`, facts: facts.map((fact) => JSON.stringify(fact)).join('\n') };
}
