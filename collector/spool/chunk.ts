import { crc32 } from 'node:zlib';
import type { LogRecord } from '../../core/log/port.ts';

const noKey = 0xffff_ffff;

/**
 * Encodes records one after the other: the length of the key, the key, the length of the value, the value. Lengths are 32 bits, little
 * endian; a record without a key has the length 2^32 - 1.
 */
export function encodeRecords(records: readonly LogRecord[]): Buffer {
  const keys = records.map(({ key }) => (key === null ? null : Buffer.from(key)));
  let size = 0;
  records.forEach(({ value }, index) => {
    size += 8 + (keys[index]?.byteLength ?? 0) + value.byteLength;
  });
  const bytes = Buffer.allocUnsafe(size);
  let at = 0;
  records.forEach(({ value }, index) => {
    const key = keys[index] ?? null;
    at = bytes.writeUInt32LE(key?.byteLength ?? noKey, at);
    if (key !== null) at += key.copy(bytes, at);
    at = bytes.writeUInt32LE(value.byteLength, at);
    bytes.set(value, at);
    at += value.byteLength;
  });
  return bytes;
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
