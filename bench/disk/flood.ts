import { startLine } from './line.ts';

/** Readings that are not measured: the code becomes warm, and there is something to compress. */
const warmUp = 20_000;

export interface Flood {
  readonly compress: boolean;
  /** Accepted, labelled and archived a second. */
  readonly readingsASecond: number;
  /** CPU seconds a million readings. */
  readonly cpuS: number;
}

/** How fast the line takes readings, labels and archives them, while the background compresses or does not. */
export async function floodOnce({ compress, readings }: { compress: boolean; readings: number }): Promise<Flood> {
  const line = await startLine(compress, warmUp + readings);
  try {
    await line.send(warmUp);
    await line.settled();
    const [began, cpuBefore] = [performance.now(), line.cpuS()];
    await line.send(readings);
    await line.settled();
    const seconds = (performance.now() - began) / 1_000;
    return { compress, readingsASecond: readings / seconds, cpuS: ((line.cpuS() - cpuBefore) / readings) * 1e6 };
  } finally {
    await line.stop();
  }
}
