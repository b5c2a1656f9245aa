import { unknownLabel } from '../wire/prediction.ts';
import { type ConfusionMatrix, scoreConfusion } from './confusion.ts';

/** More classes than this are counted together: truths come from outside, and memory stays bounded. */
const maxClasses = 256;
const otherClass = '(other)';

export interface Confusion {
  /** Truths and labels that occurred, sorted. */
  readonly classes: readonly string[];
  /** `counts[truth][label]`, in the order of `classes`. */
  readonly counts: ConfusionMatrix;
}

/** Compares labels with truths as they come, where these are known. */
export class RunningScores {
  readonly #counts = new Map<string, Map<string, number>>();
  readonly #classes = new Set<string>();
  #scored = 0;
  #right = 0;

  /** Labels whose truth was known. */
  get scored(): number {
    return this.#scored;
  }

  get right(): number {
    return this.#right;
  }

  /** The share of right labels; undefined while no truth is known. */
  get accuracy(): number | undefined {
    return this.#scored === 0 ? undefined : this.#right / this.#scored;
  }

  add(truth: string, label: string): void {
    const row = this.#bounded(truth);
    const column = this.#bounded(label);
    let counts = this.#counts.get(row);
    if (!counts) {
      counts = new Map();
      this.#counts.set(row, counts);
    }
    counts.set(column, (counts.get(column) ?? 0) + 1);
    this.#scored += 1;
    if (truth === label) this.#right += 1;
  }

  /**
   * Over the classes that occurred as truth or label, "unknown" not among them; undefined while no truth is known. See
   * {@link scoreConfusion}.
   */
  macroF1(): number | undefined {
    const classes = [...this.#classes];
    return scoreConfusion(this.#matrixOf(classes), classes.indexOf(unknownLabel)).macroF1;
  }

  confusion(): Confusion {
    const classes = [...this.#classes].sort();
    return { classes, counts: this.#matrixOf(classes) };
  }

  #matrixOf(classes: readonly string[]): ConfusionMatrix {
    return classes.map((truth) => {
      const row = this.#counts.get(truth);
      return classes.map((label) => row?.get(label) ?? 0);
    });
  }

  #bounded(name: string): string {
    if (this.#classes.has(name)) return name;
    const kept = this.#classes.size < maxClasses - 1 ? name : otherClass;
    this.#classes.add(kept);
    return kept;
  }
}
