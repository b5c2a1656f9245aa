import { InfluxDB } from '@influxdata/influxdb-client';
import type { Point } from '../core/wire/point.ts';
import { fluxString, variableName } from './flux.ts';

/** A point as line protocol. */
export function lineOf({ measurement, device, time, fields: all }: Point): string {
  const pairs = Object.entries(all).map(
    ([name, value]) => `${name.replaceAll(/[,= ]/g, '\\$&')}=${JSON.stringify(value)}`,
  );
  return `${measurement},device=${device} ${pairs.join(',')} ${time}`;
}

export type Row = Record<string, unknown>;
export const numberIn = (row: Row | undefined, column: string): number => Number(row?.[column]);

interface Access {
  readonly url: string;
  readonly token: string;
  readonly org: string;
}

/** What is chosen at the head of a dashboard. */
export interface Chosen {
  readonly stream: string;
  readonly device: string;
  readonly field: string;
  /** The minute before it and the minute after it are shown. */
  readonly atMs: number;
}

/** Runs the query of a cell as InfluxDB's page does. */
export function runCell(access: Access, query: string, chosen: Chosen): Promise<Row[]> {
  const { stream, atMs } = chosen;
  const time = (ms: number) => new Date(ms).toISOString();
  const v = [
    ...(['device', 'field'] as const).map((kind) => `${variableName(kind, stream)}: ${fluxString(chosen[kind])}`),
    `timeRangeStart: ${time(atMs - 60_000)}, timeRangeStop: ${time(atMs + 60_000)}`,
    'windowPeriod: 10s',
  ];
  const imports = query.match(/^import .*$/gm) ?? [];
  const text = [...imports, `option v = {${v.join(', ')}}`, query.replaceAll(/^import .*$/gm, '')].join('\n');
  const client = new InfluxDB({ url: access.url, token: access.token, timeout: 60_000 });
  return client.getQueryApi(access.org).collectRows<Row>(text);
}
