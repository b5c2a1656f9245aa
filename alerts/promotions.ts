import type { Logger } from 'pino';
import type { EventLog } from '../core/log/port.ts';
import { backoffMs } from '../core/retry/backoff.ts';
import { sleep } from '../core/retry/sleep.ts';
import { decodeAlertRecord, noticeOf, type PromotionNotice } from '../core/wire/alert.ts';
import { describeError } from '../core/wire/errors.ts';
import { type Status, statusSchema } from '../core/wire/status.ts';
import type { Stream } from '../core/wire/stream.ts';
import { validate } from '../core/wire/validate.ts';

export interface PromotionsOptions {
  readonly stream: Stream;
  readonly log: EventLog;
  readonly logger: Logger;
  /** The topic of alerts. */
  readonly topic: string;
  /** Promotions of before are no news. */
  readonly startMs: number;
}

export const promotionsGroup = (stream: Stream): string => `${stream.name}.alerts.promotions`;

const appendMs = 5_000;
const backoff = { firstMs: 500, maxMs: 10_000 };
/** Ids that are remembered; a classifier reports the last ten promotions. */
const mostKnown = 10_000;

/**
 * Writes a notice into the topic of alerts, from where webhooks are sent it, for each promotion that a classifier reports. Classifiers
 * report the last ones every two seconds, so what was missed is told later; what the topic holds already is not told again.
 */
export function startPromotions(options: PromotionsOptions): { stop(): Promise<void> } {
  const { stream, log, logger } = options;
  const stopping = new AbortController();
  const { signal } = stopping;
  const told = new ToldPromotions(options);

  async function follow(): Promise<void> {
    for await (const records of log.tail([stream.topics.status], { since: 'now', signal }))
      for (const { value } of records) {
        const notices = noticesIn(value, options);
        if (notices.length > 0) await told.tell(notices);
      }
  }

  async function run(): Promise<void> {
    for (let failures = 1; !signal.aborted; failures++) {
      try {
        await follow();
        failures = 0;
      } catch (error) {
        if (failures === 1) logger.warn(`promotions cannot be told of now: ${describeError(error)}; trying again`);
      }
      if (!signal.aborted) await sleep(backoffMs(backoff, Math.max(1, failures)), { signal });
    }
  }

  const work = run();
  return {
    async stop() {
      stopping.abort();
      await Promise.race([work, sleep(appendMs, { ref: false })]);
    },
  };
}

/** What the topic of alerts holds of promotions. */
class ToldPromotions {
  readonly #options: PromotionsOptions;
  readonly #known = new Set<string>();
  readonly #read = new Map<number, bigint>();

  constructor(options: PromotionsOptions) {
    this.#options = options;
  }

  /** @throws whatever the log does; then it may be called again */
  async tell(notices: readonly PromotionNotice[]): Promise<void> {
    const isNews = ({ id }: PromotionNotice) => !this.#known.has(id);
    if (!notices.some(isNews)) return;
    // Another process may have told of it.
    await this.#catchUp();
    const { log, topic, stream } = this.#options;
    const records = notices
      .filter(isNews)
      .map((notice) => ({ key: stream.name, value: Buffer.from(JSON.stringify(notice)) }));
    if (records.length > 0) await log.append(topic, records, { deadlineMs: appendMs });
    for (const { id } of notices) this.#note(id);
  }

  async #catchUp(): Promise<void> {
    const { log, topic } = this.#options;
    for await (const records of log.tail([topic], { since: 0, after: new Map([[topic, this.#read]]), follow: false }))
      for (const { partition, offset, value } of records) {
        this.#read.set(partition, offset);
        const record = decodeAlertRecord(value);
        if (typeof record !== 'string' && record.kind === 'promotion') this.#note(record.id);
      }
  }

  #note(id: string): void {
    this.#known.add(id);
    const [oldest] = this.#known;
    if (this.#known.size > mostKnown && oldest !== undefined) this.#known.delete(oldest);
  }
}

/** The promotions that a status of a classifier holds, as notices; none of any other record. */
function noticesIn(value: Uint8Array, { stream, startMs }: PromotionsOptions): PromotionNotice[] {
  const status = statusIn(value);
  if (status?.stream !== stream.name || !status.model) return [];
  const { name } = status.model;
  return (status.promotions ?? [])
    .filter(({ at }) => Date.parse(at) >= startMs)
    .map((promotion) => noticeOf(stream.name, name, promotion));
}

function statusIn(value: Uint8Array): Status | undefined {
  // Most reports hold none: they are not parsed.
  if (!Buffer.from(value.buffer, value.byteOffset, value.byteLength).includes('"promotions"')) return undefined;
  try {
    return validate(statusSchema, JSON.parse(Buffer.from(value).toString('utf8'))).data;
  } catch {
    return undefined;
  }
}
