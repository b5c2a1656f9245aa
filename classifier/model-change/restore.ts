import type { History, Positions } from '../../core/log/port.ts';
import { FactTable } from '../../core/steps/facts/table.ts';
import { decodeFact } from '../../core/wire/decode-fact.ts';
import { isRetryable } from '../../core/wire/errors.ts';
import type { Fact } from '../../core/wire/fact.ts';
import type { Stream } from '../../core/wire/stream.ts';
import { ReadingBatch } from '../decode.ts';
import type { StreamModel } from '../stream-model.ts';
import { fits, load, readCheckpoint, type SavedSession } from './checkpoint.ts';
import { type ModelSession, openModelSession, remembers } from './model-slot.ts';
import { replay, replayAll } from './replay.ts';

export interface RestoreOptions {
  readonly champion: StreamModel;
  readonly challenger: StreamModel | undefined;
  readonly stream: Stream;
  readonly history: History;
  readonly nowMs: number;
  /** The version that saved a session; undefined where it is given up. */
  readonly versionOf: (saved: SavedSession) => Promise<StreamModel | undefined>;
  /** A checkpoint, or the part of a session in it, cannot be read: that session begins without it. */
  readonly unread: (error: unknown) => void;
  /** A session that was completing its rows is given up. */
  readonly unfinished: (saved: SavedSession, why: string) => void;
  /** The challenger cannot start. Throws where that is not its fault. */
  readonly dismiss: (challenger: StreamModel, error: unknown) => void;
}

/** The sessions of a partition as they were when its last batch was committed. */
export interface RestoredPartition {
  /** The session that labelled last. */
  readonly champion: ModelSession;
  /** Of the version that is to label now, where the one before has other steps: it takes over with the next batch. */
  readonly successor: ModelSession | undefined;
  /** Sessions before, which complete the rows that had begun under them; oldest first. */
  readonly finishing: readonly ModelSession[];
  readonly challenger: ModelSession | undefined;
  /** All facts that are committed. */
  readonly facts: FactTable;
  /** Rows of the champion that wait for facts but are not held: which of them were labelled before is not known. */
  readonly forgotten: number;
  /** How many readings were replayed, over all sessions. */
  readonly replayed: number;
}

/**
 * Restores a newly assigned partition, exactly from its last checkpoint and the records since; where there is none, about, from the
 * records of as long a time as a model remembers.
 */
export async function restore(options: RestoreOptions): Promise<RestoredPartition> {
  const restoration = new Restoration(options, await readPast(options));
  return await restoration.run();
}

interface Past {
  readonly positions: Positions;
  /** Empty where there is no checkpoint, or none that can be read. */
  readonly saved: readonly SavedSession[];
  /** Where the positions are; without a checkpoint, all that are committed. */
  readonly facts: FactTable;
}

async function readPast({ history, stream, unread }: RestoreOptions): Promise<Past> {
  try {
    const checkpoint = await history.checkpoint();
    if (checkpoint) {
      const { sessions, facts } = readCheckpoint(checkpoint.state);
      return { positions: checkpoint.positions, saved: sessions, facts };
    }
  } catch (error) {
    if (!(error instanceof RangeError) && isRetryable(error) !== false) throw error;
    unread(error);
  }
  return { positions: new Map(), saved: [], facts: await allFacts(stream, history) };
}

/** All facts below the committed offset: their topic keeps the last one of each identity. */
async function allFacts({ name, facts: kinds, topics }: Stream, history: History): Promise<FactTable> {
  const table = new FactTable();
  if (!kinds) return table;
  const isOwn = (fact: Fact | string): fact is Fact => typeof fact !== 'string' && fact.stream === name;
  for await (const records of history.from(new Map([[topics.facts, 0n]])))
    table.commit(records.map(({ value }) => decodeFact(value)).filter(isOwn));
  return table;
}

class Restoration {
  readonly #options: RestoreOptions;
  readonly #past: Past;
  /** Sessions that have their state of the checkpoint. */
  readonly #exact: ModelSession[] = [];
  /** Sessions that have none and need one. */
  readonly #about: ModelSession[] = [];

  constructor(options: RestoreOptions, past: Past) {
    this.#options = options;
    this.#past = past;
  }

  async run(): Promise<RestoredPartition> {
    const finishing: ModelSession[] = [];
    for (const saved of this.#past.saved.filter(({ role }) => role === 'finishing')) {
      const session = await this.#reopen(saved);
      if (session) finishing.push(session);
    }
    const { champion, successor } = await this.#champion();
    const opened = this.#challenger();
    const { stream, history } = this.#options;
    const { facts, positions } = this.#past;
    for (const session of this.#exact) session.steps?.useFacts(facts);
    const readings = new ReadingBatch(stream);
    let forgotten = 0;
    let replayed = await replayAll(this.#exact, history.from(positions), readings, facts);
    for (const session of this.#about.filter(remembers)) {
      replayed += await this.#warmUp(session, readings);
      const rows = session.steps?.forgetWaiting() ?? 0;
      if (session === champion) forgotten += rows;
    }
    const exactChallenger = this.#exact.find((session) => session === opened);
    const challenger = exactChallenger ?? (await this.#warmUpChallenger(opened, readings));
    // Those that the replay completes were counted when they were complete.
    const open = finishing.filter(({ steps }) => !steps?.isFinished);
    return { champion, successor, finishing: open, challenger, facts, forgotten, replayed };
  }

  async #champion(): Promise<Pick<RestoredPartition, 'champion' | 'successor'>> {
    const { champion } = this.#options;
    const saved = this.#past.saved.find(({ role }) => role === 'champion');
    const own = openModelSession(champion);
    const before = saved && saved.signature !== '' && !fits(own, saved) ? await this.#reopen(saved) : undefined;
    if (before) {
      // Rows that have begun are of the version before: one with steps begins here.
      if (!own.steps) this.#about.push(own);
      return { champion: before, successor: own };
    }
    const loaded = saved && fits(own, saved) ? this.#load(champion, saved) : undefined;
    if (!loaded) this.#about.push(own);
    return { champion: loaded ?? own, successor: undefined };
  }

  #challenger(): ModelSession | undefined {
    const { challenger, dismiss } = this.#options;
    if (!challenger) return undefined;
    try {
      const own = openModelSession(challenger);
      const fitting = this.#past.saved.filter((saved) => saved.role !== 'finishing' && fits(own, saved));
      const saved = fitting.find(({ version }) => version === challenger.model.identity.version) ?? fitting[0];
      return (saved && this.#load(challenger, saved)) ?? own;
    } catch (error) {
      dismiss(challenger, error);
      return undefined;
    }
  }

  async #warmUpChallenger(session: ModelSession | undefined, readings: ReadingBatch) {
    if (!session || !remembers(session)) return session;
    try {
      await this.#warmUp(session, readings);
      session.steps?.forgetWaiting();
      return session;
    } catch (error) {
      this.#options.dismiss(session.streamModel, error);
      return undefined;
    }
  }

  /** All facts are known by now. Which of the rows that wait for others were labelled before is not. */
  async #warmUp(session: ModelSession, readings: ReadingBatch): Promise<number> {
    const { history, nowMs } = this.#options;
    session.steps?.useFacts(this.#past.facts);
    let replayed = 0;
    for await (const records of history.since(nowMs - reachMs(session)))
      if (records[0]?.topic !== readings.factsTopic) replayed += replay(session, readings, records);
    return replayed;
  }

  /** The session of a version that is not to label any more, but has rows to complete. */
  async #reopen(saved: SavedSession): Promise<ModelSession | undefined> {
    const { versionOf, unfinished } = this.#options;
    const streamModel = await versionOf(saved);
    if (!streamModel) return undefined;
    if (!fits(openModelSession(streamModel), saved)) {
      unfinished(saved, 'its steps are others than before');
      return undefined;
    }
    const session = this.#load(streamModel, saved);
    if (!session) unfinished(saved, 'its state cannot be read');
    return session;
  }

  /** A session with a saved state; undefined where that cannot be read. One that failed to load may have taken in a part of it. */
  #load(streamModel: StreamModel, saved: SavedSession): ModelSession | undefined {
    const session = openModelSession(streamModel);
    try {
      load(session, saved);
    } catch (error) {
      this.#options.unread(error);
      return undefined;
    }
    this.#exact.push(session);
    return session;
  }
}

/**
 * How far back to read where there is no checkpoint: what the imputer remembers, the windows that may be open, and the rows that may wait
 * for facts.
 */
function reachMs({ streamModel: { model } }: ModelSession): number {
  const { shape, facts } = model.steps?.chain ?? {};
  const lengthMs = (shape?.windows?.lengthNs ?? 0) / 1e6;
  const waitsMs = Math.max(0, ...(facts?.needs ?? []).map(({ latenessNs }) => latenessNs)) / 1e6;
  return model.memoryMs + 2 * lengthMs + waitsMs;
}
