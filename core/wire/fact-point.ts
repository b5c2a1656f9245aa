import type { Fact } from './fact.ts';
import type { Point } from './point.ts';

/** The measurement of facts of one kind. The identity of a point is that of the fact: kind, subject, from. */
export const factMeasurement = (stream: string, kind: string): string => `${stream}.facts.${kind}`;

/**
 * A fact as the archive keeps it: tag `device` its subject, time its `from`; all fields each time, so that a correction leaves nothing
 * stale. `to` is empty where it still holds; `values` is JSON, `null` where the fact is deleted.
 */
export function factToPoint({ stream, subject, kind, from, to, values, received }: Fact): Point {
  return {
    measurement: factMeasurement(stream, kind),
    device: subject,
    time: from,
    fields: { to: to ?? '', values: JSON.stringify(values), received },
  };
}

/** The fact that a point of {@link factToPoint} holds; undefined where it holds none, or a deleted one. */
export function factOfPoint({ device, time, fields }: Point, stream: string, kind: string): Fact | undefined {
  const { to, values, received } = fields;
  if (typeof to !== 'string' || typeof values !== 'string' || typeof received !== 'string') return undefined;
  const parsed = JSON.parse(values) as Fact['values'];
  if (parsed === null) return undefined;
  return { stream, subject: device, kind, from: time, ...(to !== '' && { to }), values: parsed, received };
}
