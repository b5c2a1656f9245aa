import { writeFile } from 'node:fs/promises';
import { loadConfig } from '../config/load.ts';
import { createLogger } from '../logger.ts';
import { influxToken, splitStoreUrl } from '../open.ts';
import { print } from '../print.ts';
import { resolveStream } from '../stream.ts';
import { windowShapeOf } from '../window-shape.ts';

export interface ImportDashboardOptions {
  readonly config: string;
  readonly set: readonly string[];
  readonly logLevel: string;
  readonly store: string;
  readonly output?: string;
}

/**
 * Puts the stream's dashboard, its variables and its checks into InfluxDB; a second time changes nothing. With `output` it needs no InfluxDB and
 * writes them as a template into that file, which InfluxDB's page imports.
 */
export async function importStreamDashboard(options: ImportDashboardOptions): Promise<void> {
  const loaded = loadConfig(options.config, options.set);
  const stream = await resolveStream(loaded);
  const windows = await windowShapeOf(loaded, stream.fields);
  const shape = windows ? { windows } : {};
  const store = splitStoreUrl(options.store);
  if (options.output !== undefined) {
    const { renderTemplate } = await import('../../influxdb/template.ts');
    const template = renderTemplate({ stream, bucket: store.bucket, ...shape });
    await writeFile(options.output, `${JSON.stringify(template, null, 2)}\n`);
    print(`${options.output}: for InfluxDB's page, Dashboards, Import Dashboard\n`);
    return;
  }
  const logger = (await createLogger(options.logLevel)).child({ stage: 'import-dashboard' });
  const { importDashboard } = await import('../../influxdb/import.ts');
  const { outcome, dashboard } = await importDashboard({
    ...store,
    token: influxToken(),
    stream,
    ...shape,
    logger,
  });
  print(`dashboard ${outcome}: ${dashboard}\n`);
}
