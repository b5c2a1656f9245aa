import type { Point } from '../wire/point.ts';

/** The times that both engines hold: InfluxDB's own bounds, the range of an int64 but for its edges. Inclusive. */
export const earliestTime = -9_223_372_036_854_775_806n;
export const latestTime = 9_223_372_036_854_775_806n;

const decimal = /^-?\d{1,19}$/;

/** The reason why no engine could ever keep a point as it is; undefined for a sound one. */
export function pointFault(point: Point): string | undefined {
  return (
    nameFault('measurement', point.measurement) ??
    nameFault('device', point.device) ??
    timeFault(point.time) ??
    fieldsFault(point.fields)
  );
}

function fieldsFault(fields: Point['fields']): string | undefined {
  const names = Object.keys(fields);
  if (names.length === 0) return 'it has no fields';
  for (const name of names) {
    const fault = nameFault('field name', name) ?? valueFault(name, fields[name]);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

function nameFault(what: string, name: string): string | undefined {
  if (name === '') return `the ${what} is empty`;
  return name.isWellFormed() ? undefined : `the ${what} ${JSON.stringify(name)} is not valid Unicode`;
}

function timeFault(time: string): string | undefined {
  if (!decimal.test(time)) return `the time "${time}" is not a decimal string of nanoseconds`;
  const at = BigInt(time);
  return at < earliestTime || at > latestTime ? `the time ${time} is outside the years 1677 to 2262` : undefined;
}

function valueFault(name: string, value: unknown): string | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? undefined : `field "${name}" is ${value}`;
  if (typeof value === 'boolean') return undefined;
  if (typeof value !== 'string') return `field "${name}" is neither number, string nor boolean`;
  return value.isWellFormed() ? undefined : `field "${name}" holds a string that is not valid Unicode`;
}

/** The reason for refusing a field whose type differs from the one that it has for ever. */
export function typeFault(name: string, kind: FieldKind, known: string): string {
  return `field "${name}" is a ${kind}, but is kept as a ${known}`;
}

/** The types of a field. */
export type FieldKind = 'number' | 'string' | 'boolean';
