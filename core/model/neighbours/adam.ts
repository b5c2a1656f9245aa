/**
 * Gradient descent for gradients of random samples, with a step size of its own for each parameter.
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
  descend(parameters: Float64Array, gradients: Float64Array, rate: number): void {
    const [keepMean, keepSquare] = [0.9, 0.999];
    this.#steps += 1;
    const meanCorrection = 1 - keepMean ** this.#steps;
    const squareCorrection = 1 - keepSquare ** this.#steps;
    for (let at = 0; at < parameters.length; at++) {
      const gradient = gradients[at]!;
      const mean = keepMean * this.#mean[at]! + (1 - keepMean) * gradient;
      const square = keepSquare * this.#square[at]! + (1 - keepSquare) * gradient * gradient;
      this.#mean[at] = mean;
      this.#square[at] = square;
      parameters[at]! -= (rate * (mean / meanCorrection)) / (Math.sqrt(square / squareCorrection) + 1e-8);
    }
  }
}
