import { GaplineError } from '../core/wire/errors.ts';
import { readTime } from '../core/wire/time.ts';

const unitsMs = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/**
 * The value of an option that is a time of arrival, or how long ago: `2h` or `-2h`.
 * @returns milliseconds since the epoch
 * @throws {GaplineError} `config-invalid`, with the option
 */
export function readSince(option: string, text: string, nowMs: number): number {
  const ago = /^-?(\d{1,6})([smhd])$/.exec(text);
  if (ago) return nowMs - Number(ago[1]) * unitsMs[ago[2] as keyof typeof unitsMs];
  const time = readTime(text, 'ns');
  if (time !== null) return Number(BigInt(time) / 1_000_000n);
  throw new GaplineError(
    'config-invalid',
    `${option} ${text}: expected a time like 2026-01-31T08:00:00Z, or how long ago, like 2h`,
  );
}
