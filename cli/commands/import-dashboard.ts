import { loadConfig } from '../config/load.ts';
import { createLogger } from '../logger.ts';
import { influxToken, splitStoreUrl } from '../open.ts';
import { resolveStream } from '../stream.ts';

export interface ImportDashboardOptions {
  readonly config: string;
  readonly set: readonly string[];
  readonly logLevel: string;
  readonly store: string;
}

/** Puts the stream's dashboard, its variables and its checks into InfluxDB; a second time changes nothing. */
export async function importStreamDashboard(options: ImportDashboardOptions): Promise<void> {
  const stream = await resolveStream(loadConfig(options.config, options.set));
  const logger = (await createLogger(options.logLevel)).child({ stage: 'import-dashboard' });
  const { importDashboard } = await import('../../influxdb/import.ts');
  const { outcome, dashboard } = await importDashboard({
    ...splitStoreUrl(options.store),
    token: influxToken(),
    stream,
    logger,
  });
  process.stdout.write(`dashboard ${outcome}: ${dashboard}\n`);
}
