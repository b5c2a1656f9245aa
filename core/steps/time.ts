/** Nanoseconds in a second. */
export const second = 1_000_000_000;
const wholeSecond = 1_000_000_000n;

/** A time as two numbers; see {@link StepRows}. */
export interface Time {
  seconds: number;
  nanoseconds: number;
}

export function timeOf(ns: bigint): Time {
  let nanoseconds = ns % wholeSecond;
  if (nanoseconds < 0n) nanoseconds += wholeSecond;
  return { seconds: Number((ns - nanoseconds) / wholeSecond), nanoseconds: Number(nanoseconds) };
}

/** Reads nanoseconds since the epoch as the log carries them: a decimal string that is known to be one. */
export function parseTime(text: string): Time {
  const digits = text.length - 9;
  if (digits <= 0 || text.charCodeAt(0) === 0x2d) return timeOf(BigInt(text));
  return { seconds: Number(text.slice(0, digits)), nanoseconds: Number(text.slice(digits)) };
}

/** Nanoseconds since the epoch as a decimal string, as the log carries them. */
export function formatTime(seconds: number, nanoseconds: number): string {
  if (seconds <= 0) return nsOf(seconds, nanoseconds).toString();
  return seconds + nanoseconds.toString().padStart(9, '0');
}

/** Nanoseconds since the Unix epoch. */
export function nsOf(seconds: number, nanoseconds: number): bigint {
  return BigInt(seconds) * wholeSecond + BigInt(nanoseconds);
}

/** Negative where the first is earlier, zero where they are equal. */
export function compare(seconds: number, nanoseconds: number, toSeconds: number, toNanoseconds: number): number {
  return seconds === toSeconds ? nanoseconds - toNanoseconds : seconds - toSeconds;
}

/** Nanoseconds from the second time to the first: exact up to 104 days, and never on the wrong side of a bound below that. */
export function since(seconds: number, nanoseconds: number, fromSeconds: number, fromNanoseconds: number): number {
  return (seconds - fromSeconds) * second + (nanoseconds - fromNanoseconds);
}

/** A time moved by so many nanoseconds, at most 104 days either way. */
export function shift(seconds: number, nanoseconds: number, ns: number): Time {
  const whole = Math.floor(ns / second);
  const rest = nanoseconds + (ns - whole * second);
  return rest < second
    ? { seconds: seconds + whole, nanoseconds: rest }
    : { seconds: seconds + whole + 1, nanoseconds: rest - second };
}

/** The largest multiple of `step` nanoseconds since the epoch that is not after the time. */
export function floorTo(seconds: number, nanoseconds: number, step: number): Time {
  // The common cases need no bigint.
  if (step % second === 0 && seconds >= 0) return { seconds: seconds - (seconds % (step / second)), nanoseconds: 0 };
  if (second % step === 0) return { seconds, nanoseconds: nanoseconds - (nanoseconds % step) };
  const ns = nsOf(seconds, nanoseconds);
  const width = BigInt(step);
  const rest = ((ns % width) + width) % width;
  return timeOf(ns - rest);
}
