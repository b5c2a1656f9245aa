import { crc32 } from 'node:zlib';
import { compressAtOnce, decompress } from './zstd.ts';

/** Of so many bytes zstd costs more than the pages that it saves, and they are merged, and compressed, soon. */
const largestPlain = 64 << 10;
/** What zstd writes begins so (RFC 8878, 3.1.1); what is plain, with a number of records, whose first four bytes are zero. */
const magic = 0xfd2fb528;
const checksumBytes = 4;

/** Room for so many bytes of records and what is kept with them. */
export const roomFor = (size: number): Buffer => Buffer.allocUnsafeSlow(size + checksumBytes);

/** The bytes of records in such room. */
export const bytesIn = (room: Buffer): Buffer => room.subarray(0, -checksumBytes);

/** What the file keeps: few bytes as they are, with their CRC-32 behind them, more of them compressed. */
export function dataOf(room: Buffer): Uint8Array {
  const bytes = bytesIn(room);
  if (bytes.length > largestPlain) return compressAtOnce(bytes);
  room.writeUInt32LE(crc32(bytes), bytes.length);
  return room;
}

/**
 * The bytes of records.
 * @throws {Error} where what the file has is damaged
 */
export function bytesOf(data: Uint8Array): Buffer {
  const room = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  if (room.length <= checksumBytes) throw new RangeError('it ends too early');
  if (room.readUInt32LE() === magic) return decompress(data);
  const bytes = bytesIn(room);
  if (room.readUInt32LE(bytes.length) !== crc32(bytes)) throw new RangeError('its records do not fit their checksum');
  return bytes;
}
