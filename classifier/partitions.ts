import type { Logger } from 'pino';
import type { EventLog, History } from '../core/log/port.ts';
import type { Reporter } from '../core/stage/reporter.ts';
import { isRetryable } from '../core/wire/errors.ts';
import type { Stream } from '../core/wire/stream.ts';
import { ReadingBatch } from './decode.ts';
import { writeCheckpoint } from './model-change/checkpoint.ts';
import { createHotSwap, type HotSwap } from './model-change/hot-swap.ts';
import { type ModelSession, ModelSlot, openModelSession, remembers } from './model-change/model-slot.ts';
import { warmUpFromHistory } from './model-change/warm-up.ts';
import { describeChallenger, type StreamModel } from './stream-model.ts';

export interface PartitionModelsOptions {
  readonly stream: Stream;
  readonly log: EventLog;
  readonly group: string;
  readonly champion: StreamModel;
  readonly reporter: Reporter;
  readonly logger: Logger;
  readonly now: () => number;
}

/** What a partition keeps between its batches. */
export interface Partition {
  readonly readings: ReadingBatch;
  readonly champion: ModelSlot;
  readonly challenger: ModelSlot;
}

/** The partitions of this member, each with a slot for the champion and one for the challenger. */
export interface PartitionModels {
  readonly champions: HotSwap<StreamModel>;
  readonly challengers: HotSwap<StreamModel | undefined>;
  get(partition: number): Partition | undefined;
  /** Opens the slots of a partition, their state restored from its past. */
  assign(partition: number, history: History): Promise<void>;
  revoke(partition: number): void;
  /** What the sessions of a partition remember; undefined where that is nothing. */
  save(partition: number): Uint8Array | undefined;
  /** Samples that wait in the steps of champions. */
  held(): number;
  close(): Promise<void>;
}

export function createPartitionModels(options: PartitionModelsOptions): PartitionModels {
  const { stream, logger, now, reporter } = options;
  const partitions = new Map<number, Partition>();
  const slotsOf = (role: 'champion' | 'challenger') => () =>
    new Map(Array.from(partitions, ([number, partition]) => [number, partition[role]]));
  const champions = createHotSwap<StreamModel>({ ...options, first: options.champion, slots: slotsOf('champion') });
  const challengers = createHotSwap<StreamModel | undefined>({
    ...options,
    first: undefined,
    slots: slotsOf('challenger'),
  });

  async function warmedUp(streamModel: StreamModel, partition: number, history: History): Promise<ModelSession> {
    const session = openModelSession(streamModel);
    const replayed = await warmUpFromHistory(session, stream, history, now());
    if (replayed > 0) logger.debug({ partition, replayed }, 'state restored');
    return session;
  }

  /** A challenger that cannot even start does not keep the champion from its work. */
  function dismiss(challenger: StreamModel, error: unknown): undefined {
    // Not its own fault: the log is unavailable.
    if (isRetryable(error)) throw error;
    reporter.noteError(describeChallenger(challenger, error));
    if (challengers.wanted === challenger) challengers.swap(undefined);
  }

  const slotOf = (
    session: ModelSession | undefined,
    { released }: Pick<HotSwap<undefined>, 'released'>,
    finishes: boolean,
  ) => new ModelSlot(session, { released, failed: reporter.noteError, finishes });

  return {
    champions,
    challengers,
    get: (partition) => partitions.get(partition),
    async assign(number, history) {
      let champion: ModelSession | undefined;
      let challenger: ModelSession | undefined;
      // Either may be replaced while the past is read.
      while (champion?.streamModel !== champions.wanted || challenger?.streamModel !== challengers.wanted) {
        const [first, second] = [champions.wanted, challengers.wanted];
        if (champion?.streamModel !== first) champion = await warmedUp(first, number, history);
        if (challenger?.streamModel !== second)
          challenger =
            second && (await warmedUp(second, number, history).catch((error: unknown) => dismiss(second, error)));
      }
      partitions.set(number, {
        readings: new ReadingBatch(stream),
        champion: slotOf(champion, champions, true),
        challenger: slotOf(challenger, challengers, false),
      });
    },
    save(number) {
      const partition = partitions.get(number);
      const sessions = [partition?.champion.current, partition?.challenger.current];
      const remembering = sessions.filter((session) => session !== undefined).filter(remembers);
      return remembering.length > 0 ? writeCheckpoint(remembering) : undefined;
    },
    held: () => [...partitions.values()].reduce((sum, { champion }) => sum + (champion.current?.steps?.held() ?? 0), 0),
    revoke(number) {
      partitions.delete(number);
      champions.released();
      challengers.released();
    },
    async close() {
      partitions.clear();
      await Promise.all([champions.close(), challengers.close()]);
    },
  };
}
