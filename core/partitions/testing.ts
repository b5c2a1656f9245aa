import fc from 'fast-check';
import { columnsOf, emptyRows, type ObjectRows } from './rows.ts';

/** Numbers that come again, as a converter gives them; or those that do not, and all sorts of them. */
const kinds: readonly ((random: () => number) => number)[] = [
  (random) => Math.round(random() * 4_096) / 1_024,
  (random) => random() - 0.5,
  () => 0.1,
  (random) => [0, -0, 5e-324, -1e300, 1 / 3, 123_456_789_012, 1e21, 1e-7][Math.floor(random() * 8)] ?? 0,
];
/** From one row to the next, in nanoseconds. */
const steps: readonly ((row: number, random: () => number) => bigint)[] = [
  () => 4_000_000n,
  (row) => BigInt(Math.floor(((row + 1) * 1e9) / 360) - Math.floor((row * 1e9) / 360)),
  (_, random) => BigInt(Math.floor(random() * 1e9)),
  (_, random) => BigInt(Math.floor((random() - 0.5) * 1e13)),
  (row) => (row % 2 === 0 ? 1n << 61n : -(1n << 61n)),
  () => 1_000_000_000n,
];

export interface RowsShape {
  readonly count: number;
  /** Which of the kinds the numbers of a column are, and how many of ten are gaps. */
  readonly columns: readonly { readonly kind: number; readonly gaps: number }[];
  readonly step: number;
  /** How many truths there are, and how many rows one lasts. */
  readonly truths: number;
  readonly truthRows: number;
  readonly ends: boolean;
}

export const shapes: fc.Arbitrary<RowsShape> = fc.record({
  count: fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 100, max: 12_000 })),
  columns: fc.array(
    fc.record({ kind: fc.integer({ min: 0, max: kinds.length - 1 }), gaps: fc.constantFrom(0, 0, 1, 5, 10) }),
    { minLength: 1, maxLength: 3 },
  ),
  step: fc.integer({ min: 0, max: steps.length - 1 }),
  truths: fc.constantFrom(0, 1, 2, 300),
  truthRows: fc.constantFrom(1, 5, 1_000),
  ends: fc.boolean(),
});

/** Rows of a shape, the same for the same numbers. */
export function rowsOf(shape: RowsShape, random: () => number): ObjectRows {
  const { count, truths, truthRows } = shape;
  const columns = columnsOf(shape.columns.map((_, index) => (index === 0 ? 'a,"ü' : `v${index}`)));
  const rows = emptyRows('d/ü, "1"', columns, count);
  let time = 1_767_225_599_000_000_000n;
  for (let row = 0; row < count; row += 1) {
    rows.times[row] = time;
    time += steps[shape.step]?.(row, random) ?? 0n;
    for (const [column, { kind, gaps }] of shape.columns.entries()) {
      const value = kinds[kind]?.(random) ?? 0;
      const into = rows.values[column];
      if (into && random() * 10 >= gaps) into[row] = value;
    }
    rows.truth[row] = truths === 0 || random() < 0.1 ? -1 : Math.floor(row / truthRows) % truths;
    rows.ends[row] = shape.ends && random() < 0.1 ? 1 : 0;
  }
  return { ...rows, ...renumbered(rows.truth) };
}

/** Truths in the order of first sight, as rows have them. */
function renumbered(truth: Int32Array): Pick<ObjectRows, 'truth' | 'truths'> {
  const places = new Map<number, number>();
  const numbered = Int32Array.from(truth, (one) => {
    if (one < 0) return -1;
    const place = places.get(one) ?? places.size;
    places.set(one, place);
    return place;
  });
  return { truth: numbered, truths: Array.from(places.keys(), (one) => `truth "${one}", ja`) };
}
