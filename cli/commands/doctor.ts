import { access, constants, mkdir, statfs } from 'node:fs/promises';
import { resolve } from 'node:path';
import { classifierGroup } from '../../classifier/classifier.ts';
import { archiveGroup } from '../../collector/archive.ts';
import { type EventLog, totalLag } from '../../core/log/port.ts';
import { describeWithRemedy, GaplineError } from '../../core/wire/errors.ts';
import { printable } from '../../core/wire/printable.ts';
import { isDiskFull } from '../../core/wire/sqlite-code.ts';
import type { Stream } from '../../core/wire/stream.ts';
import manifest from '../../package.json' with { type: 'json' };
import { type LoadedConfig, loadConfig } from '../config/load.ts';
import { createLogger } from '../logger.ts';
import { influxToken, openLog, openStore, splitStoreUrl } from '../open.ts';
import { print as printText } from '../print.ts';
import { openModels, resolveStream } from '../stream.ts';
import { describeUnknownFields, readUnknownFields } from '../unknown-fields.ts';

export interface DoctorOptions {
  readonly config: string;
  readonly set: readonly string[];
  readonly data: string;
  readonly log?: string;
  readonly store?: string;
}

/** What works, and yet is hardly meant so. */
interface Warning {
  readonly warning: string;
}

/** One thing that must hold for the line to run. `look` resolves with what it found, and rejects with what is broken. */
interface Check {
  readonly part: string;
  /** The address that is tried, where it may not respond. */
  readonly address?: string;
  look(): Promise<string | Warning>;
}

/** How long an address may take to answer. */
const timeoutMs = 8_000;
const leastFreeBytes = 200_000_000;
const mostSkewMs = 2_000;

/** Looks at every part of a stack, one line each: what is well, what is broken, and the remedy. Exits with 1 where something is broken. */
export async function doctor(options: DoctorOptions): Promise<void> {
  print('ok', 'gapline', `${manifest.version} on Node ${process.versions.node}`);
  const loaded = loadConfig(options.config, options.set);
  print('ok', 'configuration', loaded.file);
  let broken = 0;
  for (const check of checksOf(loaded, options)) {
    try {
      const found = await withinTimeout(check);
      if (typeof found === 'string') print('ok', check.part, found);
      else print('warning', check.part, found.warning);
    } catch (error) {
      broken += 1;
      const code = error instanceof GaplineError ? error.code : 'internal';
      print('BROKEN', check.part, describeWithRemedy(error, code));
    }
  }
  if (broken > 0) process.exitCode = 1;
}

function print(state: 'ok' | 'warning' | 'BROKEN', part: string, found: string): void {
  printText(`${state.padEnd(7)} ${part.padEnd(14)} ${printable(found)}
`);
}

async function withinTimeout({ look, address = '' }: Check): Promise<string | Warning> {
  const late = Promise.withResolvers<never>();
  const complaint = `${address} gives no answer within ${timeoutMs / 1_000} s`.trim();
  const timer = setTimeout(() => late.reject(new GaplineError('no-answer', complaint)), timeoutMs);
  return await Promise.race([look(), late.promise]).finally(() => clearTimeout(timer));
}

function checksOf(loaded: LoadedConfig, options: DoctorOptions): Check[] {
  const { log: logAddress, store: storeAddress } = options;
  const log = { ...(logAddress !== undefined && { address: logAddress }) };
  const store = { ...(storeAddress !== undefined && { address: storeAddress }) };
  const withLog = <T>(work: (log: EventLog, stream: Stream) => Promise<T>) => useLog(loaded, options, work);
  return [
    { part: 'model', look: () => lookAtModel(loaded) },
    { part: 'disk', look: () => lookAtDisk(options.data) },
    {
      part: 'log',
      ...log,
      look: () => withLog((log, stream) => lookAtTopics(log, stream, loaded.config.log.partitions)),
    },
    { part: 'lag', ...log, look: () => withLog(lookAtLag) },
    { part: 'fields', ...log, look: () => withLog(lookAtFields) },
    { part: 'store', ...store, look: () => lookAtStore(loaded, options) },
    ...(options.store?.startsWith('http') ? [{ part: 'clock', look: () => lookAtClock(options.store ?? '') }] : []),
  ];
}

async function lookAtModel(loaded: LoadedConfig): Promise<string> {
  const model = await openModels(loaded).current();
  const { identity, fields, classes } = model;
  await model.close();
  return `${identity.name} version ${identity.version}: ${fields.length} fields, ${classes.length} classes, its self-test holds`;
}

/**
 * @param statistics - of a file system
 * @throws {GaplineError} `disk-full`, or `config-invalid` where nothing can be written
 */
export async function lookAtDisk(
  folder: string,
  statistics: (path: string) => Promise<{ bavail: number; bsize: number }> = statfs,
): Promise<string> {
  try {
    await mkdir(folder, { recursive: true });
    await access(folder, constants.W_OK);
  } catch (cause) {
    const code = isDiskFull(cause) ? 'disk-full' : 'config-invalid';
    throw new GaplineError(code, `--data ${folder}: nothing can be written there`, { cause });
  }
  const { bavail, bsize } = await statistics(folder);
  const free = bavail * bsize;
  const found = `${resolve(folder)}: ${Math.floor(free / 1_000_000)} MB free`;
  if (free >= leastFreeBytes) return found;
  throw new GaplineError('disk-full', `${found}, less than ${leastFreeBytes / 1_000_000} MB`);
}

async function useLog<T>(
  loaded: LoadedConfig,
  { log: url, data: dataFolder }: DoctorOptions,
  work: (log: EventLog, stream: Stream) => Promise<T>,
): Promise<T> {
  const stream = await resolveStream(loaded);
  const log = await openLog({ url, dataFolder, logger: await createLogger('silent'), waitMs: timeoutMs / 2 });
  try {
    await log.start();
    return await work(log, stream);
  } finally {
    await log.stop();
  }
}

async function lookAtTopics(
  log: EventLog,
  { name, topics, facts: kinds }: Stream,
  partitions: number,
): Promise<string> {
  const { facts, ...others } = topics;
  const wanted = Object.values(kinds ? topics : others);
  const wrong: string[] = [];
  for (const topic of wanted) {
    const found = (await log.lag(`${name}.doctor`, [topic])).length;
    if (found < partitions) wrong.push(`${topic} has ${found} partitions`);
  }
  if (wrong.length === 0) return `${wanted.length} topics of at least ${partitions} partitions`;
  throw new GaplineError('topic-mismatch', `${wrong.join(', ')}; log.partitions is ${partitions}`);
}

async function lookAtLag(log: EventLog, stream: Stream): Promise<string> {
  const groups = [classifierGroup(stream), archiveGroup(stream)];
  const lags = await Promise.all(
    groups.map(async (group) => `${group} ${totalLag(await log.lag(group, [stream.topics.readings]))}`),
  );
  return `records behind: ${lags.join(', ')}`;
}

async function lookAtFields(log: EventLog, stream: Stream): Promise<string | Warning> {
  const unknown = await readUnknownFields(log, stream);
  if (unknown.length === 0) return 'devices sent no field that is not known';
  return { warning: describeUnknownFields(unknown) };
}

async function lookAtStore({ config }: LoadedConfig, { store: url, data: dataFolder }: DoctorOptions): Promise<string> {
  const { retentionDays } = config.store;
  const store = await openStore({ url, dataFolder, logger: await createLogger('silent'), retentionDays });
  try {
    await store.start();
    // A store that is unavailable when a stage starts is waited for; here it has to respond.
    for await (const _ of store.read({ measurement: 'gapline.doctor', range: { from: '0', to: '1' } })) break;
    if (!url?.startsWith('http')) return url ?? 'embedded';
    await demandWriting(url);
    return `${url}, InfluxDB ${await versionOf(url)}`;
  } finally {
    await store.stop();
  }
}

/** Writes a comment, which holds no point: InfluxDB looks first whether the token may write. */
async function demandWriting(store: string): Promise<void> {
  const { url, org, bucket } = splitStoreUrl(store);
  const { ok, status } = await fetch(`${url}/api/v2/write?${new URLSearchParams({ org, bucket })}`, {
    method: 'POST',
    headers: { authorization: `Token ${influxToken()}` },
    body: '# doctor',
    signal: AbortSignal.timeout(timeoutMs / 2),
  });
  if (ok || status === 400) return;
  throw new GaplineError('store-refused', `InfluxDB at ${store} answers ${status} to writing`);
}

async function versionOf(store: string): Promise<string> {
  const answer = await fetch(new URL('/health', store), { signal: AbortSignal.timeout(timeoutMs / 2) });
  const { version } = (await answer.json()) as { version?: unknown };
  return typeof version === 'string' ? version : 'of an unknown version';
}

/** Compares this machine's clock with the store's, by its `Date` header; half of the round trip is taken off. */
async function lookAtClock(store: string): Promise<string> {
  const sentMs = Date.now();
  const { headers } = await fetch(new URL('/health', store), { signal: AbortSignal.timeout(timeoutMs / 2) });
  const date = headers.get('date');
  if (date === null) return 'the store reports no time';
  const skewMs = (sentMs + Date.now()) / 2 - (Date.parse(date) + 500);
  const found = `${Math.abs(skewMs / 1_000).toFixed(1)} s ${skewMs > 0 ? 'ahead of' : 'behind'} the store's clock`;
  if (Math.abs(skewMs) <= mostSkewMs) return found;
  throw new GaplineError('clock-skewed', found);
}
