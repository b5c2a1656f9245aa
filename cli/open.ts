import { mkdirSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Logger } from 'pino';
import { readWholeSync } from '../core/files/whole.ts';
import { openLogAt } from '../core/log/open-log.ts';
import type { EventLog, TopicSpec } from '../core/log/port.ts';
import type { SeriesStore } from '../core/store/port.ts';
import type { AlertTopics } from '../core/wire/alert.ts';
import { GaplineError } from '../core/wire/errors.ts';
import type { Stream } from '../core/wire/stream.ts';
import type { Config } from './config/schema.ts';

/** Where the embedded log and store live: one file for both. */
export function embeddedFile(dataFolder: string): string {
  mkdirSync(dataFolder, { recursive: true });
  return resolve(join(dataFolder, 'gapline.db'));
}

/** Where a collector keeps readings while the log is unavailable: one file for each worker, counted from 1. */
export function spoolFile(dataFolder: string, { name }: Stream, worker = 1): string {
  mkdirSync(dataFolder, { recursive: true });
  return resolve(join(dataFolder, worker === 1 ? `${name}.spool.db` : `${name}.spool-${worker}.db`));
}

/** Spools of workers beyond so many, left by a collector that had more of them; also where only the journal of one is left. */
export function leftoverSpools(dataFolder: string, stream: Stream, workers: number): string[] {
  const journals = spoolsBeyond(dataFolder, stream, { workers, ending: '.journal' });
  const spools = journals.map((file) => file.replace(/\.journal$/, '.db'));
  return [...new Set([...spoolsBeyond(dataFolder, stream, { workers, ending: '.db' }), ...spools])];
}

/** Spools of facts that workers of an earlier version left, which had one each: now the collector has one for all. */
export const leftoverFactSpools = (dataFolder: string, stream: Stream): string[] =>
  spoolsBeyond(dataFolder, stream, { workers: 1, ending: '.db.facts' });

function spoolsBeyond(
  dataFolder: string,
  { name }: Stream,
  { workers, ending }: { readonly workers: number; readonly ending: string },
): string[] {
  const start = `${name}.spool-`;
  return readdirSync(dataFolder).flatMap((file) => {
    if (!file.startsWith(start) || !file.endsWith(ending)) return [];
    const number = file.slice(start.length, -ending.length);
    return /^\d+$/.test(number) && Number(number) > workers ? [resolve(join(dataFolder, file))] : [];
  });
}

export interface OpenOptions {
  /** An address, a file, or undefined for the embedded default. */
  readonly url: string | undefined;
  readonly dataFolder: string;
  readonly logger: Logger;
  /** Whether an embedded log or store compresses what is older, in the background. Default false: for commands that end soon. */
  readonly compress?: boolean;
  /** How long to wait for a log that does not answer yet. */
  readonly waitMs?: number;
}

/** The log at an address; only the configured engine is loaded. */
export function openLog({ url, dataFolder, logger, waitMs, compress = false }: OpenOptions): Promise<EventLog> {
  const file = () => embeddedFile(dataFolder);
  return openLogAt({ url, file, logger, compress, secrets: kafkaSecrets, ...(waitMs !== undefined && { waitMs }) });
}

/** What the environment holds of a guarded Kafka: user, password and the certificate to trust. */
export function kafkaSecrets(): { username?: string; password?: string; ca?: string } {
  const { GAPLINE_KAFKA_USERNAME: username, GAPLINE_KAFKA_PASSWORD: password, GAPLINE_KAFKA_CA: caFile } = process.env;
  return {
    ...(username && { username }),
    ...(password && { password }),
    ...(caFile && { ca: readText(caFile) }),
  };
}

/** What the environment holds of a guarded MLflow, under the names of its own client. */
export function mlflowSecrets(): { username?: string; password?: string; token?: string } {
  const {
    MLFLOW_TRACKING_USERNAME: username,
    MLFLOW_TRACKING_PASSWORD: password,
    MLFLOW_TRACKING_TOKEN: token,
  } = process.env;
  return { ...(username && { username }), ...(password && { password }), ...(token && { token }) };
}

function readText(file: string): string {
  try {
    return readWholeSync(file, 1_000_000).toString('utf8');
  } catch (cause) {
    throw new GaplineError('config-invalid', `GAPLINE_KAFKA_CA: ${file} cannot be read`, { cause });
  }
}

export interface OpenStoreOptions extends OpenOptions {
  /** How long the embedded store keeps points; a bucket has its own bound. */
  readonly retentionDays: number;
}

/** The store at an address; only the configured engine is loaded. */
export async function openStore(options: OpenStoreOptions): Promise<SeriesStore> {
  const { url, dataFolder, logger, retentionDays, compress = false } = options;
  if (url && /^https?:/.test(url)) {
    const { createInfluxStore } = await import('../core/store/influxdb.ts');
    return createInfluxStore({ ...splitStoreUrl(url), token: influxToken(), logger });
  }
  refuseOtherSchemes('--store', url, 'http://HOST:8086/ORG/BUCKET');
  const { createSqliteStore } = await import('../core/store/sqlite.ts');
  return createSqliteStore({ file: url ?? embeddedFile(dataFolder), logger, retentionDays, packing: compress && {} });
}

/** `http://HOST:8086/ORG/BUCKET` in its parts. */
export function splitStoreUrl(url: string): { url: string; org: string; bucket: string } {
  const { origin, pathname } = new URL(url);
  const [org, bucket, ...rest] = pathname.slice(1).split('/').map(decodeURIComponent);
  if (!org || !bucket || rest.length > 0) {
    throw new GaplineError('config-invalid', `--store ${url}: expected http://HOST:8086/ORG/BUCKET`);
  }
  return { url: origin, org, bucket };
}

/** The secret of InfluxDB, which only the environment holds. */
export function influxToken(): string {
  const token = process.env.GAPLINE_INFLUXDB_TOKEN;
  if (!token)
    throw new GaplineError('config-invalid', 'GAPLINE_INFLUXDB_TOKEN is not set; it holds the token of InfluxDB');
  return token;
}

function refuseOtherSchemes(option: string, url: string | undefined, expected: string): void {
  if (url && /^[a-z]+:\/\//i.test(url)) {
    throw new GaplineError('config-invalid', `${option} ${url}: expected ${expected} or a file`);
  }
}

/** All topics of a stream, as the log should create them. */
export function topicSpecs({ topics, facts: kinds, alerts }: Stream, { log }: Config): TopicSpec[] {
  const { state, facts, ...growing } = topics;
  const names = Object.values(growing);
  const shared = {
    partitions: log.partitions,
    retentionMs: log.retentionDays * 86_400_000,
    flush: log.flush,
  };
  const bytes = log.retentionMegabytes * 1_000_000;
  // What grows with each reading may have most of it.
  const large = new Set([topics.readings, topics.predictions]);
  const retentionBytes = (name: string) =>
    large.has(name) ? 0.4 * bytes : (0.2 * bytes) / (names.length - large.size);
  const compacted = { ...shared, compacted: true };
  return [
    ...names.map((name) => ({ ...shared, name, retentionBytes: retentionBytes(name) })),
    { ...compacted, name: state },
    // A replay from a checkpoint needs the facts since then, as it needs the readings.
    ...(kinds ? [{ ...compacted, name: facts, replacedMs: shared.retentionMs }] : []),
    ...(alerts ? alertSpecs(alerts, shared) : []),
  ];
}

/** They are small: what they hold is bounded by how often alerts fire, and by the clock. */
const alertSpecs = ({ alerts, ticks, ...kept }: AlertTopics, shared: Omit<TopicSpec, 'name'>): TopicSpec[] => [
  ...[alerts, ticks].map((name) => ({ ...shared, name })),
  ...Object.values(kept).map((name) => ({ ...shared, name, compacted: true })),
];
