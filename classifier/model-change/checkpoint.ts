import { FactTable } from '../../core/steps/facts/table.ts';
import { StateReader, StateWriter } from '../../core/steps/state.ts';
import type { ModelSession } from './model-slot.ts';

const format = 4;
const maxEntries = 16;

/** What a session does in its partition. `finishing`: it completes the windows that had begun when another version took over. */
export const roles = ['champion', 'finishing', 'challenger'] as const;
export type Role = (typeof roles)[number];

/** What the session of one model version remembers of a partition. */
export interface SavedSession {
  readonly role: Role;
  readonly name: string;
  readonly version: number;
  /** Of its steps; empty where there are none. */
  readonly signature: string;
  /** Samples that wait in its steps; see {@link PartitionSteps.heldSamples}. */
  readonly held: number;
  readonly steps: Uint8Array;
  readonly memory: Uint8Array;
}

/** What the log keeps of a partition. */
export interface SavedPartition {
  readonly sessions: readonly SavedSession[];
  readonly facts: FactTable;
}

/** The state of a partition as the log keeps it: what each of its sessions remembers, and the facts. */
export function writeCheckpoint(sessions: readonly (readonly [Role, ModelSession])[], facts: FactTable): Uint8Array {
  const writer = new StateWriter();
  writer.number(format);
  writer.number(sessions.length);
  for (const [role, { streamModel, session, steps }] of sessions) {
    writer.number(roles.indexOf(role));
    const { name, version } = streamModel.model.identity;
    writer.text(name);
    writer.number(version);
    writer.text(steps?.signature ?? '');
    writer.number(steps?.heldSamples() ?? 0);
    writeBytes(writer, steps?.save());
    writeBytes(writer, session.memory?.save());
  }
  facts.write(writer);
  return writer.finish();
}

function writeBytes(writer: StateWriter, bytes: Uint8Array | undefined): void {
  writer.number(bytes?.length ?? 0);
  if (bytes) writer.raw(bytes);
}

/** @throws {RangeError} where another version of Gapline wrote it, or it is damaged */
export function readCheckpoint(state: Uint8Array): SavedPartition {
  const reader = new StateReader(state);
  if (reader.number() !== format) throw new RangeError('another version of Gapline wrote it');
  const sessions = Array.from({ length: reader.count(maxEntries) }, () => ({
    role: roles[reader.count(roles.length - 1)] ?? 'champion',
    name: reader.text(),
    version: reader.count(Number.MAX_SAFE_INTEGER),
    signature: reader.text(),
    held: reader.count(Number.MAX_SAFE_INTEGER),
    steps: reader.raw(reader.count(reader.left)),
    memory: reader.raw(reader.count(reader.left)),
  }));
  const facts = FactTable.read(reader);
  reader.end();
  return { sessions, facts };
}

/** Whether a session may load what another one saved: it is of the same version, or has the same steps. */
export function fits({ streamModel, steps }: ModelSession, { name, version, signature }: SavedSession): boolean {
  if (signature !== (steps?.signature ?? '')) return false;
  const { identity } = streamModel.model;
  return steps !== undefined || (identity.name === name && identity.version === version);
}

/** Gives a session what another one remembered that {@link fits} it. @throws where the bytes are not what such a session saves */
export function load({ session, steps }: ModelSession, saved: SavedSession): void {
  if (session.memory && saved.memory.length > 0) session.memory.load(saved.memory);
  steps?.load(saved.steps);
}
