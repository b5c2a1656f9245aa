import { argmax } from '../../numeric/argmax.ts';

/** Scores of rows that the model did not learn from, and what these rows are. */
export interface Calibration {
  /** By row and score; see {@link probabilitiesOf}. */
  readonly scores: Float64Array;
  readonly labels: Int32Array;
  readonly classes: number;
}

/** Scores to probabilities: the softmax of them times the temperature. One score alone is that of the second class; the first has its negative. */
export function probabilitiesOf(
  scores: Float64Array,
  from: number,
  { classes, temperature }: { readonly classes: number; readonly temperature: number },
  into: Float64Array,
  to: number,
): void {
  if (classes === 2) {
    const second = 1 / (1 + Math.exp(-2 * temperature * scores[from]!));
    into[to] = 1 - second;
    into[to + 1] = second;
    return;
  }
  const largest = scores[from + argmax(scores, from, classes)]!;
  let sum = 0;
  for (let at = 0; at < classes; at++) {
    const part = Math.exp(temperature * (scores[from + at]! - largest));
    into[to + at] = part;
    sum += part;
  }
  for (let at = 0; at < classes; at++) into[to + at]! /= sum;
}

const least = Math.log(0.05);
const most = Math.log(50);
const rounds = 40;
const golden = (Math.sqrt(5) - 1) / 2;

/**
 * The temperature with the least log loss on rows that were left out (Guo and others, "On calibration of modern neural networks", 2017).
 * Targets are smoothed as Platt does, so that a few rows without a mistake do not make a model sure of itself.
 */
export function fitTemperature(given: Calibration): number {
  const smoothing = smoothingOf(given);
  const lossAt = (logarithm: number) => lossOf(given, Math.exp(logarithm), smoothing);
  let [low, high] = [least, most];
  let left = high - golden * (high - low);
  let right = low + golden * (high - low);
  let [leftLoss, rightLoss] = [lossAt(left), lossAt(right)];
  for (let round = 0; round < rounds; round++) {
    if (leftLoss <= rightLoss) {
      [high, right, rightLoss] = [right, left, leftLoss];
      left = high - golden * (high - low);
      leftLoss = lossAt(left);
    } else {
      [low, left, leftLoss] = [left, right, rightLoss];
      right = low + golden * (high - low);
      rightLoss = lossAt(right);
    }
  }
  return Math.exp((low + high) / 2);
}

/** By class: what a row of another class is given of it, `1 / (rows + 2)`. */
function smoothingOf({ labels, classes }: Calibration): Float64Array {
  const counts = new Float64Array(classes);
  for (const label of labels) counts[label]! += 1;
  return counts.map((rows) => 1 / (rows + 2));
}

function lossOf({ scores, labels, classes }: Calibration, temperature: number, smoothing: Float64Array): number {
  const each = classes === 2 ? 1 : classes;
  const probabilities = new Float64Array(classes);
  let loss = 0;
  for (let row = 0; row < labels.length; row++) {
    probabilitiesOf(scores, row * each, { classes, temperature }, probabilities, 0);
    const label = labels[row]!;
    const doubt = smoothing[label]!;
    for (let index = 0; index < classes; index++) {
      const target = index === label ? 1 - doubt : doubt / (classes - 1);
      loss -= target * Math.log(Math.max(1e-300, probabilities[index]!));
    }
  }
  return loss;
}
