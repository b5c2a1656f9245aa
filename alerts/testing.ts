import { randomUUID } from 'node:crypto';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pino } from 'pino';
import { kafkaUnderTest } from '../core/log/kafka/testing.ts';
import type { EventLog } from '../core/log/port.ts';
import { sqliteUnderTest } from '../core/log/sqlite/testing.ts';
import {
  type Alert,
  type AlertDelivery,
  type AlertRecord,
  alertSchema,
  alertTopicsOf,
  decodeAlertRecord,
  type PromotionNotice,
  promotionNoticeSchema,
} from '../core/wire/alert.ts';
import type { Prediction } from '../core/wire/prediction.ts';
import { topicsOf } from '../core/wire/stream.ts';
import { validate } from '../core/wire/validate.ts';

export const silent = pino({ level: 'silent' });
export const patient = { timeout: 60_000, interval: 20 };
export type Engine = 'SQLite' | 'Kafka';

/** What a webhook was sent of a promotion. */
export interface ReceivedNotice extends Omit<Received, 'alert'> {
  readonly notice: PromotionNotice;
}

/** What a webhook was sent. */
export interface Received {
  readonly alert: Alert;
  readonly body: Buffer;
  readonly headers: IncomingHttpHeaders;
  /** What it responded. */
  readonly status: number;
  readonly atMs: number;
}

/** An HTTP server that keeps what it is sent; `respond` gives the status, or 0 to break the connection off. */
export async function openReceiver(
  respond: (count: number) => number = () => 204,
  headers: Readonly<Record<string, string>> = {},
) {
  const received: Received[] = [];
  const notices: ReceivedNotice[] = [];
  let count = 0;
  const server: Server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks);
      const status = respond(count++);
      const json: unknown = JSON.parse(body.toString());
      const notice = validate(promotionNoticeSchema, json).data;
      const sent = { body, headers: request.headers, status, atMs: Date.now() };
      if (notice) notices.push({ notice, ...sent });
      else received.push({ alert: alertSchema.parse(json), ...sent });
      if (status === 0) response.destroy();
      else response.writeHead(status, { ...headers, location: 'http://127.0.0.1:1/' }).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    received,
    notices,
    url: new URL(`http://127.0.0.1:${port}/hook`),
    taken: () => received.filter(({ status }) => status >= 200 && status < 300),
    close: () => new Promise<void>((resolve) => void server.close(() => resolve()).closeAllConnections()),
  };
}

export type Receiver = Awaited<ReturnType<typeof openReceiver>>;

export interface PredictionParts {
  readonly device?: string;
  readonly label?: string;
  readonly probability?: number;
  readonly gaps?: number;
  /** In seconds. */
  readonly time: number;
  /** Default: when it was measured. */
  readonly received?: number;
}

/** A log of its own with the topics of a stream of two values that has alerts. */
export async function openLine(engine: Engine = 'SQLite') {
  const name = `t${randomUUID().slice(0, 8)}`;
  const site = engine === 'Kafka' ? await kafkaUnderTest({ prefix: name }) : await sqliteUnderTest();
  const alerts = alertTopicsOf(name);
  const stream = { name, fields: ['a', 'b'], topics: topicsOf(name), alerts };
  const log = site.create();
  await log.start();
  const { alerts: alertsTopic, ticks, ...kept } = alerts;
  const shared = { partitions: 3, retentionMs: 3_600_000 };
  const { readings, predictions, status, deadLetters } = stream.topics;
  await log.ensureTopics([
    ...[readings, predictions, status, deadLetters, alertsTopic, ticks].map((topic) => ({ ...shared, name: topic })),
    ...Object.values(kept).map((topic) => ({ ...shared, name: topic, compacted: true })),
  ]);
  return {
    ...{ log, stream, address: site.address },
    async predict(...parts: PredictionParts[]): Promise<void> {
      const records = parts.map((part) => predictionRecord(name, part));
      await log.append(predictions, records, { deadlineMs: 10_000 });
    },
    async read(device: string): Promise<void> {
      const reading = { stream: name, device, time: '1', values: { a: 1 }, received: '1' };
      const record = { key: device, value: Buffer.from(JSON.stringify(reading)) };
      await log.append(readings, [record], { deadlineMs: 10_000 });
    },
    async close(): Promise<void> {
      await log.stop();
      await site.remove(engine === 'Kafka' ? name : '');
    },
  };
}

export type Line = Awaited<ReturnType<typeof openLine>>;

export function predictionRecord(stream: string, parts: PredictionParts) {
  const { device = 'd', label = 'bad', probability = 0.9, gaps = 0, time, received = time } = parts;
  const ns = (seconds: number) => `${BigInt(seconds) * 1_000_000_000n}`;
  const prediction: Prediction = {
    ...{
      stream,
      device,
      time: ns(time),
      label,
      probability,
      probabilities: { [label]: probability },
      filled: {},
      gaps,
    },
    ...{ model: { name: 'm', version: 1 }, received: ns(received), latencyMs: 1 },
  };
  return { key: device, value: Buffer.from(JSON.stringify(prediction)) };
}

async function recordsIn(log: EventLog, topic: string): Promise<AlertRecord[]> {
  const found: AlertRecord[] = [];
  for await (const records of log.tail([topic], { since: 0, follow: false }))
    for (const { value } of records) {
      const record = decodeAlertRecord(value);
      if (typeof record !== 'string') found.push(record);
    }
  return found;
}

/** The alerts that the log holds, in order by subject. */
export const alertsIn = async (log: EventLog, topic: string): Promise<Alert[]> =>
  (await recordsIn(log, topic)).filter((record) => record.kind === 'alert');

/** What became of them, in order by subject. */
export const deliveriesIn = async (log: EventLog, topic: string): Promise<AlertDelivery[]> =>
  (await recordsIn(log, topic)).filter((record) => record.kind === 'delivery');
