import { crc32 } from 'node:zlib';
import type { LogRecord } from '../../core/log/port.ts';
import { decodeRecords, encodedSize, writeRecords } from '../spool/chunk.ts';

/** Frames begin at multiples of this: a write of one never touches a sector of another. */
export const sectorBytes = 512;

/** Bytes that no text in UTF-8 has, so nothing that a device sends looks like a frame. */
const magic = 0xfc_fd_fe_ff;
/** Magic number, length of the payload, number of records and checksum, 32 bits each; `last`, `confirmed` and `durable`, 64 bits each. */
const headBytes = 40;
const checksumAt = 12;

/** Places in the row of all records that a journal ever got, counted from 1. */
export interface Numbers {
  /** The last record of a frame; of one without records, the last that was written before. */
  readonly last: number;
  /** The last record that was confirmed when the frame was written. */
  readonly confirmed: number;
  /** The last record that was on the disk then: up to it, all were acknowledged. */
  readonly durable: number;
}

/** What was written together. */
export interface Frame extends Numbers {
  /** Where it begins in the file, and where the next one may. */
  readonly at: number;
  readonly end: number;
  readonly count: number;
  readonly payload: Uint8Array;
}

export const recordsOf = ({ payload }: Frame): LogRecord[] => decodeRecords(payload);

/** What a frame takes at the most. */
export const frameSize = (records: readonly LogRecord[]): number => wholeSectors(headBytes + encodedSize(records));

/** Encodes one frame after the other, each in the place of the one before. */
export class FrameEncoder {
  #bytes = Buffer.alloc(0);

  /** The bytes of a frame, up to a whole number of sectors; valid until the next one. Without records it only says what is confirmed. */
  encode(records: readonly LogRecord[], { last, confirmed, durable }: Numbers): Buffer {
    const room = frameSize(records);
    if (this.#bytes.length < room) this.#bytes = Buffer.alloc(room);
    const bytes = this.#bytes;
    const length = writeRecords(records, bytes, headBytes);
    const end = wholeSectors(length);
    bytes.fill(0, length, end);
    bytes.writeUInt32LE(magic, 0);
    bytes.writeUInt32LE(length - headBytes, 4);
    bytes.writeUInt32LE(records.length, 8);
    bytes.writeUInt32LE(0, checksumAt);
    bytes.writeDoubleLE(last, 16);
    bytes.writeDoubleLE(confirmed, 24);
    bytes.writeDoubleLE(durable, 32);
    bytes.writeUInt32LE(crc32(bytes.subarray(0, length)), checksumAt);
    return bytes.subarray(0, end);
  }
}

/** The sound frames of a file, in the order in which they were written; what is damaged or half written is not among them. */
export function readFrames(file: Buffer): Frame[] {
  const frames: Frame[] = [];
  for (let at = 0; at + headBytes <= file.length; ) {
    const frame = frameAt(file, at);
    if (frame) frames.push(frame);
    at = frame ? frame.end : at + sectorBytes;
  }
  return frames.sort((a, b) => a.last - b.last || a.confirmed - b.confirmed);
}

const wholeSectors = (bytes: number): number => Math.ceil(bytes / sectorBytes) * sectorBytes;

function frameAt(file: Buffer, at: number): Frame | undefined {
  if (file.readUInt32LE(at) !== magic) return undefined;
  const end = at + headBytes + file.readUInt32LE(at + 4);
  if (end > file.length) return undefined;
  const bytes = Buffer.from(file.subarray(at, end));
  const checksum = bytes.readUInt32LE(checksumAt);
  bytes.writeUInt32LE(0, checksumAt);
  if (crc32(bytes) !== checksum) return undefined;
  return {
    at,
    end: wholeSectors(end),
    last: bytes.readDoubleLE(16),
    confirmed: bytes.readDoubleLE(24),
    durable: bytes.readDoubleLE(32),
    count: bytes.readUInt32LE(8),
    payload: bytes.subarray(headBytes),
  };
}
