/**
 * Goes down a slope that is only seen through chance, each parameter at a pace of its own.
 * Kingma, D., Ba, J. (2015). Adam: A Method for Stochastic Optimization. ICLR, algorithm 1.
 */
export class Adam {
  readonly #mean: Float64Array;
  readonly #square: Float64Array;
  #steps = 0;

  constructor(parameters: number) {
    this.#mean = new Float64Array(parameters);
    this.#square = new Float64Array(parameters);
  }

  /** One step: changes the parameters, each by about `rate` at most. */
  descend(parameters: Float64Array, slopes: Float64Array, rate: number): void {
    const [keepMean, keepSquare] = [0.9, 0.999];
    this.#steps += 1;
    const meanSeen = 1 - keepMean ** this.#steps;
    const squareSeen = 1 - keepSquare ** this.#steps;
    for (let at = 0; at < parameters.length; at++) {
      const slope = slopes[at]!;
      this.#mean[at] = keepMean * this.#mean[at]! + (1 - keepMean) * slope;
      this.#square[at] = keepSquare * this.#square[at]! + (1 - keepSquare) * slope * slope;
      parameters[at]! -= (rate * (this.#mean[at]! / meanSeen)) / (Math.sqrt(this.#square[at]! / squareSeen) + 1e-8);
    }
  }
}
