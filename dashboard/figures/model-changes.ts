import type { SeenPrediction } from './records.ts';

export interface ModelChange {
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly version: number;
}

/** Where a prediction stands in the log. */
export interface LogPosition {
  readonly partition: number;
  readonly arrivedMs: number;
}

type Model = SeenPrediction['model'];

const changesKept = 20;
/** Partitions change their model at moments of their own: within so long it is one change. */
const togetherMs = 10_000;
const mostPartitions = 10_000;

/**
 * Which model labelled when. Within a partition predictions come in order; across partitions they do not: after a restart the page reads
 * one partition after the other. So a change is what one partition saw, put in its place by the time of the log.
 */
export class ModelChanges {
  #current: { readonly model: Model; readonly at: number } | undefined;
  /** By time; neighbours differ. The first one is no change: it is what labelled when the page began to read. */
  #entries: readonly ModelChange[] = [];
  readonly #byPartition = new Map<number, Model>();

  /** The model of the newest prediction. */
  get current(): Model | null {
    return this.#current?.model ?? null;
  }

  /** Oldest first. */
  get list(): readonly ModelChange[] {
    return this.#entries.slice(1);
  }

  take({ name, version }: Model, { partition, arrivedMs: at }: LogPosition): void {
    const model = { name, version };
    if (this.#current === undefined || at >= this.#current.at) this.#current = { model, at };
    const before = this.#byPartition.get(partition);
    if (before?.name === name && before.version === version) return;
    if (before !== undefined || this.#byPartition.size < mostPartitions) this.#byPartition.set(partition, model);
    if (before === undefined && !this.#saysMore(at)) return;
    this.#insert({ at, version });
  }

  /** Whether the first prediction of a partition counts: before all that is known, or well after it. */
  #saysMore(at: number): boolean {
    const [first, last] = [this.#entries[0], this.#entries.at(-1)];
    return first === undefined || last === undefined || at < first.at || at > last.at + togetherMs;
  }

  #insert(change: ModelChange): void {
    const { at, version } = change;
    const isKnown = this.#entries.some(
      (each) => each.version === version && each.at <= at && at - each.at <= togetherMs,
    );
    if (isKnown) return;
    const sorted = [...this.#entries, change].sort((left, right) => left.at - right.at);
    const changed = sorted.filter((each, index) => each.version !== sorted[index - 1]?.version);
    this.#entries = changed.slice(-(changesKept + 1));
  }
}
