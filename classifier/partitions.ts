import type { Logger } from 'pino';
import type { EventLog, History } from '../core/log/port.ts';
import type { Model } from '../core/model/model.ts';
import type { Reporter } from '../core/stage/reporter.ts';
import type { FactTable } from '../core/steps/facts/table.ts';
import { describeError, isRetryable } from '../core/wire/errors.ts';
import type { Stream } from '../core/wire/stream.ts';
import { ReadingBatch } from './decode.ts';
import type { Metrics } from './metrics.ts';
import { type Role, type SavedSession, writeCheckpoint } from './model-change/checkpoint.ts';
import { EarlierVersions } from './model-change/earlier-versions.ts';
import { createHotSwap, type HotSwap } from './model-change/hot-swap.ts';
import { forgottenBy, type ModelSession, ModelSlot, remembers } from './model-change/model-slot.ts';
import { type RestoredPartition, restore } from './model-change/restore.ts';
import { describeChallenger, type StreamModel } from './stream-model.ts';
import type { EarlierSamples } from './totals.ts';

export interface PartitionModelsOptions {
  readonly stream: Stream;
  readonly log: EventLog;
  readonly group: string;
  readonly champion: StreamModel;
  /** Loads another version of the champion's model, to complete the windows that had begun under it before a restart. */
  readonly loadVersion?: ((version: number) => Promise<Model>) | undefined;
  /** How long such a version may be unavailable before it is given up. Default 60 s. */
  readonly finishingMs?: number | undefined;
  readonly metrics: Metrics;
  readonly reporter: Reporter;
  readonly logger: Logger;
  readonly now: () => number;
}

/** What a partition keeps between its batches. */
export interface Partition {
  readonly readings: ReadingBatch;
  /** The facts that are committed. */
  readonly facts: FactTable;
  readonly champion: ModelSlot;
  readonly challenger: ModelSlot;
}

/** The partitions of this member, each with a slot for the champion and one for the challenger. */
export interface PartitionModels {
  readonly champions: HotSwap<StreamModel>;
  readonly challengers: HotSwap<StreamModel | undefined>;
  readonly earlier: EarlierVersions;
  get(partition: number): Partition | undefined;
  /** Opens the slots of a partition, their state restored from its past. */
  assign(partition: number, history: History): Promise<void>;
  revoke(partition: number): void;
  /** The partitions in which the log has no record left; undefined where that is not known. See {@link ModelSlot.quiet}. */
  quiet(partitions: ReadonlySet<number> | undefined, nowMs: number): void;
  /** What the sessions of a partition remember; undefined where that is nothing. */
  save(partition: number): Uint8Array | undefined;
  /** Whether another version took over in a partition since its last batch. */
  changed(partition: number): boolean;
  /** Samples that wait in the steps of champions, and of versions that complete what had begun under them. */
  held(): number;
  /** Of these, those that wait for facts. */
  waiting(): { readonly rows: number; readonly bytes: number };
  close(): Promise<void>;
}

/** What a partition's past is read with. It is read again where a version was replaced meanwhile. */
interface Attempt {
  /** Keep open the versions that were needed. */
  readonly holds: (() => void)[];
  /** Sessions that nothing continues, with the reason: of the last reading, so that each is counted once. */
  readonly lost: Map<SavedSession, string>;
}

function sumOf(waiting: readonly ({ readonly rows: number; readonly bytes: number } | undefined)[]) {
  return waiting.reduce<{ rows: number; bytes: number }>(
    (sum, one) => ({ rows: sum.rows + (one?.rows ?? 0), bytes: sum.bytes + (one?.bytes ?? 0) }),
    { rows: 0, bytes: 0 },
  );
}

export interface PartitionEvents {
  /** A version that completed what had begun under it is done, or was given up. */
  settled(samples: EarlierSamples): void;
  /** Facts that ended long ago left the state. */
  pruned(facts: number): void;
}

export function createPartitionModels(
  options: PartitionModelsOptions,
  { settled, pruned }: PartitionEvents,
): PartitionModels {
  const { stream, logger, metrics, now, reporter } = options;
  const partitions = new Map<number, Partition>();
  /** By partition, the assignment that counts: one that was given up may end only after the next has begun. */
  const turns = new Map<number, symbol>();
  const earlier = new EarlierVersions(options);
  const slotsOf = (role: 'champion' | 'challenger') => () =>
    new Map(Array.from(partitions, ([number, partition]) => [number, partition[role]]));
  const champions = createHotSwap<StreamModel>({ ...options, first: options.champion, slots: slotsOf('champion') });
  const challengers = createHotSwap<StreamModel | undefined>({
    ...options,
    first: undefined,
    slots: slotsOf('challenger'),
  });

  /** A challenger that cannot even start does not keep the champion from its work. */
  function dismiss(challenger: StreamModel, error: unknown): void {
    // Not its own fault: the log is unavailable.
    if (isRetryable(error)) throw error;
    reporter.noteError(describeChallenger(challenger, error));
    if (challengers.wanted === challenger) challengers.swap(undefined);
  }

  function unread(number: number, error: unknown): void {
    metrics.checkpointLost('unread');
    const meaning = 'what the model remembered is restored from recent readings only, and open windows are incomplete';
    const text = `The checkpoint of partition ${number} cannot be read: ${describeError(error)}; ${meaning}`;
    reporter.noteError(text);
    logger.error(text);
  }

  /** A version that is open already, or else one that is loaded; in either case held open. */
  async function versionOf(number: number, saved: SavedSession, { holds, lost }: Attempt) {
    const isSaved = ({ model: { identity } }: StreamModel) =>
      identity.name === saved.name && identity.version === saved.version;
    const found = [...champions.open()].find(isSaved) ?? (await earlier.load(saved, number));
    if (typeof found !== 'string') {
      holds.push(champions.hold(found));
      return found;
    }
    lost.set(saved, found);
    return undefined;
  }

  async function restored(number: number, history: History, attempt: Attempt): Promise<RestoredPartition> {
    attempt.lost.clear();
    return await restore({
      ...{ champion: champions.wanted, challenger: challengers.wanted, stream, history, nowMs: now(), dismiss },
      versionOf: (saved) => versionOf(number, saved, attempt),
      unread: (error) => unread(number, error),
      unfinished: (saved, why) => attempt.lost.set(saved, why),
    });
  }

  /** Whether a version was replaced while the past was read. */
  const isOutdated = ({ champion, successor, challenger }: RestoredPartition) =>
    (successor ?? champion).streamModel !== champions.wanted || challenger?.streamModel !== challengers.wanted;

  function settle({ steps }: ModelSession): void {
    const { consumed, open } = steps?.inherited() ?? { consumed: 0, open: 0 };
    settled({ consumed, unfinished: open });
  }

  function slotsFor({ champion, successor, finishing, challenger }: RestoredPartition) {
    const failed = reporter.noteError;
    const events = {
      ...{ released: champions.released, failed, finishes: true },
      finished: (session: ModelSession) => settle(session),
      unfinished(session: ModelSession, why: string) {
        settle(session);
        earlier.giveUp(session.streamModel.model.identity, why);
      },
    };
    const slots = {
      champion: new ModelSlot(champion, events, finishing),
      challenger: new ModelSlot(challenger, { released: challengers.released, failed }),
    };
    if (successor) {
      slots.champion.prepare(successor);
      slots.champion.ready(successor, 0n);
    }
    return slots;
  }

  async function assign(number: number, history: History): Promise<void> {
    const turn = Symbol(`partition ${number}`);
    turns.set(number, turn);
    const attempt: Attempt = { holds: [], lost: new Map() };
    try {
      let found = await restored(number, history, attempt);
      while (isOutdated(found) && turns.get(number) === turn) found = await restored(number, history, attempt);
      if (turns.get(number) !== turn) return;
      for (const [saved, why] of attempt.lost) {
        settled({ consumed: 0, unfinished: saved.held });
        earlier.giveUp(saved, why);
      }
      if (found.forgotten > 0) settled({ consumed: 0, unfinished: found.forgotten });
      if (found.replayed > 0) logger.debug({ partition: number, replayed: found.replayed }, 'state restored');
      partitions.set(number, { readings: new ReadingBatch(stream), facts: found.facts, ...slotsFor(found) });
    } finally {
      for (const release of attempt.holds) release();
    }
  }

  return {
    ...{ champions, challengers, earlier, assign },
    get: (partition) => partitions.get(partition),
    save(number) {
      const { facts, champion, challenger } = partitions.get(number) ?? {};
      const sessions: (readonly [Role, ModelSession | undefined])[] = [
        ['champion', champion?.current],
        ...(champion?.finishing ?? []).map((session) => ['finishing', session] as const),
        ['challenger', challenger?.current],
      ];
      if (facts) pruned(facts.prune(forgottenBy(sessions.flatMap(([, session]) => session ?? []))));
      const remembering = sessions.flatMap(([role, session]) =>
        session && remembers(session) ? [[role, session] as const] : [],
      );
      return facts && (remembering.length > 0 || stream.facts) ? writeCheckpoint(remembering, facts) : undefined;
    },
    changed: (number) => partitions.get(number)?.champion.changed ?? false,
    waiting: () => sumOf([...partitions.values()].map(({ champion }) => champion.current?.steps?.waiting())),
    held: () =>
      [...partitions.values()]
        .flatMap(({ champion }) => [champion.current, ...champion.finishing])
        .reduce((sum, session) => sum + (session?.steps?.heldSamples() ?? 0), 0),
    quiet(caughtUp, nowMs) {
      for (const [number, { champion }] of partitions) champion.quiet(caughtUp?.has(number) ? nowMs : undefined);
    },
    revoke(number) {
      turns.delete(number);
      partitions.delete(number);
      champions.released();
      challengers.released();
    },
    async close() {
      turns.clear();
      partitions.clear();
      await Promise.all([champions.close(), challengers.close()]);
    },
  };
}
