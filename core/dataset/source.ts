import { isUtf8 } from 'node:buffer';
import { createReadStream } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { createGunzip } from 'node:zlib';
import { describeError, GaplineError } from '../wire/errors.ts';
import { explainForeign } from './foreign.ts';

/** So much is read at once. */
const chunkBytes = 1 << 20;
/** So much tells what a file is. */
const headBytes = 256 << 10;

/** What the first bytes of a file say that it is. */
type Packing = 'plain' | 'gzip' | 'utf-16le' | 'utf-16be' | 'windows-1252' | 'parquet';

/** A regular file that was looked at. */
export interface Source {
  readonly file: string;
  readonly packing: Packing;
  readonly size: number;
  readonly modifiedMs: number;
}

/**
 * Looks at a file without reading it. Devices, pipes and folders are refused: a table is read twice, and has an end.
 * @throws {GaplineError} `data-invalid` where it cannot be opened or is no regular file.
 */
export async function openSource(file: string): Promise<Source> {
  try {
    const found = await stat(file);
    if (!found.isFile()) throw new GaplineError('data-invalid', `${file}: ${kindOf(found)}; a table is a regular file`);
    return { file, size: found.size, modifiedMs: found.mtimeMs, packing: await packingOf(file) };
  } catch (error) {
    throw unreadable(file, error);
  }
}

const kindOf = (found: { isDirectory(): boolean }): string =>
  found.isDirectory() ? 'is a folder' : 'is no regular file';

function unreadable(file: string, error: unknown): GaplineError {
  if (error instanceof GaplineError) return error;
  return new GaplineError('data-invalid', `${file}: cannot be read: ${describeError(error)}`, { cause: error });
}

async function packingOf(file: string): Promise<Packing> {
  const handle = await open(file);
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(headBytes), 0, headBytes, 0);
    const head = buffer.subarray(0, bytesRead);
    const foreign = explainForeign(head);
    if (foreign !== undefined) throw new GaplineError('data-invalid', `${file}: ${foreign}`);
    const text = head.toString('latin1');
    if (text.startsWith('\x1f\x8b')) return 'gzip';
    if (text.startsWith('PAR1')) return 'parquet';
    if (text.startsWith('\xff\xfe') || /^(?:[^\0]\0){4}/.test(text)) return 'utf-16le';
    if (text.startsWith('\xfe\xff') || /^(?:\0[^\0]){4}/.test(text)) return 'utf-16be';
    return isWindows1252(head) ? 'windows-1252' : 'plain';
  } finally {
    await handle.close();
  }
}

/**
 * Whether a text is in the one-byte alphabet that spreadsheets of western Europe write: not UTF-8, nor UTF-8 that was damaged, nor with
 * bytes that this alphabet leaves free and those of Asia use.
 */
function isWindows1252(head: Buffer): boolean {
  const end = head.length < headBytes ? head.length : head.lastIndexOf(10) + 1;
  if (isUtf8(head.subarray(0, end))) return false;
  const text = head.toString('latin1', 0, end);
  const others = /[\0\x81\x8d\x8f\x90\x9d]|[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}/;
  return !others.test(text);
}

/**
 * The text of a file as UTF-8, in chunks of about a megabyte, without a byte order mark.
 * A chunk's memory is used again for those after it.
 * @param most - stop after so many bytes
 * @throws {GaplineError} `data-invalid` where it cannot be read or unpacked.
 */
export async function* textOf({ file, packing }: Source, most = Number.POSITIVE_INFINITY): AsyncGenerator<Buffer> {
  let taken = 0;
  try {
    for await (const chunk of unpacked(file, packing)) {
      const bytes = taken === 0 ? withoutMark(chunk) : chunk;
      yield bytes;
      taken += bytes.length;
      if (taken >= most) return;
    }
  } catch (error) {
    throw unreadable(file, error);
  }
}

function unpacked(file: string, packing: Packing): AsyncIterable<Buffer> {
  if (packing === 'gzip') return gunzipped(file);
  return packing === 'plain' ? chunksOf(file) : recoded(chunksOf(file), packing);
}

/** The bytes of a file, in two buffers by turns: while one is parsed, the next is read. */
async function* chunksOf(file: string): AsyncGenerator<Buffer> {
  const handle = await open(file);
  let buffers: readonly [Buffer, Buffer] = [Buffer.allocUnsafe(chunkBytes), Buffer.allocUnsafe(chunkBytes)];
  const read = () => handle.read(buffers[0], 0, chunkBytes);
  let reading = read();
  try {
    for (;;) {
      const { buffer, bytesRead } = await reading;
      if (bytesRead === 0) return;
      buffers = [buffers[1], buffers[0]];
      reading = read();
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await reading.catch(() => undefined);
    await handle.close();
  }
}

async function* gunzipped(file: string): AsyncGenerator<Buffer> {
  const reading = createReadStream(file, { highWaterMark: chunkBytes });
  const chunks = reading.pipe(createGunzip({ chunkSize: chunkBytes }));
  reading.on('error', (error) => chunks.destroy(error));
  try {
    yield* chunks;
  } finally {
    reading.destroy();
    chunks.destroy();
  }
}

async function* recoded(chunks: AsyncIterable<Buffer>, encoding: string): AsyncGenerator<Buffer> {
  const decoder = new TextDecoder(encoding, { fatal: true });
  for await (const chunk of chunks) yield Buffer.from(decoder.decode(chunk, { stream: true }));
  yield Buffer.from(decoder.decode());
}

const withoutMark = (bytes: Buffer): Buffer =>
  bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? bytes.subarray(3) : bytes;

/** @throws {GaplineError} `data-invalid` naming the first line of the bytes that is not UTF-8, or holds NUL. */
export function checkText(file: string, bytes: Buffer, firstLine: number): void {
  if (isUtf8(bytes)) {
    const nul = bytes.indexOf(0);
    if (nul < 0) return;
    const detail = 'holds NUL bytes, as a file does whose writer lost power; delete them and try again';
    throw new GaplineError('data-invalid', `${file}: line ${firstLine + linesIn(bytes.subarray(0, nul))} ${detail}`);
  }
  let [line, from] = [firstLine, 0];
  for (let end = bytes.indexOf(10); end >= 0 && isUtf8(bytes.subarray(from, end)); end = bytes.indexOf(10, from)) {
    line += 1;
    from = end + 1;
  }
  const remedy = `save the file as UTF-8 (iconv -f WINDOWS-1252 -t UTF-8 does it, where it came from a spreadsheet)`;
  throw new GaplineError('data-invalid', `${file}: line ${line} is not UTF-8; ${remedy} and try again`);
}

function linesIn(bytes: Buffer): number {
  let lines = 0;
  for (const byte of bytes) if (byte === 10) lines += 1;
  return lines;
}

/** @throws {GaplineError} `data-invalid` where the file is another than when it was opened. */
export async function checkUnchanged({ file, size, modifiedMs }: Source): Promise<void> {
  const now = await stat(file);
  if (now.size !== size || now.mtimeMs !== modifiedMs)
    throw new GaplineError('data-invalid', `${file}: was changed while it was read; try again`);
}
