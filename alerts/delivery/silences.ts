import type { Logger } from 'pino';
import { follow } from '../../core/log/follow.ts';
import type { EventLog, StoredRecord } from '../../core/log/port.ts';
import { type Alert, decodeSilence } from '../../core/wire/alert.ts';

const nsPerMs = 1_000_000n;
/** Silences that are remembered; the oldest give way. */
const mostSilences = 10_000;

const keyOf = (rule: string, subject: string | null): string => JSON.stringify([rule, subject]);

/** The key of a silence's record, so that a later one takes the place of an earlier one. */
export const silenceKey = keyOf;

/** Which alerts are not delivered now, as the log knows it. */
export class Silences {
  readonly #until = new Map<string, bigint>();
  readonly #read = new Map<number, bigint>();
  readonly #stopping = new AbortController();
  #following: Promise<void> = Promise.resolve();

  /** Reads all there are, and continues with those that come. */
  async start(log: EventLog, topic: string, logger: Logger): Promise<void> {
    for await (const records of log.tail([topic], { since: 0, follow: false })) this.take(records);
    this.#following = this.#follow(log, topic, logger);
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#following;
  }

  isSilenced({ rule, subject }: Pick<Alert, 'rule' | 'subject'>, nowMs: number): boolean {
    const now = BigInt(nowMs) * nsPerMs;
    return [subject, null].some((who) => (this.#until.get(keyOf(rule, who)) ?? 0n) > now);
  }

  take(records: readonly StoredRecord[]): void {
    for (const { partition, offset, value } of records) {
      this.#read.set(partition, offset);
      const silence = decodeSilence(value);
      if (typeof silence === 'string') continue;
      const key = keyOf(silence.rule, silence.subject);
      this.#until.delete(key);
      const [oldest] = this.#until.keys();
      if (this.#until.size >= mostSilences && oldest !== undefined) this.#until.delete(oldest);
      this.#until.set(key, BigInt(silence.until));
    }
  }

  async #follow(log: EventLog, topic: string, logger: Logger): Promise<void> {
    const { signal } = this.#stopping;
    for await (const records of follow({ log, topic, read: () => this.#read, signal, logger })) this.take(records);
  }
}
