import type { Transport } from '@influxdata/influxdb-client';

/** The result of one statement. */
export interface Table {
  /** Empty where it found nothing. */
  readonly columns: readonly string[];
  readonly values: readonly (readonly (string | number | boolean | null)[])[];
}

/** A response of 200 with an error in its body. */
export class InfluxqlError extends Error {}

/**
 * Runs one InfluxQL statement on a bucket, with values for its `$names`. InfluxQL and not Flux, because it returns whole points in the order
 * of time and knows the types of fields: docs/decisions/0021-influxql.md. InfluxDB 2.7 takes a bucket's name for a database by itself,
 * but for names with a slash, whose devices it does not list.
 */
export async function ask(
  transport: Transport,
  { bucket, signal }: { bucket: string; signal: AbortSignal },
  query: string,
  params?: Readonly<Record<string, string>>,
): Promise<Table> {
  const search = new URLSearchParams({ db: bucket, q: query });
  if (params) search.set('params', JSON.stringify(params));
  const headers = { accept: 'application/json' };
  const answer: Answer = await transport.request(`/query?${search}`, '', { method: 'GET', headers, signal });
  const result = answer.results?.[0];
  const fault = answer.error ?? result?.error;
  if (fault !== undefined) throw new InfluxqlError(fault);
  if (result?.partial) throw new InfluxqlError('the answer is cut short by a limit of the server');
  const { columns = [], values = [] } = result?.series?.[0] ?? {};
  return { columns, values };
}

interface Answer {
  readonly error?: string;
  readonly results?: readonly {
    readonly error?: string;
    readonly partial?: boolean;
    readonly series?: readonly Partial<Table>[];
  }[];
}

/** A name as InfluxQL quotes it. */
export function identifier(name: string): string {
  return `"${name.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}

/** Nanoseconds since the epoch, from RFC 3339 in UTC as InfluxQL writes it. */
export function nanosecondsOf(time: string): string {
  const [seconds, fraction = ''] = time.slice(0, -1).split('.');
  return String(BigInt(Date.parse(`${seconds}Z`)) * 1_000_000n + BigInt(fraction.padEnd(9, '0')));
}
