import { mulberry32, shuffle } from '../core/numeric/random/mulberry32.ts';
import type { LabelledRows } from './rows.ts';

/** Rows that are taken as they are, and as many again with gaps. */
const wanted = 6;
/** Numbers that these rows have at most: of very wide ones fewer are taken. */
const mostNumbers = 4_000;
const leastRows = 2;
/** Of wide rows, digits that tell one model from another; sixteen make a file of megabytes. */
const digits = 7;

/** Rows that a loaded model predicts: some as they are, some with half of their values missing, one of nothing but gaps. */
export function pickSelfTestRows(rows: LabelledRows): (number | null)[][] {
  const { width, values } = rows;
  const random = mulberry32(1);
  const order = Int32Array.from({ length: rows.count }, (_, row) => row);
  shuffle(order, random);
  const isWide = wanted * width > mostNumbers;
  const count = isWide ? Math.max(leastRows, Math.floor(mostNumbers / width)) : wanted;
  const chosen = roundRobin(order, rows.labels, count);
  const written = (value: number) => (isWide ? Number(value.toPrecision(digits)) : value);
  const asRead = chosen.map((row) =>
    Array.from(values.subarray(row * width, (row + 1) * width), (value) =>
      Number.isNaN(value) ? null : written(value),
    ),
  );
  const masked = asRead.map((row) => row.map((value) => (random() < 0.5 ? null : value)));
  return [...asRead, ...masked, new Array<null>(width).fill(null)];
}

/** The first rows of each class in turn, so that a rare class is among them. */
function roundRobin(order: Int32Array, labels: Int32Array, count: number): number[] {
  const queues = [...Map.groupBy(order, (row) => labels[row]).values()];
  const taken: number[] = [];
  for (let turn = 0; taken.length < count && turn < order.length; turn++)
    taken.push(...queues.flatMap((queue) => queue.slice(turn, turn + 1)));
  return taken.slice(0, count);
}
