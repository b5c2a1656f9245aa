import { emptySkips, grown, staleBatch } from '../output.ts';
import { columnsOf, StepProblem } from '../params.ts';
import type { Shape, Step, StepResult, StepRows, StepSession, Windows } from '../port.ts';

/** Computes features of one channel of one window. */
export interface ChannelFeatures {
  /** What is written behind the name of the channel, one for each feature. */
  readonly names: readonly string[];
  /** Opens what may keep scratch memory, but nothing that the output depends on. */
  open(): { compute(windows: Windows, row: number, column: number, into: Float64Array): void };
}

/** A step that adds columns `CHANNEL.NAME` to rows that are windows. It remembers nothing. */
export function featureStep(shape: Shape, named: readonly string[] | undefined, features: ChannelFeatures): Step {
  if (!shape.windows) throw new StepProblem('it works on windows; put a window step before it');
  const known = shape.windows.channels;
  const columns = columnsOf(known, named);
  const added = columns.flatMap((column) => features.names.map((name) => `${known[column]}.${name}`));
  const twice = added.find((name, at) => shape.channels.includes(name) || added.indexOf(name) !== at);
  if (twice) throw new StepProblem(`the column ${JSON.stringify(twice)} is there already`);
  return {
    shape: { ...shape, channels: [...shape.channels, ...added] },
    open: () => new FeatureSession(columns, features),
  };
}

class FeatureSession implements StepSession {
  readonly #columns: readonly number[];
  readonly #features: ReturnType<ChannelFeatures['open']>;
  readonly #into: Float64Array;
  readonly #out: Float64Array[];
  #latest: object | undefined;

  constructor(columns: readonly number[], features: ChannelFeatures) {
    this.#columns = columns;
    this.#features = features.open();
    this.#into = new Float64Array(features.names.length);
    this.#out = Array.from({ length: columns.length * features.names.length }, () => new Float64Array(0));
  }

  apply(rows: StepRows): StepResult {
    const latest = {};
    this.#latest = latest;
    const width = this.#into.length;
    for (let at = 0; at < this.#out.length; at++)
      if (this.#out[at]!.length < rows.count) this.#out[at] = grown(this.#out[at]!, rows.count * 2, 0);
    for (let row = 0; row < rows.count; row++)
      for (let channel = 0; channel < this.#columns.length; channel++) {
        this.#into.fill(Number.NaN);
        this.#features.compute(rows.windows!, row, this.#columns[channel]!, this.#into);
        for (let at = 0; at < width; at++) this.#out[channel * width + at]![row] = this.#into[at]!;
      }
    return {
      rows: { ...rows, columns: [...rows.columns, ...this.#out] },
      skips: emptySkips(),
      counts: { consumed: rows.count, merged: 0, duplicates: 0, mixed: 0, evicted: 0 },
      committed: () => {
        if (this.#latest !== latest) throw staleBatch();
        this.#latest = undefined;
      },
    };
  }

  held(): number {
    return 0;
  }

  save(): Uint8Array {
    return new Uint8Array(0);
  }

  load(state: Uint8Array): void {
    if (state.length > 0) throw new RangeError('the state is longer than this step writes: other parameters?');
    this.#latest = undefined;
  }
}
