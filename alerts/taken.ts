import type { Logger } from 'pino';
import type { EventLog, LogRecord, StoredRecord } from '../core/log/port.ts';
import { decodeTaken, type Taken } from '../core/wire/alert.ts';
import { describeError } from '../core/wire/errors.ts';

/** How often it is written: so much may be taken twice where a process is killed, and its offsets expire. */
const everyMs = 60_000;
const appendMs = 5_000;

export interface TakenRecordsOptions {
  readonly log: EventLog;
  readonly logger: Logger;
  /** A compacted topic. */
  readonly topic: string;
}

/** The last record that a group had taken of a partition. */
export type Mark = Pick<Taken, 'arrivedMs'> & { readonly offset: bigint };

export const isUpTo = ({ offset, arrivedMs }: StoredRecord, mark: Mark): boolean =>
  offset <= mark.offset && arrivedMs <= mark.arrivedMs;

const placeOf = (group: string, { topic, partition }: Pick<StoredRecord, 'topic' | 'partition'>): string =>
  JSON.stringify([group, topic, partition]);

/**
 * How far consumer groups had come, kept beside their offsets: Kafka forgets the offsets of a group that is stopped for a week, and its
 * next start takes all that the topic still holds for new.
 */
export class TakenRecords {
  readonly #options: TakenRecordsOptions;
  /** Of before this start. */
  readonly #before = new Map<string, Mark>();
  readonly #changed = new Map<string, Taken>();
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> = Promise.resolve();

  constructor(options: TakenRecordsOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    const { log, topic } = this.#options;
    for await (const records of log.tail([topic], { since: 0, follow: false }))
      for (const { value } of records) {
        const taken = decodeTaken(value);
        if (typeof taken === 'string') continue;
        this.#before.set(placeOf(taken.group, taken), { offset: BigInt(taken.offset), arrivedMs: taken.arrivedMs });
      }
    this.#timer = setInterval(() => {
      this.#writing = this.#writing.then(() => this.#write());
    }, everyMs);
    this.#timer.unref();
  }

  /** Writes what is not written yet, as far as the log takes it. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#writing;
    await this.#write();
  }

  /** Whether the group had taken a record before this start. One of a topic that was made anew arrived later than all of the old one. */
  wasTaken(group: string, record: StoredRecord): boolean {
    if (this.#before.size === 0) return false;
    const mark = this.markOf(group, record);
    return mark !== undefined && isUpTo(record, mark);
  }

  /** How far the group had come before this start; undefined where that is not known, or was passed since. */
  markOf(group: string, place: Pick<StoredRecord, 'topic' | 'partition'>): Mark | undefined {
    return this.#before.get(placeOf(group, place));
  }

  /** That a group took a record, and committed what follows from it. A mark from before this start that is passed is not asked again. */
  note(group: string, record: StoredRecord): void {
    const { topic, partition, offset, arrivedMs } = record;
    if (this.wasTaken(group, record)) return;
    const place = placeOf(group, record);
    this.#before.delete(place);
    const taken: Taken = { kind: 'taken', group, topic, partition, offset: `${offset}`, arrivedMs };
    this.#changed.set(place, taken);
  }

  async #write(): Promise<void> {
    const { log, topic, logger } = this.#options;
    const changes = [...this.#changed];
    if (changes.length === 0) return;
    try {
      await log.append(
        topic,
        changes.map(([place, taken]) => recordOf(place, taken)),
        { deadlineMs: appendMs },
      );
    } catch (error) {
      logger.debug(`What the alerts have taken is not written now: ${describeError(error)}`);
      return;
    }
    for (const [place, taken] of changes) if (this.#changed.get(place) === taken) this.#changed.delete(place);
  }
}

const recordOf = (place: string, taken: Taken): LogRecord => ({
  key: `taken ${place}`,
  value: Buffer.from(JSON.stringify(taken)),
});
