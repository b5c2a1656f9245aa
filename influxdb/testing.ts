import { InfluxDB } from '@influxdata/influxdb-client';
import { pino } from 'pino';
import type { Point } from '../core/wire/point.ts';
import { type InfluxdbAccess, influxdbApi } from '../test/servers/with-influxdb.ts';
import { fluxString, variableName } from './flux.ts';
import { importDashboard } from './import.ts';
import type { TemplateOptions } from './template.ts';

/** A point as line protocol. */
export function lineOf({ measurement, device, time, fields: all }: Point): string {
  const pairs = Object.entries(all).map(
    ([name, value]) => `${name.replaceAll(/[,= ]/g, '\\$&')}=${JSON.stringify(value)}`,
  );
  return `${measurement},device=${device} ${pairs.join(',')} ${time}`;
}

export type Row = Record<string, unknown>;
export const numberIn = (row: Row | undefined, column: string): number => Number(row?.[column]);

/** The cells of a dashboard as the server holds them. */
export interface ImportedCells {
  readonly held: ReadonlyMap<string, { readonly query: string; readonly view: object }>;
  /** Runs a cell's query over two minutes round a time, with what is chosen at the head of the dashboard. */
  run(
    name: string,
    chosen: { readonly device: string; readonly field: string; readonly startMs: number; readonly from?: string },
  ): Promise<Row[]>;
}

/** Imports the dashboard of a stream into a real InfluxDB. */
export async function importCells(access: InfluxdbAccess, options: TemplateOptions): Promise<ImportedCells> {
  const client = new InfluxDB({ url: access.url, token: access.token, timeout: 60_000 });
  const { dashboard } = await importDashboard({ ...access, ...options, logger: pino({ level: 'silent' }) });
  const path = `/api/v2/dashboards/${dashboard.split('/').at(-1)}?include=properties`;
  type Shown = { name: string; properties: { queries: { text: string }[] } };
  const { cells } = await influxdbApi<{ cells: Shown[] }>(access, 'GET', path);
  const held = new Map(
    cells.map(({ name, properties }) => [name, { query: properties.queries[0]?.text ?? '', view: properties }]),
  );
  const { bucket, stream } = options;
  return {
    held,
    run(name, { device, field, startMs, from = bucket }) {
      const chosen = { device, field };
      const v = [
        ...(['device', 'field'] as const).map(
          (kind) => `${variableName(kind, stream.name)}: ${fluxString(chosen[kind])}`,
        ),
        `timeRangeStart: ${new Date(startMs - 60_000).toISOString()}, timeRangeStop: ${new Date(startMs + 60_000).toISOString()}`,
        'windowPeriod: 10s',
      ];
      const { query = '' } = held.get(name) ?? {};
      const imports = query.match(/^import .*$/gm) ?? [];
      const text = [...imports, `option v = {${v.join(', ')}}`, query.replaceAll(/^import .*$/gm, '')].join('\n');
      return client.getQueryApi(access.org).collectRows<Row>(text.replaceAll(fluxString(bucket), fluxString(from)));
    },
  };
}
