import { startLine } from './line.ts';

/** Readings of a step: 400 seconds of a day at 50 readings a second. */
const step = 20_000;

/** How the disk filled. */
export interface Growth {
  readonly compress: boolean;
  readonly readings: number;
  /** Bytes of the file and its write-ahead log after each step of readings. */
  readonly bytes: readonly number[];
  /** How the file grew by reading, from a fifth of the readings on. */
  readonly bytesAReading: number;
  /** What is there beside that: the tables, and what waits to be compressed. */
  readonly baseMb: number;
  /** Bytes after a clean stop. */
  readonly stopped: number;
}

/**
 * A day in less time: readings are sent in steps, and each step waits until all stages have taken it and the background has compressed
 * it, as it would have at 50 readings a second.
 */
export async function compressedDay({ compress, readings }: { compress: boolean; readings: number }): Promise<Growth> {
  const line = await startLine(compress, readings);
  const bytes: number[] = [];
  try {
    for (let sent = 0; sent < readings; sent += step) {
      await line.send(step);
      await line.settled();
      if (compress) await line.packed();
      bytes.push(line.bytes());
      console.log(`${sent + step} readings: ${line.bytes()} bytes`);
    }
  } finally {
    bytes.push(await line.stop());
  }
  const stopped = bytes.pop() ?? 0;
  const { slope, base } = trend(bytes.slice(Math.floor(bytes.length / 5)), Math.floor(bytes.length / 5) + 1);
  return { compress, readings, bytes, bytesAReading: slope / step, baseMb: base / 1e6, stopped };
}

/** The line of least squares through values at `first`, `first + 1`, … */
function trend(values: readonly number[], first: number): { slope: number; base: number } {
  const middle = first + (values.length - 1) / 2;
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  let [above, below] = [0, 0];
  for (const [at, value] of values.entries()) {
    above += (first + at - middle) * (value - mean);
    below += (first + at - middle) ** 2;
  }
  const slope = above / below;
  return { slope, base: mean - slope * middle };
}
