import { readdirSync, readFileSync } from 'node:fs';

const ticksPerSecond = 100;

/** CPU seconds that a process and all processes below it have used so far, and their peak memory together in megabytes. */
export function usage(pid: number): { readonly cpuS: number; readonly peakMb: number } {
  let ticks = 0;
  let peakKb = 0;
  for (const each of [pid, ...below(pid)]) {
    const fields = read(`/proc/${each}/stat`).split(') ').at(-1)?.split(' ') ?? [];
    // User and system time, its own and of children that have ended.
    for (const at of [11, 12, 13, 14]) ticks += Number(fields[at] ?? 0);
    peakKb += Number(/VmHWM:\s+(\d+)/.exec(read(`/proc/${each}/status`))?.[1] ?? 0);
  }
  return { cpuS: ticks / ticksPerSecond, peakMb: Math.round(peakKb / 1_000) };
}

function below(pid: number): number[] {
  const children = tasks(pid).flatMap((task) =>
    read(`/proc/${pid}/task/${task}/children`).split(' ').filter(Boolean).map(Number),
  );
  return children.flatMap((child) => [child, ...below(child)]);
}

function tasks(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/task`);
  } catch {
    return [];
  }
}

/** Empty for a process that is gone. */
function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
