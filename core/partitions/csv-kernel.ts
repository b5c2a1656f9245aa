import {
  add,
  type Code,
  Frame,
  get,
  i8x16,
  i32,
  i64,
  type Local,
  parameters,
  repeat,
  repeatWhile,
  select,
  set,
  type WasmFunction,
  wasmModule,
  when,
} from '../numeric/wasm.ts';
import { type CellTables, cellLengthAt, writeCells } from './csv-cells-kernel.ts';

/** Writes rows of CSV, in WebAssembly. All parameters but rows are addresses. */
export interface CsvKernel {
  /**
   * Writes the rows from `row` on, until one of another day.
   * @returns the end of what it wrote. The row where it stopped is written into the head.
   */
  writeRows(head: number, row: number, rowsEnd: number, into: number): number;
  /** Writes the cells of numbers; where one takes more than a few digits, its length is 0. */
  writeCells(values: number, valuesEnd: number, into: number): void;
}

/** What is copied at a time, and therefore read and written beyond the end of a text. */
export const copiedAtOnce = 16;

/**
 * The head says where each part stands, and of the day at hand and the second at hand with which nanosecond they begin. `prefix` is what
 * stands before the decimals of a time; it ends with the time of day. Lists have two addresses for each column, of its places and of its
 * cells, and for each tail, by truth and end, of its beginning and its end.
 */
export const headParts = {
  ...{ day: 0, second: 8, times: 16, truth: 20, ends: 24, columns: 28, columnsEnd: 32, tails: 36 },
  ...{ prefix: 40, prefixEnd: 44, stopped: 48 },
} as const;
export const headBytes = 56;

const [point, colon, utc] = [0x2e, 0x3a, 0x5a];
const second = 1_000_000_000n;
const day = 86_400n * second;

let module: WebAssembly.Module | undefined;

/** @param tables - the same for each memory */
export function instantiateCsv(memory: WebAssembly.Memory, tables: CellTables): CsvKernel {
  module ??= wasmModule([writeRows(tables.digits), writeCells(tables)]);
  return new WebAssembly.Instance(module, { memory: { memory } }).exports as unknown as CsvKernel;
}

/**
 * Each part of a row is copied whole, whatever of it is needed, and the next one is written over the rest: so that of the parts before, a
 * part has to wait for their lengths only.
 */
function writeRows(digits: number): WasmFunction {
  const frame = new Frame();
  const [head, row, rowsEnd, into] = parameters(frame, 4) as [Local, Local, Local, Local];
  const part = (name: keyof typeof headParts) => i32.load(get(head), headParts[name]);
  const known = new Map<keyof typeof headParts, Local>();
  const keep = (name: keyof typeof headParts): Code => {
    const local = frame.local('i32');
    known.set(name, local);
    return set(local, part(name));
  };
  const kept = (name: keyof typeof headParts): Code => get(known.get(name) ?? head);
  const begin = (['times', 'truth', 'ends', 'columns', 'columnsEnd', 'tails', 'prefix', 'prefixEnd'] as const).map(
    keep,
  );
  const [isOwn, column, cell] = Array.from({ length: 3 }, () => frame.local('i32')) as [Local, Local, Local];
  const time = frame.local('i64');
  const ofRow = (name: keyof typeof headParts, bits: number) => i32.add(kept(name), i32.shiftLeft(get(row), bits));
  const sinceSecond = i64.subtract(get(time), i64.load(get(head), headParts.second));
  const place = i32.load16(i32.add(i32.load(get(column)), i32.shiftLeft(get(row), 1)));
  const isEnd = i32.load8(i32.add(kept('ends'), get(row)));
  const tail = i32.add(i32.shiftLeft(i32.add(i32.load(ofRow('truth', 2)), i32.constant(1)), 1), isEnd);
  const writeRow = [
    ...copy(frame, { from: kept('prefix'), fromEnd: kept('prefixEnd'), into }),
    ...decimals(frame, digits, { ns: i64.low(sinceSecond), into }),
    set(column, kept('columns')),
    repeatWhile(i32.lessUnsigned(get(column), kept('columnsEnd')), [
      set(cell, i32.add(i32.load(get(column), 4), i32.shiftLeft(place, 5))),
      i8x16.store(get(into), i8x16.load(get(cell))),
      i8x16.store(get(into), i8x16.load(get(cell), copiedAtOnce), copiedAtOnce),
      add(into, i32.load8(get(cell), cellLengthAt)),
      add(column, i32.constant(8)),
    ]),
    set(cell, i32.add(kept('tails'), i32.shiftLeft(tail, 3))),
    ...copy(frame, { from: i32.load(get(cell)), fromEnd: i32.load(get(cell), 4), into }),
    add(row, i32.constant(1)),
  ];
  const body = [
    set(time, i64.load(ofRow('times', 3))),
    when(i32.isZero(i64.lessUnsigned(sinceSecond, i64.bits(second))), [
      set(isOwn, i64.lessUnsigned(i64.subtract(get(time), i64.load(get(head), headParts.day)), i64.bits(day))),
      when(get(isOwn), timeOfDay(frame, digits, { time, head, end: kept('prefixEnd') })),
    ]),
    when(get(isOwn), writeRow),
  ];
  return frame.function(
    'writeRows',
    [
      ...begin,
      set(isOwn, i32.constant(1)),
      repeatWhile(i32.and(get(isOwn), i32.lessUnsigned(get(row), get(rowsEnd))), body),
      i32.store(get(head), get(row), headParts.stopped),
      get(into),
    ],
    'i32',
  );
}

/** Copies a text, of one byte at least. */
function copy(frame: Frame, { from, fromEnd, into }: { from: Code; fromEnd: Code; into: Local }): Code[] {
  const [at, end, to] = [frame.local('i32'), frame.local('i32'), frame.local('i32')];
  return [
    set(at, from),
    set(end, fromEnd),
    set(to, get(into)),
    add(into, i32.subtract(get(end), get(at))),
    repeat(
      [
        i8x16.store(get(to), i8x16.load(get(at))),
        add(to, i32.constant(copiedAtOnce)),
        add(at, i32.constant(copiedAtOnce)),
      ],
      i32.lessUnsigned(get(at), get(end)),
    ),
  ];
}

/** Begins the second of a time in the day at hand: its time of day stands at the end of the prefix from now on. */
function timeOfDay(frame: Frame, digits: number, { time, head, end }: { time: Local; head: Local; end: Code }): Code[] {
  const seconds = frame.local('i32');
  const dayAt = i64.load(get(head), headParts.day);
  const sinceDay = i64.subtract(get(time), dayAt);
  const two = (number: Code) => i32.shiftRight(i32.load(i32.shiftLeft(number, 2), digits), 8);
  const sixty = i32.constant(60);
  const minutes = i32.divideUnsigned(get(seconds), sixty);
  const at = (before: number) => i32.subtract(end, i32.constant(before));
  return [
    set(seconds, i64.low(i64.divideUnsigned(sinceDay, i64.bits(second)))),
    i64.store(get(head), i64.add(dayAt, i64.multiply(i64.fromI32(get(seconds)), i64.bits(second))), headParts.second),
    i32.store16(at(8), two(i32.divideUnsigned(get(seconds), i32.constant(3_600)))),
    i32.store8(at(6), i32.constant(colon)),
    i32.store16(at(5), two(i32.remainderUnsigned(minutes, sixty))),
    i32.store8(at(3), i32.constant(colon)),
    i32.store16(at(2), two(i32.remainderUnsigned(get(seconds), sixty))),
  ];
}

/** The decimals of a second without zeros at the end, if there are any, and the `Z`. */
function decimals(frame: Frame, digits: number, { ns, into }: { ns: Code; into: Local }): Code[] {
  const [ms, us, rest] = [frame.local('i32'), frame.local('i32'), frame.local('i32')];
  const [msDigits, usDigits, restDigits] = [frame.local('i32'), frame.local('i32'), frame.local('i32')];
  const word = (of: Local) => i32.load(i32.shiftLeft(get(of), 2), digits);
  const [million, thousand] = [i32.constant(1_000_000), i32.constant(1_000)];
  const length = (before: number, of: Local) => i32.add(i32.constant(before), i32.shiftRight(get(of), 24));
  return [
    set(rest, ns),
    set(ms, i32.divideUnsigned(get(rest), million)),
    set(rest, i32.subtract(get(rest), i32.multiply(get(ms), million))),
    set(us, i32.divideUnsigned(get(rest), thousand)),
    set(rest, i32.subtract(get(rest), i32.multiply(get(us), thousand))),
    set(msDigits, word(ms)),
    set(usDigits, word(us)),
    set(restDigits, word(rest)),
    i32.store8(get(into), i32.constant(point)),
    i32.store(get(into), get(msDigits), 1),
    i32.store(get(into), get(usDigits), 4),
    i32.store(get(into), get(restDigits), 7),
    add(
      into,
      select(
        length(7, restDigits),
        select(length(4, usDigits), select(length(1, msDigits), i32.constant(0), get(ms)), get(us)),
        get(rest),
      ),
    ),
    i32.store8(get(into), i32.constant(utc)),
    add(into, i32.constant(1)),
  ];
}
