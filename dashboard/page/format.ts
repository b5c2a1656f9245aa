/** Numbers and times as the page writes them. */

const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const short = new Intl.NumberFormat('en', { maximumFractionDigits: 1, minimumFractionDigits: 1 });
const clockFormat = new Intl.DateTimeFormat('en', {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  hourCycle: 'h23',
});

const dayFormat = new Intl.DateTimeFormat('en', { day: 'numeric', month: 'short', year: 'numeric' });

/** What stands where there is no value yet. */
export const nothing = '–';

export const count = (value: number): string => whole.format(value);

/** Events a second: a decimal only where it is significant. */
export const rate = (value: number): string => (value < 100 && value > 0 ? short.format(value) : whole.format(value));

/** A share as percent, such as `91.2%`. */
export const percent = (share: number): string => `${short.format(share * 100)}%`;

/** A duration in the unit that suits it. */
export function durationText(ms: number): string {
  if (ms < 1) return `${Math.max(ms, 0).toFixed(2)} ms`;
  if (ms < 10) return `${ms.toFixed(1)} ms`;
  if (ms < 1_000) return `${ms.toFixed(0)} ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`;
  return `${(ms / 60_000).toFixed(1)} min`;
}

/** How long ago, in whole units. */
export function ago(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1_000));
  if (seconds < 120) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 120 ? `${minutes} min` : `${Math.round(minutes / 60)} h`;
}

/** The time of day of a moment in milliseconds since the epoch: `14:03:21`. */
export const clock = (ms: number): string => clockFormat.format(ms);

/** A moment, both in milliseconds since the epoch: the time of day, and the day where it is another than that of `nowMs`. */
export const moment = (ms: number, nowMs: number): string =>
  dayFormat.format(ms) === dayFormat.format(nowMs) ? clock(ms) : `${dayFormat.format(ms)}, ${clock(ms)}`;

/** A measured value: three digits that count. */
export function measured(value: number): string {
  if (Number.isInteger(value) && Math.abs(value) < 1e6) return String(value);
  const size = Math.abs(value);
  return size >= 1e6 || size < 1e-3 ? value.toExponential(1) : String(Number(value.toPrecision(3)));
}

/** One thing or several of them: `plural(2, 'stage')` is `2 stages`. */
export const plural = (number: number, noun: string): string => `${count(number)} ${noun}${number === 1 ? '' : 's'}`;
