import type {
  EventLog,
  LogRecord,
  PartitionLag,
  Rewound,
  Running,
  StoredRecord,
  TailOptions,
} from '../../core/log/port.ts';

/** A log in memory of which a test decides when records arrived and when it cannot be read. Only appends and tails. */
export class MemoryLog implements EventLog {
  readonly #records: StoredRecord[] = [];
  readonly #waiting = new Set<() => void>();
  #trouble: Error | undefined;
  #stopped = false;
  #taken = 0;

  async start(): Promise<void> {}

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#wake();
  }

  async ensureTopics(): Promise<void> {}

  async append(topic: string, records: readonly LogRecord[]): Promise<void> {
    for (const { key, value } of records) this.add(topic, key, value, Date.now());
  }

  /** Adds a record that arrived then, in milliseconds since the epoch. */
  add(topic: string, key: string | null, value: unknown, arrivedMs: number): void {
    const bytes = value instanceof Uint8Array ? value : Buffer.from(JSON.stringify(value));
    this.#records.push({ topic, key, value: bytes, partition: 0, offset: BigInt(this.#records.length), arrivedMs });
    this.#wake();
  }

  /** What was added since the last time. */
  takeAll(): StoredRecord[] {
    const from = this.#taken;
    this.#taken = this.#records.length;
    return this.#records.slice(from);
  }

  /** Every read fails so, until it is called with nothing. */
  trouble(error?: Error): void {
    this.#trouble = error;
    this.#wake();
  }

  async *tail(
    topics: readonly string[],
    { since, until = Number.POSITIVE_INFINITY, follow = until === Number.POSITIVE_INFINITY, signal }: TailOptions,
  ) {
    let next = since === 'now' ? this.#records.length : 0;
    signal?.addEventListener('abort', () => this.#wake());
    while (!this.#stopped && !signal?.aborted) {
      if (this.#trouble) throw this.#trouble;
      const batch = this.#records
        .slice(next, next + 1_000)
        .filter(
          ({ topic, arrivedMs }) =>
            topics.includes(topic) && arrivedMs < until && (since === 'now' || arrivedMs >= since),
        );
      next = Math.min(next + 1_000, this.#records.length);
      if (batch.length > 0) yield batch;
      else if (next < this.#records.length) continue;
      else if (!follow) return;
      else await this.#more();
    }
  }

  pipe(): Promise<Running> {
    throw new Error('the page takes part in nothing');
  }

  drain(): Promise<Running> {
    throw new Error('the page takes part in nothing');
  }

  async lag(): Promise<readonly PartitionLag[]> {
    return [];
  }

  rewind(): Promise<readonly Rewound[]> {
    throw new Error('the page takes part in nothing');
  }

  #more(): Promise<void> {
    return new Promise((resolve) => this.#waiting.add(resolve));
  }

  #wake(): void {
    for (const resume of this.#waiting) resume();
    this.#waiting.clear();
  }
}
