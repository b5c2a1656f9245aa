import {
  closeSync,
  existsSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { LogRecord } from '../../core/log/port.ts';
import { quickFolder } from '../testing.ts';
import { readFrames, sectorBytes } from './frame.ts';
import { Journal } from './journal.ts';

const halfBytes = 65_536;

let folder: string;
let file: string;
const opened: Journal[] = [];
beforeEach(() => {
  folder = quickFolder();
  file = join(folder, 'pumps.journal');
});
afterEach(() => {
  for (const journal of opened.splice(0)) journal.close();
  rmSync(folder, { recursive: true, force: true });
});

/** As a process finds it that starts after the one before was killed. */
function open(): Journal {
  const journal = new Journal(file, halfBytes);
  opened.push(journal);
  return journal;
}

const record = (text: string, key: string | null = 'd'): LogRecord => ({ key, value: Buffer.from(text) });
const numbered = (from: number, to: number): LogRecord[] =>
  Array.from({ length: to - from + 1 }, (_, index) => record(`${from + index}`));
const textsOf = (records: readonly LogRecord[]): string[] => records.map(({ value }) => Buffer.from(value).toString());
const left = (): string[] => textsOf(open().left.records);

test('what was written and not confirmed is there for the next process, in order', async () => {
  const journal = open();
  await journal.write([record('a', null), record('b', 'ä')]);
  await journal.write([record('c')]);
  const { left } = open();
  expect(left.records.map(({ key }) => key)).toEqual([null, 'ä', 'd']);
  expect(textsOf(left.records)).toEqual(['a', 'b', 'c']);
  expect(left.lost).toBe(0);
});

test('what was confirmed does not come again, a part of what was written together neither', async () => {
  const journal = open();
  await journal.write(numbered(1, 5));
  journal.confirm(3);
  expect(journal.waiting).toBe(2);
  expect(left()).toEqual(['4', '5']);
  journal.confirm(2);
  expect(left()).toEqual([]);
});

test('after a start old records never come back', async () => {
  const journal = open();
  await journal.write(numbered(1, 5));
  const second = open();
  expect(second.waiting).toBe(5);
  second.confirmLeft();
  expect(second.waiting).toBe(0);
  await second.write(numbered(6, 7));
  expect(left()).toEqual(['6', '7']);
});

test('the file keeps its size, however much goes through it', async () => {
  const journal = open();
  const large = Buffer.alloc(8_000, 'x');
  for (let turn = 0; turn < 40; turn += 1) {
    await journal.write([{ key: 'd', value: large }]);
    if (turn > 2) journal.confirm(1);
  }
  expect(statSync(file).size).toBe(2 * halfBytes);
  expect(open().left.records).toHaveLength(3);
});

test('a write waits while both halves hold what is not confirmed', async () => {
  const journal = open();
  const large: LogRecord = { key: 'd', value: Buffer.alloc(8_000, 'x') };
  for (let turn = 0; turn < 14; turn += 1) await journal.write([large]);
  let done = false;
  const waiting = journal.write([large]).then(() => {
    done = true;
  });
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(done).toBe(false);
  journal.confirm(6);
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(done).toBe(false);
  journal.confirm(1);
  await waiting;
  expect(open().left.records).toHaveLength(8);
});

test('records that are too large for it are refused', async () => {
  const journal = open();
  await expect(journal.write([{ key: 'd', value: Buffer.alloc(halfBytes) }])).rejects.toThrow(/do not fit/);
});

test('a last frame that was written in part is none: nobody was told that it was there', async () => {
  const journal = open();
  await journal.write(numbered(1, 3));
  await journal.write(numbered(4, 100));
  const [, last] = readFrames(readFileSync(file));
  damage(last?.at ?? 0, 100);
  const { records, lost } = open().left;
  expect(textsOf(records)).toEqual(['1', '2', '3']);
  expect(lost).toBe(0);
});

test('what the disk damaged is counted, and the rest is there', async () => {
  const journal = open();
  await journal.write(numbered(1, 3));
  await journal.write(numbered(4, 100));
  await journal.write(numbered(101, 102));
  const [, middle] = readFrames(readFileSync(file));
  damage(middle?.at ?? 0, 100);
  const { records, lost } = open().left;
  expect(textsOf(records)).toEqual(['1', '2', '3', '101', '102']);
  expect(lost).toBe(97);
});

test('damage is counted where only what is confirmed was written behind it', async () => {
  const journal = open();
  await journal.write(numbered(1, 3));
  await journal.write(numbered(4, 100));
  journal.confirm(1);
  damage(readFrames(readFileSync(file)).find(({ last }) => last === 100)?.at ?? 0, 100);
  const { records, lost } = open().left;
  expect(textsOf(records)).toEqual(['2', '3']);
  expect(lost).toBe(97);
});

test('bytes of a device that look like a frame are no frame', async () => {
  const journal = open();
  await journal.write([record('real')]);
  const bytes = readFileSync(file).subarray(halfBytes, halfBytes + sectorBytes);
  // What a key or a value can hold is text.
  const text = Buffer.from(bytes.toString('utf8'));
  await journal.write([{ key: 'd', value: Buffer.concat(Array.from({ length: 20 }, () => text)) }]);
  const last = readFrames(readFileSync(file)).at(-1);
  damage(last?.at ?? 0, 20);
  expect(left()).toEqual(['real']);
});

test('a file that is too short, or is something else, becomes a journal', async () => {
  const journal = open();
  await journal.write(numbered(1, 3));
  // The newest half is at the end of the file.
  truncateSync(file, halfBytes + sectorBytes);
  expect(left()).toEqual(['1', '2', '3']);
  expect(statSync(file).size).toBe(2 * halfBytes);
  writeFileSync(file, 'no journal');
  expect(left()).toEqual([]);
});

test('where it cannot be made, the error names the file', () => {
  writeFileSync(join(folder, 'file'), '');
  expect(() => new Journal(join(folder, 'file', 'pumps.journal'))).toThrow(/file\/pumps\.journal cannot be used/);
  expect(existsSync(file)).toBe(false);
});

test('after any steps and a kill at any byte, exactly what was promised is there', { timeout: 120_000 }, async () => {
  const step = fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({ write: fc.integer({ min: 1, max: 8 }), size: fc.constantFrom(10, 700, 3_000) }),
    },
    { weight: 3, arbitrary: fc.record({ confirm: fc.double({ min: 0, max: 1, noNaN: true }) }) },
    { weight: 1, arbitrary: fc.constant({ restart: true }) },
  );
  const runs = {
    steps: fc.array(step, { minLength: 1, maxLength: 80 }),
    cut: fc.double({ min: 0, max: 1, noNaN: true }),
  };
  await fc.assert(
    fc.asyncProperty(fc.record(runs), async ({ steps, cut }) => {
      rmSync(file, { force: true });
      const run = new Run();
      for (const each of steps) {
        if ('write' in each) await run.write(each.write, each.size);
        else if ('confirm' in each) run.confirm(each.confirm);
        else run.restart();
      }
      const before = readFileSync(file);
      const mayHold = run.confirmed + 1;
      run.confirm(0.5);
      const [holdsFrom, holdsTo] = [run.confirmed + 1, run.written];
      await run.write(8, 1_000);
      run.stop();
      writeFileSync(file, cutOff(before, readFileSync(file), cut));
      const found = new Journal(file, halfBytes);
      found.close();
      const numbers = numbersOf(found.left.records);
      const [first = holdsFrom, last = holdsTo] = [numbers[0], numbers.at(-1)];
      expect(numbers).toEqual(range(first, last));
      expect(range(mayHold, holdsFrom)).toContain(first);
      expect(range(holdsTo, run.written)).toContain(last);
      expect(found.left.lost).toBe(0);
    }),
    { numRuns: 150 },
  );
});

/** A journal and what it promised. */
class Run {
  #journal = new Journal(file, halfBytes);
  /** The number of the last record. */
  written = 0;
  /** The sizes of what is not confirmed. */
  #open: number[] = [];

  /** The number of the last record that is confirmed. */
  get confirmed(): number {
    return this.written - this.#open.length;
  }

  async write(count: number, size: number): Promise<void> {
    // With more it might wait for a confirmation that does not come.
    if (this.#open.reduce((sum, each) => sum + each, count * (size + 600)) > halfBytes / 2) return;
    const records = range(this.written + 1, this.written + count).map((number) => record(`${number}`.padEnd(size)));
    this.written += count;
    this.#open.push(...records.map(() => size + 600));
    await this.#journal.write(records);
  }

  confirm(share: number): void {
    const count = Math.floor(share * this.#open.length);
    this.#open.splice(0, count);
    if (count > 0) this.#journal.confirm(count);
  }

  restart(): void {
    this.stop();
    this.#journal = new Journal(file, halfBytes);
    expect(numbersOf(this.#journal.left.records)).toEqual(range(this.confirmed + 1, this.written));
    this.#journal.confirmLeft();
    this.#open = [];
  }

  stop(): void {
    this.#journal.close();
  }
}

/** What is there of a change that was cut off somewhere. */
function cutOff(before: Buffer, after: Buffer, share: number): Buffer {
  const changed = range(0, after.length - 1).filter((at) => after[at] !== before[at]);
  const end = changed[Math.floor(share * changed.length)] ?? after.length;
  return Buffer.concat([after.subarray(0, end), before.subarray(end)]);
}

const numbersOf = (records: readonly LogRecord[]): number[] => textsOf(records).map((text) => Number(text));
const range = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, index) => from + index);

function damage(at: number, offset: number): void {
  const fd = openSync(file, 'r+');
  writeSync(fd, 'damaged', at + offset);
  closeSync(fd);
}
