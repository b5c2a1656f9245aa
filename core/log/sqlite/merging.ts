import type { StatementSync } from 'node:sqlite';
import { sleep } from '../../retry/sleep.ts';
import { describeError } from '../../wire/errors.ts';
import type { Batch } from './batches.ts';
import { type Block, Joiner } from './block.ts';
import type { PackedBlock } from './blocks.ts';
import type { SqliteEngine } from './engine.ts';
import type { PackingOptions } from './packing.ts';
import { bytesFrom, type Slice } from './slice.ts';
import { compress } from './zstd.ts';

const writeMs = 5_000;
const afterFailureMs = 5_000;

/** Slices of one partition that become a block. */
interface Merged {
  readonly partitionId: bigint;
  readonly slices: readonly Slice[];
  readonly packed: PackedBlock;
}

/** By batch, its bytes. */
type Damaged = ReadonlyMap<bigint, Uint8Array>;

/** Puts the records of the oldest batches into blocks of their partitions, so that there are never more batches than memory knows of. */
class Merging {
  readonly #engine: SqliteEngine;
  readonly #batches: number;
  readonly #batchBytes: number;
  readonly #recordsPerBlock: number;
  readonly #bytesPerBlock: number;
  readonly #quick: boolean;
  readonly #shrink: StatementSync;
  readonly #joiner = new Joiner();

  constructor(engine: SqliteEngine, options: PackingOptions) {
    const { batches = 2_048, batchBytes = 8 << 20, recordsPerBlock = 512, bytesPerBlock = 1 << 20 } = options;
    this.#quick = options.quick ?? false;
    this.#engine = engine;
    this.#batches = batches;
    this.#batchBytes = batchBytes;
    this.#recordsPerBlock = recordsPerBlock;
    this.#bytesPerBlock = bytesPerBlock;
    this.#shrink = engine.db.prepare('UPDATE log_partitions SET bytes = bytes - ? WHERE id = ?');
  }

  get isDue(): boolean {
    const { all, bytes } = this.#engine.batches;
    return all.length >= this.#batches || bytes >= this.#batchBytes;
  }

  /** Merges the oldest batches, up to the bounds. */
  async run(signal: AbortSignal): Promise<void> {
    const { batches } = this.#engine;
    const taken = this.#oldest();
    const last = taken.at(-1);
    if (!last) return;
    const merged = await this.#merge(taken, signal);
    if (!merged || signal.aborted) return;
    let isDone = false;
    await this.#engine.writer.submit({
      bytes: merged.reduce((sum, { packed }) => sum + packed.data.byteLength, 0),
      deadline: performance.now() + writeMs,
      run: () => {
        // Another process, or the retention, may have been here meanwhile.
        if (!batches.delete(last.id, taken.length)) return;
        for (const each of merged) this.#replace(each);
        isDone = true;
      },
    });
    if (isDone) batches.forget(last.id);
    else this.#engine.ends.refresh();
    if (batches.all[0] === taken[0]) throw new Error(`of the batches up to ${last.id} some are missing`);
  }

  #oldest() {
    const { all } = this.#engine.batches;
    let bytes = 0;
    const full = all.findIndex((batch, at) => {
      bytes += batch.bytes;
      return at >= this.#batches || (at > 0 && bytes > 2 * this.#batchBytes);
    });
    return full < 0 ? all.slice() : all.slice(0, full);
  }

  /** Undefined where another process has merged some of them. */
  async #merge(taken: readonly Batch[], signal: AbortSignal): Promise<readonly Merged[] | undefined> {
    const damaged = this.#damaged(taken);
    const all = taken.flatMap(({ slices }) => slices);
    const merged: Merged[] = [];
    for (const [partitionId, slices] of Map.groupBy(all, (slice) => slice.partitionId)) {
      const { first } = this.#engine.topics.extent(partitionId);
      const needed = slices.filter(({ next }) => next > first);
      for (const some of this.#parts(needed, damaged)) {
        const packed = await this.#pack(some, damaged);
        if (!packed || signal.aborted) return undefined;
        merged.push({ partitionId, slices: some, packed });
      }
    }
    return merged;
  }

  /** Their blocks cannot be read, either, and one of them keeps the bytes: whoever reads is told, and nobody else is held up. */
  #damaged(taken: readonly Batch[]): Damaged {
    const damaged = new Map<bigint, Uint8Array>();
    for (const batch of taken) {
      const bytes = this.#engine.batches.damaged(batch);
      if (!bytes) continue;
      damaged.set(batch.id, bytes);
      this.#engine.logger.warn(
        `${this.#engine.file} is damaged: the batch ${batch.id} of records; it is kept as it is`,
      );
    }
    return damaged;
  }

  /** Slices that follow each other without a block between them, as many as a block should have, and at least one. */
  *#parts(slices: readonly Slice[], damaged: Damaged): Generator<readonly Slice[]> {
    let part: Slice[] = [];
    let [records, bytes] = [0, 0];
    for (const slice of slices) {
      const before = part.at(-1);
      const isFull = records >= this.#recordsPerBlock || bytes >= this.#bytesPerBlock;
      if (before && (isFull || !isFollowedBy(before, slice, damaged))) {
        yield part;
        part = [];
        [records, bytes] = [0, 0];
      }
      part.push(slice);
      records += Number(slice.next - slice.first);
      bytes += slice.to - slice.from;
    }
    if (part.length > 0) yield part;
  }

  async #pack(slices: readonly Slice[], damaged: Damaged): Promise<PackedBlock | undefined> {
    const [first, last] = [slices[0], slices.at(-1)];
    if (!first || !last) return undefined;
    const data = bytesOfDamaged(first, damaged) ?? (await this.#join(slices));
    return (
      data && {
        first: { offset: first.first, arrivedMs: first.arrivedMs },
        last: { offset: last.next - 1n, arrivedMs: last.arrivedMs },
        data,
      }
    );
  }

  #join(slices: readonly Slice[]): Promise<Uint8Array> | undefined {
    const blocks: Block[] = [];
    for (const slice of slices) {
      const block = this.#engine.batches.open(slice);
      if (!block) return undefined;
      blocks.push(block);
    }
    return compress(this.#joiner.join(blocks), this.#quick);
  }

  #replace({ partitionId, slices, packed }: Merged): void {
    const { first } = this.#engine.topics.extent(partitionId);
    const counted = slices.reduce((sum, slice) => sum + bytesFrom(slice, first), 0);
    const bytes = packed.last.offset < first ? 0 : this.#engine.blocks.insert(partitionId, packed);
    this.#shrink.run(counted - bytes, partitionId);
  }
}

/** Once all of them, else so few that they are surely no block. */
function bytesOfDamaged({ batch, from }: Slice, damaged: Damaged): Uint8Array | undefined {
  const bytes = damaged.get(batch);
  return bytes && (from === 0 ? bytes : Buffer.from('damaged'));
}

/** Whether two slices may share a block. */
const isFollowedBy = (before: Slice, slice: Slice, damaged: Damaged): boolean =>
  before.next === slice.first && !damaged.has(before.batch) && !damaged.has(slice.batch);

/** Merges all batches that there are now. */
export async function mergeAll(engine: SqliteEngine, signal: AbortSignal): Promise<void> {
  const merging = new Merging(engine, {});
  const last = engine.batches.all.at(-1);
  const isLeft = () => engine.batches.all.some(({ id }) => last !== undefined && id <= last.id);
  while (!signal.aborted && isLeft()) await merging.run(signal);
}

/** Merges batches, as soon as there are enough of them, until the signal aborts. */
export async function keepMerging(engine: SqliteEngine, options: PackingOptions, signal: AbortSignal): Promise<void> {
  const merging = new Merging(engine, options);
  let failed = false;
  while (!signal.aborted) {
    await engine.ends.wait(signal, () => merging.isDue);
    if (signal.aborted) return;
    try {
      await merging.run(signal);
      failed = false;
    } catch (error) {
      // Nothing is lost: the batches stay as they are. Once is enough to say it.
      if (!failed) engine.logger.warn(`The records of the log cannot be merged: ${describeError(error)}`);
      failed = true;
      await sleep(afterFailureMs, { signal, ref: false });
    }
  }
}
