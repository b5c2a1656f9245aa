import { z } from 'zod';

const units = { ns: 1, us: 1e3, ms: 1e6, s: 1e9, m: 60e9, h: 3_600e9, d: 86_400e9 } as const;
const pattern = /^(\d+(?:\.\d+)?)(ns|us|ms|s|m|h|d)$/;
/** Below this, nanoseconds are exact in a double; 90 days. */
const longest = 90 * units.d;

/** A span of time as people write it (`250ms`, `1.5s`, `2h`), in nanoseconds. */
export function parseDuration(text: string): number | undefined {
  const parts = pattern.exec(text);
  if (!parts) return undefined;
  const ns = Math.round(Number(parts[1]) * units[parts[2] as keyof typeof units]);
  return ns <= longest ? ns : undefined;
}

/** A span of time in a step's parameters. What is kept is the text; {@link nanosecondsOf} reads it. */
export const duration = () =>
  z
    .string()
    .refine((text) => parseDuration(text) !== undefined, 'a duration like 250ms, 1s, 2m or 1h, at most 90d')
    .meta({ values: 'duration' });

/** A duration that is not nothing. */
export const span = () =>
  duration().refine((text) => (parseDuration(text) ?? 1) > 0, 'a duration that is more than nothing');

/** Nanoseconds of a duration that its schema has passed. */
export function nanosecondsOf(text: string): number {
  const ns = parseDuration(text);
  if (ns === undefined) throw new RangeError(`${JSON.stringify(text)} is not a duration`);
  return ns;
}
