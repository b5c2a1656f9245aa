import type { StoredRecord } from '../../core/log/port.ts';

type Place = Pick<StoredRecord, 'partition' | 'offset'>;

/** The id of no event is longer. */
const longestId = 20_000;
const form = /^(\d{1,6}:\d{1,19}(?:,\d{1,6}:\d{1,19})*)?(?:@(\d{1,15}))?$/;

/**
 * How far the predictions topic was read: by partition, the offset of the next record; partitions that are not named begin at a time of
 * arrival. As the id of an event, `0:17,1:4` or `0:17@1700000000000`, it lets a reader resume where it was.
 */
export class Positions {
  readonly #next: Map<number, bigint>;
  /** Milliseconds since the epoch; 0 is the oldest record. */
  #sinceMs: number;

  constructor(next: Iterable<readonly [partition: number, offset: bigint]> = [], sinceMs = 0) {
    this.#next = new Map(next);
    this.#sinceMs = sinceMs;
  }

  /** Undefined where the text is no id. */
  static parse(id: string): Positions | undefined {
    const match = id === '' || id.length > longestId ? null : form.exec(id);
    if (match === null) return undefined;
    const [, places, since = '0'] = match;
    const pairs = (places?.split(',') ?? []).map((pair): [number, bigint] => {
      const [partition = '', offset = ''] = pair.split(':');
      return [Number(partition), BigInt(offset)];
    });
    return new Positions(pairs, Number(since));
  }

  get id(): string {
    const places = [...this.#next].map(([partition, offset]) => `${partition}:${offset}`).join(',');
    return this.#sinceMs === 0 ? places : `${places}@${this.#sinceMs}`;
  }

  get sinceMs(): number {
    return this.#sinceMs;
  }

  /** For a tail that resumes: the last offsets that were read. */
  get read(): ReadonlyMap<number, bigint> {
    return new Map([...this.#next].map(([partition, offset]) => [partition, offset - 1n]));
  }

  /** Whether a record was read before. */
  includes({ partition, offset }: Place): boolean {
    return offset < this.#nextOf(partition);
  }

  advance({ partition, offset }: Place): void {
    this.#next.set(partition, offset + 1n);
  }

  /** Whether nothing that lies before `other` is still to be read. */
  reaches(other: Positions): boolean {
    return [...other.#next].every(([partition, offset]) => this.#nextOf(partition) >= offset);
  }

  /** All that lies before `end` was read. */
  raiseTo(end: Positions): void {
    for (const [partition, offset] of end.#next)
      if (this.#nextOf(partition) < offset) this.#next.set(partition, offset);
    this.#sinceMs = 0;
  }

  /**
   * Where the topic was made anew it ends before what was read: then nothing of it was read.
   * @param before - what was read when the end was asked for; what is not beyond that now is of the new topic already
   */
  restartBeyond(end: Positions, before: Positions = this): void {
    for (const [partition, offset] of this.#next) {
      const read = before.#nextOf(partition);
      if (read > end.#nextOf(partition) && offset >= read) this.#next.set(partition, 0n);
    }
  }

  /** The next record of its partition is this one. */
  restartAt({ partition, offset }: Place): void {
    this.#next.set(partition, offset);
  }

  copy(): Positions {
    return new Positions(this.#next, this.#sinceMs);
  }

  #nextOf(partition: number): bigint {
    return this.#next.get(partition) ?? 0n;
  }
}
