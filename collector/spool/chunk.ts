import { crc32 } from 'node:zlib';
import type { LogRecord } from '../../core/log/port.ts';

const noKey = 0xffff_ffff;

/**
 * Encodes records one after the other: the length of the key, the key, the length of the value, the value. Lengths are 32 bits, little
 * endian; a record without a key has the length 2^32 - 1.
 */
export function encodeRecords(records: readonly LogRecord[]): Buffer {
  const bytes = Buffer.allocUnsafe(encodedSize(records));
  return bytes.subarray(0, writeRecords(records, bytes, 0));
}

/** What records take at the most when they are encoded; a character of a key is taken for three bytes. */
export function encodedSize(records: readonly LogRecord[]): number {
  let size = 0;
  for (const { key, value } of records) size += 8 + 3 * (key?.length ?? 0) + value.byteLength;
  return size;
}

/** Encodes records into bytes from a place on, where there has to be room for them, and returns the place behind them. */
export function writeRecords(records: readonly LogRecord[], bytes: Buffer, from: number): number {
  let at = from;
  for (const { key, value } of records) {
    const written = key === null ? 0 : bytes.write(key, at + 4);
    bytes.writeUInt32LE(key === null ? noKey : written, at);
    at = bytes.writeUInt32LE(value.byteLength, at + 4 + written);
    bytes.set(value, at);
    at += value.byteLength;
  }
  return at;
}

/** Decodes what {@link encodeRecords} wrote. The values share the memory of `bytes`. */
export function decodeRecords(bytes: Uint8Array): LogRecord[] {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const records: LogRecord[] = [];
  for (let at = 0; at < buffer.length; ) {
    const keyLength = buffer.readUInt32LE(at);
    const keyEnd = at + 4 + (keyLength === noKey ? 0 : keyLength);
    const key = keyLength === noKey ? null : buffer.toString('utf8', at + 4, keyEnd);
    const valueEnd = keyEnd + 4 + buffer.readUInt32LE(keyEnd);
    records.push({ key, value: buffer.subarray(keyEnd + 4, valueEnd) });
    at = valueEnd;
  }
  return records;
}

/** The checksum of a chunk: over its number, the count of its records, and their bytes. */
export function checksum(id: number, records: number, payload: Uint8Array): number {
  const head = Buffer.alloc(16);
  head.writeDoubleLE(id, 0);
  head.writeDoubleLE(records, 8);
  return crc32(payload, crc32(head));
}
