import { StateReader, StateWriter } from '../../core/steps/state.ts';
import type { ModelSession } from './model-slot.ts';

const format = 1;
const maxEntries = 16;

/** What the session of one model version remembers of a partition. */
export interface SavedSession {
  readonly name: string;
  readonly version: number;
  /** Of its steps; empty where there are none. */
  readonly signature: string;
  readonly steps: Uint8Array;
  readonly memory: Uint8Array;
}

/** The state of a partition as the log keeps it: what each of its sessions remembers. */
export function writeCheckpoint(sessions: readonly ModelSession[]): Uint8Array {
  const writer = new StateWriter();
  writer.number(format);
  writer.number(sessions.length);
  for (const { streamModel, session, steps } of sessions) {
    const { name, version } = streamModel.model.identity;
    writer.text(name);
    writer.number(version);
    writer.text(steps?.signature ?? '');
    writeBytes(writer, steps?.save());
    writeBytes(writer, session.memory?.save());
  }
  return writer.finish();
}

function writeBytes(writer: StateWriter, bytes: Uint8Array | undefined): void {
  writer.number(bytes?.length ?? 0);
  if (bytes) writer.raw(bytes);
}

/** None where a later Gapline wrote it. @throws {RangeError} where it is damaged */
export function readCheckpoint(state: Uint8Array): readonly SavedSession[] {
  const reader = new StateReader(state);
  if (reader.number() !== format) return [];
  const saved = Array.from({ length: reader.count(maxEntries) }, () => ({
    name: reader.text(),
    version: reader.count(Number.MAX_SAFE_INTEGER),
    signature: reader.text(),
    steps: reader.raw(reader.count(reader.left)),
    memory: reader.raw(reader.count(reader.left)),
  }));
  reader.end();
  return saved;
}

/**
 * Gives a session what its own version remembered; failing that, what another version with the same steps did.
 * @returns false where there is neither, and the session is as new
 */
export function loadEntry({ streamModel, session, steps }: ModelSession, saved: readonly SavedSession[]): boolean {
  const { name, version } = streamModel.model.identity;
  const own = saved.find((entry) => entry.name === name && entry.version === version);
  const entry = own ?? saved.find(({ signature }) => steps !== undefined && signature === steps.signature);
  if (!entry || entry.signature !== (steps?.signature ?? '')) return false;
  if (session.memory && entry.memory.length > 0) session.memory.load(entry.memory);
  steps?.load(entry.steps);
  return true;
}
