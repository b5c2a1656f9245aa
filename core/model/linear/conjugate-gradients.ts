import type { Standardised } from './standardise.ts';

const tolerance = 1e-6;
const mostRounds = 500;

/**
 * Of one score, the dual variables `(K + alpha)^-1 y` of more rows than a decomposition is worth: K is never made, only multiplied with
 * (Hestenes and Stiefel, 1952). Ends once the residual is a millionth of the target.
 */
export function conjugateGradients(data: Standardised, target: Float64Array, alpha: number): Float64Array {
  const solution = new Float64Array(data.count);
  const residual = Float64Array.from(target);
  const direction = Float64Array.from(target);
  let power = dot(residual, residual);
  const enough = power * tolerance * tolerance;
  for (let round = 0; round < mostRounds && power > enough; round++) {
    const product = multiply(data, direction, alpha);
    const step = power / dot(direction, product);
    for (let row = 0; row < solution.length; row++) {
      solution[row]! += step * direction[row]!;
      residual[row]! -= step * product[row]!;
    }
    const next = dot(residual, residual);
    for (let row = 0; row < solution.length; row++) direction[row] = residual[row]! + (next / power) * direction[row]!;
    power = next;
  }
  return solution;
}

function dot(left: Float64Array, right: Float64Array): number {
  let sum = 0;
  for (let at = 0; at < left.length; at++) sum += left[at]! * right[at]!;
  return sum;
}

/** `(X X' + alpha) v`. */
function multiply({ values, count, width }: Standardised, vector: Float64Array, alpha: number): Float64Array {
  const across = new Float64Array(width);
  for (let row = 0, at = 0; row < count; row++) {
    const factor = vector[row]!;
    for (let column = 0; column < width; column++, at++) across[column]! += factor * values[at]!;
  }
  const product = new Float64Array(count);
  for (let row = 0, at = 0; row < count; row++) {
    let sum = 0;
    for (let column = 0; column < width; column++, at++) sum += values[at]! * across[column]!;
    product[row] = sum + alpha * vector[row]!;
  }
  return product;
}
