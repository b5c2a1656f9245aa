const maxMs = 3_600_000;

/** `Retry-After` in seconds or as a date (RFC 9110, 10.2.3), as milliseconds from now; 0 where there is none, an hour at most. */
export function retryAfterMs(header: string | undefined, nowMs: number): number {
  if (header === undefined) return 0;
  const ms = /^\s*\d+\s*$/.test(header) ? Number(header) * 1_000 : Date.parse(header) - nowMs;
  return Number.isNaN(ms) ? 0 : Math.min(Math.max(0, ms), maxMs);
}
