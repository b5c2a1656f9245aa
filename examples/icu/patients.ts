import { mulberry32 } from '../random.ts';

/** The values of a reading, as the original names them. */
export const parameters = ['blood_pressure', 'respiration_rate', 'temperature'] as const;

/** Hours from one admission of a patient to the next, and how many of them the patient stays. */
export const cycleHours = 96;
export const stayHours = 40;

/** One patient; all of it follows from the number of the patient and a seed. */
export interface Patient {
  readonly name: string;
  readonly age: number;
  /** How far into the cycle the patient is at hour 0. */
  readonly offset: number;
  /** How ill at admission, from 0 to 1. */
  readonly severity: number;
  readonly random: number;
}

export function makePatients(count: number, seed: number): Patient[] {
  const random = mulberry32(seed);
  return Array.from({ length: count }, (_, at) => ({
    name: String(at + 1),
    age: Math.round(Math.min(95, Math.max(18, 64 + 16 * (random() + random() + random() - 1.5)))),
    offset: Math.floor(random() * cycleHours),
    severity: 0.2 + 0.8 * random(),
    random: Math.floor(random() * 2 ** 31),
  }));
}

/** The stay that covers an hour, `[admitted, discharged)`; undefined outside. */
export function stayAt({ offset }: Patient, hour: number): { admitted: number; discharged: number } | undefined {
  const into = (((hour + offset) % cycleHours) + cycleHours) % cycleHours;
  return into < stayHours ? { admitted: hour - into, discharged: hour - into + stayHours } : undefined;
}

/** How ill the patient is: as at admission, and less with each hour of the stay; outside not at all. */
export function illnessAt(patient: Patient, hour: number): number {
  const stay = stayAt(patient, hour);
  return stay ? patient.severity * (1 - (hour - stay.admitted) / stayHours) : 0;
}

/** What is measured at an hour: shock lowers the blood pressure, speeds up breathing, and lets the temperature swing. */
export function measure(patient: Patient, parameter: (typeof parameters)[number], hour: number): number {
  const noise = mulberry32(patient.random + Math.floor(hour * 3_600) * 3 + parameters.indexOf(parameter));
  const illness = illnessAt(patient, hour);
  const spread = noise() + noise() + noise() - 1.5;
  const value = {
    blood_pressure: 122 - 35 * illness + 12 * spread,
    respiration_rate: 15 + 14 * illness + 3 * spread,
    temperature: 36.8 + 0.9 * illness + (0.3 + 1.5 * illness) * spread,
  }[parameter];
  return Math.round(value * 10) / 10;
}

/** Whether the patient is in danger, for training and for the score; the formula of the original does not know it. */
export const isAtRisk = (patient: Patient, hour: number): boolean => illnessAt(patient, hour) > 0.4;
