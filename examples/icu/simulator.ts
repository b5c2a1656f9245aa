import type { Source } from '../../generator/source.ts';
import { isAtRisk, makePatients, measure, parameters, stayAt } from './patients.ts';

const patients = 30;
/** An hour of the ward passes in two seconds, so that a page that is watched shows admissions. */
const hourNs = 2_000_000_000;
const hourOf = (ns: bigint): number => Number(ns / 1_000_000n) / (hourNs / 1e6);
const nsOf = (hour: number): string => (BigInt(Math.round(hour * 1e3)) * BigInt(hourNs / 1e3)).toString();

/** A ward whose patients come and go; each reading is one parameter, as in the original. */
export default function simulate({ seed }: { readonly seed: number }): Source {
  const all = makePatients(patients, seed);
  const whole = (ns: bigint) => Math.floor(hourOf(ns));
  return {
    fields: [...parameters],
    devices: all.map(({ name }) => name),
    round: Int32Array.from(all, (_, at) => at),
    length: Number.POSITIVE_INFINITY,
    fingerprint: `ward ${seed}`,
    facts(device, since, now) {
      const patient = all[device];
      if (!patient) return [];
      const told: object[] = [];
      if (since === undefined)
        told.push({
          ...{ subject: patient.name, kind: 'age' },
          from: '1900-01-01T00:00:00Z',
          values: { age: patient.age },
        });
      const admission = (admitted: number, discharged?: number) =>
        told.push({
          ...{ subject: patient.name, kind: 'admission', from: nsOf(admitted), values: {} },
          ...(discharged !== undefined && { to: nsOf(discharged) }),
        });
      const before = since === undefined ? undefined : stayAt(patient, whole(since));
      const stay = stayAt(patient, whole(now));
      // Nobody knows the discharge at the admission.
      if (before && before.admitted !== stay?.admitted) admission(before.admitted, before.discharged);
      if (stay && stay.admitted !== before?.admitted) admission(stay.admitted);
      return told;
    },
    open(device, from) {
      const patient = all[device];
      let n = from;
      return {
        next(values, now = 0n) {
          values.fill(Number.NaN);
          if (!patient) return undefined;
          const hour = whole(now);
          const at = n++ % parameters.length;
          values[at] = measure(patient, parameters[at] ?? 'temperature', hour + (n % 3_600) / 3_600);
          return isAtRisk(patient, hour) ? 'yes' : 'no';
        },
      };
    },
    distribution: (field) =>
      Float64Array.from({ length: 1_000 }, (_, hour) => {
        const patient = all[hour % all.length];
        return patient ? measure(patient, parameters[field] ?? 'temperature', hour) : 0;
      }).sort(),
  };
}
