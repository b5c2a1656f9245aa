import type { Logger } from 'pino';
import { CheckpointParts } from '../../core/log/checkpoint.ts';
import type { EventLog, StoredRecord } from '../../core/log/port.ts';
import type { Model } from '../../core/model/model.ts';
import { backoffMs } from '../../core/retry/backoff.ts';
import { sleep } from '../../core/retry/sleep.ts';
import { describeError, GaplineError } from '../../core/wire/errors.ts';
import type { Stream } from '../../core/wire/stream.ts';
import { classifierGroup, inputsOf } from '../classifier.ts';
import { type DevicePrediction, DeviceState } from './device-state.ts';

export interface DeviceStatesOptions {
  readonly stream: Stream;
  readonly log: EventLog;
  readonly logger: Pick<Logger, 'warn'>;
}

/** What is known of devices, read from the log beside the classifiers: without a group, and nothing is written. */
export interface DeviceStates {
  /** From now on the state is that for this version, or for none. */
  use(model: Model | undefined): void;
  /**
   * What the version predicts of a device at a time, by default now.
   * @throws {GaplineError} `state-restoring`, `device-unknown`, `row-missing` or `fact-missing`
   */
  predict(model: Model, device: string, atNs: bigint | undefined): Promise<DevicePrediction>;
  stop(): Promise<void>;
}

const backoff = { firstMs: 500, maxMs: 10_000 };

/** One version's state on its way. */
class Following {
  readonly state: DeviceState;
  readonly #options: DeviceStatesOptions;
  readonly #stopping = new AbortController();
  /** By topic and partition, the last offset that is in the state. */
  readonly #read = new Map<string, Map<number, bigint>>();
  readonly #ended: Promise<void>;
  isCaughtUp = false;

  constructor(options: DeviceStatesOptions, model: Model) {
    this.#options = options;
    this.state = new DeviceState(options.stream, model);
    this.#ended = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#ended;
  }

  /** Across outages of the log. Never throws. */
  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    let isRestored = false;
    for (let failures = 1; !signal.aborted; failures++) {
      try {
        if (!isRestored) await this.#restore();
        isRestored = true;
        await this.#warnOfDeleted();
        for (const follow of [false, true]) {
          for await (const records of this.#tail(follow)) {
            failures = 0;
            this.#take(records);
          }
          this.isCaughtUp = true;
        }
      } catch (error) {
        this.isCaughtUp = false;
        this.#options.logger.warn({ err: error }, `the state cannot be followed now: ${describeError(error)}`);
      }
      if (!signal.aborted) await sleep(backoffMs(backoff, Math.max(1, failures)), { signal });
    }
  }

  #tail(follow: boolean) {
    const { log, stream } = this.#options;
    return log.tail(inputsOf(stream), { since: 0, after: this.#read, follow, signal: this.#stopping.signal });
  }

  #take(records: readonly StoredRecord[]): void {
    this.state.take(records);
    const last = records.at(-1);
    if (last) this.#offsetsOf(last.topic).set(last.partition, last.offset);
  }

  /** Each partition from its last checkpoint on. */
  async #restore(): Promise<void> {
    const { log, stream, logger } = this.#options;
    const found = new Map<number, CheckpointParts>();
    const { signal } = this.#stopping;
    for await (const records of log.tail([stream.topics.state], { since: 0, follow: false, signal }))
      for (const record of records) {
        const partition = Number.parseInt(record.key ?? '', 10);
        const parts = found.get(partition) ?? new CheckpointParts(partition);
        found.set(partition, parts);
        parts.add([record]);
      }
    const { readings } = stream.topics;
    const [oldest, resumes] = [await this.#oldestReadings(), await this.#committedReadings(classifierGroup(stream))];
    for (const [partition, parts] of found)
      try {
        const checkpoint = parts.checkpoint();
        const at = checkpoint?.positions.get(readings) ?? 0n;
        // The classifier does not restore such a checkpoint either.
        if (at < (oldest.get(partition) ?? 0n) && at < (resumes.get(partition) ?? 0n)) {
          logger.warn(
            { partition },
            `readings behind the checkpoint of partition ${partition} are deleted: its state is that of the readings that the log still has`,
          );
          continue;
        }
        if (!checkpoint || !this.state.restore(partition, checkpoint.state)) continue;
        for (const [topic, at] of checkpoint.positions) if (at > 0n) this.#offsetsOf(topic).set(partition, at - 1n);
      } catch (error) {
        logger.warn({ err: error }, `the checkpoint of partition ${partition} cannot be read: all readings are taken`);
      }
  }

  /** Retention may be quicker than a server that the log kept waiting. */
  async #warnOfDeleted(): Promise<void> {
    const read = this.#read.get(this.#options.stream.topics.readings) ?? new Map<number, bigint>();
    for (const [partition, first] of await this.#oldestReadings()) {
      const last = read.get(partition);
      if (last === undefined || last + 1n >= first) continue;
      this.#options.logger.warn(
        { partition, deleted: Number(first - last - 1n) },
        `readings of partition ${partition} were deleted before they were read: the state of its devices lacks them`,
      );
    }
  }

  /** By partition, the offset of the oldest reading: that is where a group begins that has committed nothing. */
  #oldestReadings(): Promise<ReadonlyMap<number, bigint>> {
    return this.#committedReadings(`${this.#options.stream.name}.serving`);
  }

  async #committedReadings(group: string): Promise<ReadonlyMap<number, bigint>> {
    const { log, stream } = this.#options;
    const lags = await log.lag(group, [stream.topics.readings]);
    return new Map(lags.map(({ partition, committed }) => [partition, committed]));
  }

  #offsetsOf(topic: string): Map<number, bigint> {
    const known = this.#read.get(topic) ?? new Map<number, bigint>();
    this.#read.set(topic, known);
    return known;
  }
}

/** Follows the state of a stream's devices for a server that answers for them. */
export function createDeviceStates(options: DeviceStatesOptions): DeviceStates {
  let current: Following | undefined;
  const stopping = new Set<Promise<void>>();

  function use(model: Model | undefined): void {
    const before = current;
    current = model?.steps && new Following(options, model);
    if (!before) return;
    const stopped = before.stop();
    stopping.add(stopped);
    void stopped.finally(() => stopping.delete(stopped));
  }

  return {
    use,
    async predict(model, device, atNs) {
      if (!model.steps)
        throw new GaplineError('row-missing', 'the model has no steps, so it keeps no state of devices');
      const following = current;
      if (!following?.isCaughtUp || following.state.model !== model)
        throw new GaplineError('state-restoring', 'the state of the devices is being read from the log', {
          retryable: true,
        });
      return await following.state.predict(device, atNs);
    },
    async stop() {
      use(undefined);
      await Promise.all(stopping);
    },
  };
}
