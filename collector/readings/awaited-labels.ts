import type { Logger } from 'pino';
import { endsOf, follow } from '../../core/log/follow.ts';
import type { EventLog, LogRecord, StoredRecord } from '../../core/log/port.ts';

export interface AwaitedLabelsOptions {
  readonly log: EventLog;
  /** The topic of the predictions. */
  readonly topic: string;
  readonly logger: Logger;
  /** Readings whose labels are awaited at once; beyond it nobody waits. Default 100,000. */
  readonly most?: number;
  /** Bytes of what is kept of them: labels until all of a request are there, and what each is known by. Default 64 MB. */
  readonly mostBytes?: number;
}

/** The labels of the readings of one request. */
export interface Awaited {
  /** In the order of the readings, each as JSON; undefined where not all of them came in time. */
  readonly labels: Promise<readonly string[] | undefined>;
  /** Nobody waits any more. */
  cancel(): void;
}

interface Wait {
  readonly found: (string | undefined)[];
  missing: number;
  bytes: number;
  readonly done: () => void;
}

interface Place {
  readonly wait: Wait;
  readonly index: number;
}

const decoder = new TextDecoder();
/** About what an awaited reading takes beside its key. */
const entryBytes = 200;

/** Readings do not wait for a log that does not answer; the spool may take them meanwhile. */
const openMs = 1_000;

/**
 * Finds the labels of readings that were just taken, among the predictions as they are committed. The predictions are followed from the
 * first request on that waits, so that nobody pays for it who does not.
 */
export class AwaitedLabels {
  readonly #options: AwaitedLabelsOptions;
  /** Of one key in the order in which they were sent: a reading may come twice within a millisecond. */
  readonly #places = new Map<string, Place[]>();
  readonly #waits = new Set<Wait>();
  #awaited = 0;
  #bytes = 0;
  /** How many readings of a device are awaited: the predictions of others need not be parsed. */
  readonly #devices = new Map<string, number>();
  readonly #stopping = new AbortController();
  #opening: Promise<void> | undefined;
  #following: Promise<void> | undefined;

  constructor(options: AwaitedLabelsOptions) {
    this.#options = options;
  }

  /**
   * Waits for the labels of records that are not yet in the log; undefined where too many wait, or where the log does not answer.
   * @param waitMs - for at most so long
   */
  async expect(records: readonly LogRecord[], waitMs: number): Promise<Awaited | undefined> {
    if (!(await this.#isOpen(Math.min(waitMs, openMs)))) return undefined;
    if (this.#stopping.signal.aborted || this.#awaited + records.length > (this.#options.most ?? 100_000))
      return undefined;
    const keys = records.map(({ value }) => keyOfRecord(decoder.decode(value)));
    const bytes = keys.reduce((sum, key) => sum + key.length + entryBytes, 0);
    return this.#bytes + bytes > this.#mostBytes ? undefined : this.#register(records, keys, bytes, waitMs);
  }

  get #mostBytes(): number {
    return this.#options.mostBytes ?? 64_000_000;
  }

  /** Nobody waits any more, now and later. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    for (const { done } of this.#waits) done();
    await this.#following;
  }

  /** Whether the predictions are followed within a time. */
  async #isOpen(withinMs: number): Promise<boolean> {
    this.#opening ??= this.#open().catch((error: unknown) => {
      this.#opening = undefined;
      throw error;
    });
    const { promise: late, resolve } = Promise.withResolvers<boolean>();
    const deadline = setTimeout(() => resolve(false), withinMs);
    const open = this.#opening.then(
      () => true,
      () => false,
    );
    const isOpen = await Promise.race([open, late]);
    clearTimeout(deadline);
    return isOpen;
  }

  #register(records: readonly LogRecord[], keys: readonly string[], bytes: number, waitMs: number): Awaited {
    const { promise: settled, resolve: done } = Promise.withResolvers<void>();
    const wait: Wait = { found: new Array(records.length).fill(undefined), missing: records.length, bytes, done };
    this.#waits.add(wait);
    this.#awaited += records.length;
    this.#bytes += bytes;
    records.forEach(({ key }, index) => {
      this.#await(keys[index] ?? '', { wait, index });
      if (key !== null) this.#devices.set(key, (this.#devices.get(key) ?? 0) + 1);
    });
    const deadline = setTimeout(done, waitMs);
    const labels = settled.then(() => {
      clearTimeout(deadline);
      this.#waits.delete(wait);
      this.#awaited -= records.length;
      this.#bytes -= wait.bytes;
      for (const key of keys) this.#forget(key, wait);
      for (const { key } of records) if (key !== null) this.#release(key);
      return wait.missing === 0 ? wait.found.map((label) => label ?? '') : undefined;
    });
    return { labels, cancel: done };
  }

  #await(key: string, place: Place): void {
    const places = this.#places.get(key);
    if (places) places.push(place);
    else this.#places.set(key, [place]);
  }

  #forget(key: string, wait: Wait): void {
    const left = this.#places.get(key)?.filter((place) => place.wait !== wait) ?? [];
    if (left.length > 0) this.#places.set(key, left);
    else this.#places.delete(key);
  }

  #release(device: string): void {
    const left = (this.#devices.get(device) ?? 1) - 1;
    if (left > 0) this.#devices.set(device, left);
    else this.#devices.delete(device);
  }

  async #open(): Promise<void> {
    const { log, topic } = this.#options;
    const next = new Map(await endsOf(log, topic));
    this.#following ??= this.#follow(next);
  }

  async #follow(next: Map<number, bigint>): Promise<void> {
    const read = () => new Map([...next].map(([partition, offset]) => [partition, offset - 1n] as const));
    for await (const records of follow({ ...this.#options, read, signal: this.#stopping.signal })) {
      for (const record of records) {
        next.set(record.partition, record.offset + 1n);
        if (record.key !== null && this.#devices.has(record.key)) this.#take(record);
      }
    }
  }

  #take({ value }: StoredRecord): void {
    const text = decoder.decode(value);
    const place = this.#places.get(keyOfRecord(text))?.shift();
    if (place === undefined) return;
    const { wait, index } = place;
    // Its sender is told that the reading was accepted, and asks for the label in another way.
    if (this.#bytes + text.length > this.#mostBytes) {
      wait.done();
      return;
    }
    wait.found[index] = text;
    wait.bytes += text.length;
    this.#bytes += text.length;
    wait.missing -= 1;
    if (wait.missing === 0) wait.done();
  }
}

/** What a reading and its prediction have in common. A reading may be sent twice; when it was received tells one time from the other. */
function keyOfRecord(text: string): string {
  try {
    const { device, time, received } = JSON.parse(text) as Record<string, unknown>;
    return `${time} ${received} ${device}`;
  } catch {
    // Anybody may write to a topic.
    return '';
  }
}
