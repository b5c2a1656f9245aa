import type { Metrics } from '../core/model/manifest.ts';
import type { Model } from '../core/model/model.ts';
import { elementAt } from '../core/numeric/element.ts';
import { sampleLabelled } from './budget.ts';
import { maskValues } from './mask.ts';
import { score } from './metrics.ts';
import { type LabelledRows, predictLabels } from './rows.ts';

/** Shares of values that are masked on top of the gaps that the rows have. */
const maskedRates = [0.1, 0.3, 0.5];
/** Rows that are masked, at most: so many tell the share of right labels to one in a hundred. */
export const mostMasked = 5_000;
const reliabilityBins = 10;

/** What is known of a model once it was scored on rows. */
export type RowFigures = Pick<Metrics, 'rows' | 'accuracy' | 'f1' | 'confusion' | 'byGapRate' | 'reliability'>;

interface Predicted {
  readonly truths: Int32Array;
  readonly labels: Int32Array;
  /** Of the label; NaN where the model gave none. */
  readonly probabilities: Float64Array;
}

export interface ScoringOptions {
  readonly classes: number;
  /** Of the masks. */
  readonly seed: number;
  /** Of the rows of each part, how many are masked, at most. */
  readonly mostMasked?: number;
}

/** Collects how right one model is, or the models of folds, each on rows of its own. */
export class Scoring {
  readonly #options: ScoringOptions;
  readonly #asTheyAre: Predicted[] = [];
  readonly #masked: Predicted[][] = maskedRates.map(() => []);

  constructor(options: ScoringOptions) {
    this.#options = options;
  }

  /** Labels rows as they are and masked. @returns the labels of the rows as they are */
  async add(model: Model, rows: LabelledRows): Promise<Int32Array> {
    const { seed, mostMasked: most = mostMasked } = this.#options;
    const predict = async (of: LabelledRows) => ({
      truths: of.labels,
      ...(await predictLabels(model.open(), of, model.classes.length)),
    });
    const predicted = await predict(rows);
    this.#asTheyAre.push(predicted);
    const some = sampleLabelled(rows, most, seed);
    for (const [at, rate] of maskedRates.entries())
      elementAt(this.#masked, at).push(await predict(maskValues(some, rate, seed + at + 1)));
    return predicted.labels;
  }

  figures(): RowFigures {
    const { classes } = this.#options;
    const all = joined(this.#asTheyAre);
    const byGapRate = maskedRates.map((rate, at) => {
      const { truths, labels } = joined(elementAt(this.#masked, at));
      const { rows, accuracy, f1 } = score(truths, labels, classes);
      return { rate, rows, accuracy, f1 };
    });
    return { ...score(all.truths, all.labels, classes), byGapRate, reliability: reliabilityOf(all) };
  }
}

function joined(parts: readonly Predicted[]): Predicted {
  const count = parts.reduce((sum, { labels }) => sum + labels.length, 0);
  const [truths, labels, probabilities] = [new Int32Array(count), new Int32Array(count), new Float64Array(count)];
  let at = 0;
  for (const part of parts) {
    truths.set(part.truths, at);
    labels.set(part.labels, at);
    probabilities.set(part.probabilities, at);
    at += part.labels.length;
  }
  return { truths, labels, probabilities };
}

/**
 * How often labels are right, by the probability that the model gave them. Bins without rows are left out.
 * Source: Guo and others, On calibration of modern neural networks, 2017, the reliability diagram.
 */
function reliabilityOf({ truths, labels, probabilities }: Predicted): NonNullable<Metrics['reliability']> {
  const bins = Array.from({ length: reliabilityBins }, () => ({ rows: 0, sum: 0, right: 0 }));
  for (const [row, probability] of probabilities.entries()) {
    if (Number.isNaN(probability)) continue;
    const bin = elementAt(bins, Math.min(reliabilityBins - 1, Math.floor(probability * reliabilityBins)));
    bin.rows += 1;
    bin.sum += probability;
    if (elementAt(truths, row) === elementAt(labels, row)) bin.right += 1;
  }
  return bins
    .filter(({ rows }) => rows > 0)
    .map(({ rows, sum, right }) => ({ rows, probability: Math.min(1, sum / rows), accuracy: right / rows }));
}
