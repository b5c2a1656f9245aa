import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Adam } from './adam.ts';

describe('Adam', () => {
  it('first steps by the rate, however steep, against the gradient', () => {
    const gradients = fc.double({ min: 1e-4, max: 1e9, noNaN: true });
    fc.assert(
      fc.property(gradients, fc.boolean(), fc.double({ min: 0.01, max: 1, noNaN: true }), (steep, down, rate) => {
        const parameters = Float64Array.of(5, 5);
        new Adam(2).descend(parameters, Float64Array.of(down ? -steep : steep, 0), rate);
        expect(parameters[0]).toBeCloseTo(5 + (down ? rate : -rate), 3);
        expect(parameters[1]).toBe(5);
      }),
    );
  });

  it('goes to the bottom of a bowl, along steep and flat sides alike', () => {
    const parameters = Float64Array.of(3, -2);
    const adam = new Adam(2);
    for (let step = 0; step < 400; step++)
      adam.descend(
        parameters,
        Float64Array.of(2_000 * (parameters[0]! - 1), 0.02 * parameters[1]!),
        0.1 * 0.99 ** step,
      );
    expect(parameters[0]).toBeCloseTo(1, 1);
    expect(parameters[1]).toBeCloseTo(0, 1);
  });
});
