/** More classes than this are counted together: truths come from outside, and memory stays bounded. */
const maxClasses = 256;
const otherClass = '(other)';

export interface Confusion {
  /** Truths and labels that occurred, sorted. */
  readonly classes: readonly string[];
  /** `counts[truth][label]`, in the order of `classes`. */
  readonly counts: readonly (readonly number[])[];
}

/** How labels compare with truths, where these are known. */
export class Scores {
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
   * F1 averaged over the classes that occurred as truth or label, each counting the same; undefined while no truth is known.
   * Source: scikit-learn, `f1_score(average='macro')`.
   */
  macroF1(): number | undefined {
    if (this.#scored === 0) return undefined;
    const truths = new Map<string, number>();
    const labels = new Map<string, number>();
    for (const [truth, row] of this.#counts)
      for (const [label, count] of row) {
        truths.set(truth, (truths.get(truth) ?? 0) + count);
        labels.set(label, (labels.get(label) ?? 0) + count);
      }
    let sum = 0;
    for (const name of this.#classes) {
      const hits = this.#counts.get(name)?.get(name) ?? 0;
      sum += (2 * hits) / ((truths.get(name) ?? 0) + (labels.get(name) ?? 0));
    }
    return sum / this.#classes.size;
  }

  confusion(): Confusion {
    const classes = [...this.#classes].sort();
    const counts = classes.map((truth) => classes.map((label) => this.#counts.get(truth)?.get(label) ?? 0));
    return { classes, counts };
  }

  #bounded(name: string): string {
    if (this.#classes.has(name)) return name;
    const kept = this.#classes.size < maxClasses - 1 ? name : otherClass;
    this.#classes.add(kept);
    return kept;
  }
}
