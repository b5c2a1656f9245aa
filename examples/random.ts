/**
 * Seeded random numbers in [0, 1): the same seed gives the same sequence on every machine. It stands here because simulators also run beside
 * an installed package, whose inner files nobody can import.
 * Source: "mulberry32" by Tommy Ettinger, public domain.
 */
export function mulberry32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
