/** What work took: by the clock, and of all processors. */
export interface Spent {
  readonly seconds: number;
  readonly cpu: number;
}

/** Does work once; its result, and what it took in this process. */
export async function spent<T>(work: () => T | Promise<T>): Promise<[T, Spent]> {
  const [startedMs, before] = [performance.now(), process.cpuUsage()];
  const result = await work();
  const { user, system } = process.cpuUsage(before);
  return [result, { seconds: (performance.now() - startedMs) / 1_000, cpu: (user + system) / 1e6 }];
}
