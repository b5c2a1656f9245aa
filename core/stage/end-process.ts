/**
 * Ends a process: SIGTERM, and SIGKILL where it has not ended in time.
 * @param ended - settles when it has
 */
export async function endProcess(
  kill: (signal: 'SIGTERM' | 'SIGKILL') => void,
  ended: Promise<unknown>,
  graceMs: number,
): Promise<void> {
  kill('SIGTERM');
  const force = setTimeout(() => kill('SIGKILL'), graceMs);
  try {
    await ended;
  } finally {
    clearTimeout(force);
  }
}
