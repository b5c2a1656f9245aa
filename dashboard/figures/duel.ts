import { elementAt } from '../../core/numeric/element.ts';
import { scoreConfusion } from '../../core/statistics/confusion.ts';
import { LatencyHistogram, quantileOf } from '../../core/statistics/latency-histogram.ts';
import { unknownLabel } from '../../core/wire/prediction.ts';
import type { DuelFigures, Standing } from '../events.ts';
import type { Classes } from './classes.ts';
import type { SeenPrediction } from './records.ts';

/** Pairs in the window, between half of it and all of it. */
const windowPairs = 20_000;
/** Predictions that wait for their counterpart; both are written together, so it is not far. */
const mostWaiting = 5_000;
const calibrationBins = 10;

/** What is kept of a prediction until its counterpart comes. */
interface Opinion {
  readonly version: number;
  readonly label: string;
  readonly probability: number;
  readonly truth: string | undefined;
  readonly latencyMs: number;
  readonly spread: number | undefined;
}

/** Of a reading of known truth that both labelled: who was right. */
export interface ScoredPair {
  readonly champion: boolean;
  readonly challenger: boolean;
}

/** What one of the two made of the readings that both labelled. */
class Side {
  /** Labels by `truth * classes + label`, class indices both. */
  readonly confusion = new Map<number, number>();
  /** By tenth of probability: how many labels of known truth, their probabilities' sum, and how many were right. */
  readonly counts = new Float64Array(calibrationBins);
  readonly confidences = new Float64Array(calibrationBins);
  readonly rights = new Float64Array(calibrationBins);
  readonly latency = new LatencyHistogram();
  /** Of an ensemble: how many predictions, and the sum of how far its models part. */
  spreads = 0;
  spread = 0;
}

class Half {
  pairs = 0;
  agreed = 0;
  scored = 0;
  readonly champion = new Side();
  readonly challenger = new Side();
}

/** Champion and challenger over the same readings, paired by device and time: who is right, how sure of it, and how fast. */
export class Duel {
  readonly #classes: Classes;
  /** Opinions without their counterpart yet, by identity. */
  readonly #champions = new Map<string, Opinion>();
  readonly #challengers = new Map<string, Opinion>();
  #versions: { readonly champion: number; readonly challenger: number } | undefined;
  #isOn = false;
  #current = new Half();
  #previous = new Half();

  constructor(classes: Classes) {
    this.#classes = classes;
  }

  /** What came of it, where that completes a pair of known truth. */
  takeChampion(prediction: SeenPrediction): ScoredPair | undefined {
    if (!this.#isOn) return undefined;
    const opinion = opinionOf(prediction);
    const other = meet(identityOf(prediction), opinion, this.#champions, this.#challengers);
    return other && this.#pair(opinion, other);
  }

  /** As {@link takeChampion}. */
  takeChallenger(prediction: SeenPrediction): ScoredPair | undefined {
    this.#isOn = true;
    const opinion = opinionOf(prediction);
    const other = meet(identityOf(prediction), opinion, this.#challengers, this.#champions);
    return other && this.#pair(other, opinion);
  }

  /** Null while nothing was labelled by both. */
  figures(): DuelFigures | null {
    const halves = [this.#current, this.#previous];
    const sum = (of: (half: Half) => number) => halves.reduce((total, half) => total + of(half), 0);
    const readings = sum((half) => half.pairs);
    if (!this.#versions || readings === 0) return null;
    return {
      readings,
      agreed: sum((half) => half.agreed),
      scored: sum((half) => half.scored),
      champion: this.#standing(this.#versions.champion, [this.#current.champion, this.#previous.champion]),
      challenger: this.#standing(this.#versions.challenger, [this.#current.challenger, this.#previous.challenger]),
    };
  }

  #pair(champion: Opinion, challenger: Opinion): ScoredPair | undefined {
    const versions = { champion: champion.version, challenger: challenger.version };
    if (versions.champion !== this.#versions?.champion || versions.challenger !== this.#versions.challenger) {
      this.#versions = versions;
      this.#current = new Half();
      this.#previous = new Half();
    }
    const half = this.#current;
    half.pairs += 1;
    if (champion.label === challenger.label) half.agreed += 1;
    const truth = champion.truth ?? challenger.truth;
    if (truth !== undefined) half.scored += 1;
    this.#note(half.champion, champion, truth);
    this.#note(half.challenger, challenger, truth);
    if (half.pairs >= windowPairs / 2) {
      this.#previous = half;
      this.#current = new Half();
    }
    return truth === undefined
      ? undefined
      : { champion: champion.label === truth, challenger: challenger.label === truth };
  }

  #note(side: Side, { label, probability, latencyMs, spread }: Opinion, truth: string | undefined): void {
    side.latency.record(latencyMs);
    if (spread !== undefined) {
      side.spreads += 1;
      side.spread += spread;
    }
    if (truth === undefined) return;
    const cell = this.#classes.indexOf(truth) * this.#classes.limit + this.#classes.indexOf(label);
    side.confusion.set(cell, (side.confusion.get(cell) ?? 0) + 1);
    const bin = Math.max(0, Math.min(calibrationBins - 1, Math.floor(probability * calibrationBins)));
    side.counts[bin]! += 1;
    side.confidences[bin]! += probability;
    if (truth === label) side.rights[bin]! += 1;
  }

  #standing(version: number, sides: readonly Side[]): Standing {
    const declined = this.#classes.names.indexOf(unknownLabel);
    const { accuracy, macroF1 } = scoreConfusion(this.#classes.matrixOf(sides), declined);
    const latencies = sides.map(({ latency }) => latency);
    return {
      version,
      accuracy: rounded(accuracy),
      f1: rounded(macroF1),
      calibrationError: rounded(calibrationError(sides)),
      spread: meanSpread(sides),
      p50Ms: quantileOf(latencies, 0.5),
      p99Ms: quantileOf(latencies, 0.99),
    };
  }
}

const identityOf = ({ device, time }: SeenPrediction) => `${device}\n${time}`;

function opinionOf({ model, label, probability, truth, latencyMs, spread }: SeenPrediction): Opinion {
  return { version: model.version, label, probability, truth, latencyMs, spread };
}

/** The counterpart, if it is there; otherwise the opinion waits for it. */
function meet(
  identity: string,
  opinion: Opinion,
  own: Map<string, Opinion>,
  others: Map<string, Opinion>,
): Opinion | undefined {
  const other = others.get(identity);
  if (other) {
    others.delete(identity);
    return other;
  }
  own.set(identity, opinion);
  if (own.size > mostWaiting) {
    const [oldest] = own.keys();
    if (oldest !== undefined) own.delete(oldest);
  }
  return undefined;
}

/** Null where no model of these is an ensemble. */
function meanSpread(sides: readonly Side[]): number | null {
  const sum = (of: 'spread' | 'spreads') => sides.reduce((so, side) => so + side[of], 0);
  return sum('spreads') === 0 ? null : rounded(sum('spread') / sum('spreads'));
}

/**
 * The expected calibration error over ten bins: how far, on average, the share of right labels is from the probabilities that came with
 * them. https://arxiv.org/abs/1706.04599
 */
export function calibrationError(sides: readonly Pick<Side, 'counts' | 'confidences' | 'rights'>[]): number | null {
  let total = 0;
  let distance = 0;
  for (let bin = 0; bin < calibrationBins; bin += 1) {
    const sum = (of: 'counts' | 'confidences' | 'rights') =>
      sides.reduce((so, side) => so + elementAt(side[of], bin), 0);
    total += sum('counts');
    distance += Math.abs(sum('rights') - sum('confidences'));
  }
  return total === 0 ? null : distance / total;
}

const rounded = (share: number | null | undefined) =>
  typeof share === 'number' ? Math.round(share * 10_000) / 10_000 : null;
