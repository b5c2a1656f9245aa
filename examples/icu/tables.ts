import { isAtRisk, makePatients, measure, type Patient, parameters, stayAt } from './patients.ts';

export interface WardOptions {
  readonly patients: number;
  readonly hours: number;
  readonly seed: number;
  /** A column a parameter, in place of a row a parameter. */
  readonly wide?: boolean;
  /** `,` between the cells in place of `;`. */
  readonly comma?: boolean;
  /** Adds what no ward knows: whether the patient is in danger. */
  readonly truth?: boolean;
  /** Default: the first line names the columns. */
  readonly header?: boolean;
}

/** Hour 0: a day that no other country reads as another one. */
export const startMs = Date.UTC(2026, 0, 13);

const two = (number: number): string => String(number).padStart(2, '0');
const dayOf = (hour: number): string => {
  const at = new Date(startMs + hour * 3_600_000);
  return `${two(at.getUTCDate())}/${two(at.getUTCMonth() + 1)}/${at.getUTCFullYear()}`;
};
const clockOf = (hour: number): string => `${two(new Date(startMs + hour * 3_600_000).getUTCHours())}:00`;
const timeOf = (hour: number): string => new Date(startMs + hour * 3_600_000).toISOString();

/** The stays of a patient that touch the hours from 0 on; the last one may still last. */
export function staysOf(patient: Patient, hours: number): { admitted: number; discharged: number | undefined }[] {
  const stays = new Map<number, number>();
  for (let hour = 0; hour < hours; hour++) {
    const stay = stayAt(patient, hour);
    if (stay) stays.set(stay.admitted, stay.discharged);
  }
  return [...stays].map(([admitted, discharged]) => ({
    admitted,
    discharged: discharged < hours ? discharged : undefined,
  }));
}

/** The files, by their names. */
export function tablesOf(options: WardOptions): Record<string, string> {
  const { hours, wide, comma, truth, header = true } = options;
  const all = makePatients(options.patients, options.seed);
  const line = (cells: readonly unknown[]) => `${cells.join(comma ? ',' : ';')}\n`;
  const table = (names: readonly string[], rows: readonly (readonly unknown[])[]) =>
    [...(header ? [names] : []), ...rows].map(line).join('');
  const each = Array.from({ length: hours }, (_, hour) => all.map((patient) => ({ patient, hour }))).flat();
  const risk = ({ patient, hour }: (typeof each)[number]) => (truth ? [isAtRisk(patient, hour) ? 'yes' : 'no'] : []);
  const stays = all.flatMap((patient) => staysOf(patient, hours).map((stay) => ({ patient, ...stay })));
  const signal = wide
    ? each.map(({ patient, hour }) => [
        ...[patient.name, dayOf(hour), clockOf(hour)],
        ...parameters.map((parameter) => measure(patient, parameter, hour)),
        ...risk({ patient, hour }),
      ])
    : each.flatMap(({ patient, hour }) =>
        parameters.map((parameter) => [
          ...[patient.name, dayOf(hour), clockOf(hour), parameter, measure(patient, parameter, hour)],
          ...risk({ patient, hour }),
        ]),
      );
  const measured = wide ? [...parameters] : ['parameter', 'value'];
  const facts = [
    ...all.map(({ name, age }) => ({ subject: name, kind: 'age', from: '1900-01-01T00:00:00Z', values: { age } })),
    ...stays.map(({ patient, admitted, discharged }) => ({
      ...{ subject: patient.name, kind: 'admission', from: timeOf(admitted), values: {} },
      ...(discharged !== undefined && { to: timeOf(discharged) }),
    })),
  ];
  return {
    'age.csv': table(
      ['patient', 'age'],
      all.map(({ name, age }) => [name, age]),
    ),
    'admission.csv': table(
      ['patient', 'admitted', 'discharged'],
      stays.map(({ patient, admitted, discharged }) => [
        ...[patient.name, `${dayOf(admitted)} ${clockOf(admitted)}`],
        discharged === undefined ? '' : `${dayOf(discharged)} ${clockOf(discharged)}`,
      ]),
    ),
    'signal.csv': table(['patient', 'day', 'hour', ...measured, ...(truth ? ['at_risk'] : [])], signal),
    'facts.ndjson': facts.map((fact) => `${JSON.stringify(fact)}\n`).join(''),
  };
}
