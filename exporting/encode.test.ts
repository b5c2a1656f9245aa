import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { fromCsv } from '../core/partitions/csv.ts';
import type { ObjectRows } from '../core/partitions/rows.ts';
import type { StoredPoint } from '../core/store/port.ts';
import type { Point } from '../core/wire/point.ts';
import { samplesToPoints } from '../core/wire/samples-point.ts';
import { type Encoded, type EncoderOptions, ObjectEncoder } from './encode.ts';
import type { Encoder } from './encoder.ts';
import { RowSender } from './row-sender.ts';

const fields = ['x', 'y'];
const gap = Number.NaN;
const options = { fields, form: 'csv', mostRows: 100 } as const;

/** Sends to an encoder in this thread. */
function sender(more: Partial<EncoderOptions> = {}) {
  const encoder = new ObjectEncoder({ ...options, ...more });
  const room = (bytes: number) => new Uint8Array(Math.max(bytes, 400));
  const direct: Pick<Encoder, 'addRows' | 'addSamples' | 'room'> = {
    addRows: (rows) => encoder.addRows(rows),
    addSamples: (batch) => encoder.addSamples(batch),
    room,
  };
  return { encoder, rows: new RowSender(fields, direct, options.mostRows) };
}

const stored = (time: bigint, held: Point['fields']): StoredPoint => ({
  ...{ device: 'd', time },
  each(onField) {
    for (const [name, value] of Object.entries(held)) onField(name, value);
  },
});

const samples = (time: bigint, x: (number | null)[], truth?: string, endsSegment?: true): StoredPoint[] =>
  samplesToPoints(
    {
      ...{ stream: 's', device: 'd', time: String(time), rate: 20, values: { x }, received: '0' },
      ...(truth !== undefined && { truth }),
      ...(endsSegment && { endsSegment }),
    },
    fields.length,
  ).map((point) => stored(BigInt(point.time), point.fields));

const bytesOf = ({ formed }: Encoded): Uint8Array =>
  formed && 'file' in formed ? readFileSync(formed.file) : (formed?.bytes ?? new Uint8Array());

async function rowsIn(encoder: ObjectEncoder, count: number): Promise<ObjectRows> {
  const encoded = await encoder.encode({ device: 'd', known: [] });
  return fromCsv(
    'rows.csv',
    bytesOf(encoded),
    [
      { name: 'x', field: 'x' },
      { name: 'y', field: 'y' },
    ],
    count,
  );
}

test('rows and samples stand in the order in which they came, whatever stood there in the object before', async () => {
  const { encoder, rows } = sender();
  for (const point of samples(0n, new Array(90).fill(7), 'before', true)) await rows.add(point);
  expect(rows.count).toBe(90);
  rows.flush();
  expect((await rowsIn(encoder, 90)).ends.at(-1)).toBe(1);
  await rows.add(stored(1n, { 'v.x': 1, 'v.y': 2, truth: 'a' }));
  for (const point of samples(2n, [3, null, 4], 'b')) await rows.add(point);
  await rows.add(stored(3n, { 'v.y': 5, endsSegment: 1, truth: 'a' }));
  for (const point of samples(4n, [6], undefined, true)) await rows.add(point);
  rows.flush();
  expect(rows.count).toBe(0);
  const found = await rowsIn(encoder, 6);
  expect([...found.times]).toEqual([1n, 2n, 50_000_002n, 100_000_002n, 3n, 4n]);
  expect(found.values.map((column) => [...column])).toEqual([
    [1, 3, gap, 4, gap, 6],
    [2, gap, gap, gap, 5, gap],
  ]);
  expect([...found.truth].map((index) => found.truths[index])).toEqual(['a', 'b', 'b', 'b', 'a', undefined]);
  expect([...found.ends]).toEqual([0, 0, 0, 0, 1, 1]);
});

test('an object is named by what it holds, whether it came as rows or as samples; what is known is not encoded again', async () => {
  const { encoder, rows } = sender();
  for (const point of samples(0n, [1.5, null], 'a')) await rows.add(point);
  rows.flush();
  const { content } = await encoder.encode({ device: 'd', known: [] });
  await rows.add(stored(0n, { 'v.x': 1.5, truth: 'a' }));
  await rows.add(stored(50_000_000n, { gaps: 2, truth: 'a' }));
  rows.flush();
  expect(await encoder.encode({ device: 'd', known: [content] })).toEqual({ content });
});

test('texts that are longer than a batch, and that have more or fewer numbers than their point says', async () => {
  const { encoder, rows } = sender();
  const long = Array.from({ length: 80 }, (_, index) => index / 8);
  const span = { rate: 20, first: 0 };
  await rows.add(stored(0n, { ...span, count: 80, 's.x': long.join(','), 's.y': '1,2' }));
  await rows.add(stored(9n, { ...span, count: 1, 's.x': '1e3,2', 's.y': '0x10' }));
  rows.flush();
  const { values } = await rowsIn(encoder, 81);
  expect([...(values[0] ?? [])]).toEqual([...long, 1_000]);
  expect([...(values[1] ?? [])]).toEqual([1, 2, ...new Array(78).fill(gap), 16]);
});

test('objects whose bytes are made in another thread follow each other, each with its own rows', async () => {
  const { encoder, rows } = sender({ manyCells: 300 });
  const columns = [
    { name: 'x', field: 'x' },
    { name: 'y', field: 'y' },
  ];
  const objects = Array.from({ length: 7 }, (_, object) => ({ object, count: object === 3 ? 20 : 90 }));
  const underWay: Promise<void>[] = [];
  for (const { object, count } of objects) {
    await encoder.ready;
    for (const point of samples(BigInt(object), new Array(count).fill(object), `truth ${object}`))
      await rows.add(point);
    rows.flush();
    const encoding = encoder.encode({ device: 'd', known: [] });
    underWay.push(
      encoding.then((encoded) => {
        const found = fromCsv('rows.csv', bytesOf(encoded), columns, count);
        expect([...new Set(found.values[0])]).toEqual([object]);
        expect([found.truths, found.times[0]]).toEqual([[`truth ${object}`], BigInt(object)]);
      }),
    );
  }
  await Promise.all(underWay);
});

test('where objects are files, many rows are written into one as they are made; if that fails, they come as bytes', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'gapline-encode-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, 'taken'), '');
  const found: (Encoded['formed'] & object)[] = [];
  for (const staging of [undefined, join(folder, 'new', 'file-'), join(folder, 'taken', 'file-')]) {
    const { encoder, rows } = sender({ manyCells: 300, ...(staging !== undefined && { staging }) });
    for (const point of samples(0n, new Array(90).fill(0.25), 'a')) await rows.add(point);
    rows.flush();
    const { formed } = await encoder.encode({ device: 'd', known: [] });
    if (formed) found.push(formed);
  }
  const texts = found.map((formed) => Buffer.from(bytesOf({ content: '', formed })).toString());
  expect(new Set(texts).size).toBe(1);
  expect(found.map((formed) => ('file' in formed ? formed.length : 'bytes'))).toEqual([
    'bytes',
    texts[0]?.length,
    'bytes',
  ]);
});
