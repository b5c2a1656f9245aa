import { crc32 } from 'node:zlib';

/** The records of a batch that belong to one partition. */
export interface Slice {
  /** The id of its batch. */
  readonly batch: bigint;
  readonly partitionId: bigint;
  /** The offset of its first record. */
  readonly first: bigint;
  /** The offset behind its last record. */
  readonly next: bigint;
  readonly arrivedMs: number;
  /** Where it stands in the uncompressed bytes of the batch. */
  readonly from: number;
  readonly to: number;
  /** What it counts in the bytes of its partition. */
  readonly bytes: number;
}

/** Numbers that the file has of a slice. */
const columns = 7;

/** What a slice counts from an offset on. */
export function bytesFrom({ first, next, bytes }: Slice, offset: bigint): number {
  if (offset <= first) return bytes;
  if (offset >= next) return 0;
  return Math.ceil((bytes * Number(next - offset)) / Number(next - first));
}

/** Seven numbers of float64 a slice, and last a checksum of those. */
export function encodeSlices(slices: readonly Slice[]): Uint8Array {
  const numbers = new Float64Array(columns * slices.length + 1);
  for (const [at, { partitionId, first, next, arrivedMs, from, to, bytes }] of slices.entries())
    numbers.set([Number(partitionId), Number(first), Number(next), arrivedMs, from, to, bytes], columns * at);
  const bytes = new Uint8Array(numbers.buffer);
  numbers[numbers.length - 1] = crc32(bytes.subarray(0, -8));
  return bytes;
}

/** @throws {RangeError} where the bytes are damaged */
export function decodeSlices(batch: bigint, bytes: Uint8Array): Slice[] {
  const numbers = new Float64Array(Uint8Array.from(bytes).buffer);
  if (numbers.length % columns !== 1 || numbers.at(-1) !== crc32(bytes.subarray(0, -8)))
    throw new RangeError('its slices do not fit their checksum');
  return Array.from({ length: (numbers.length - 1) / columns }, (_, at): Slice => {
    const [id = 0, first = 0, next = 0, arrivedMs = 0, from = 0, to = 0, counted = 0] = numbers.subarray(columns * at);
    return {
      ...{ batch, partitionId: BigInt(id), first: BigInt(first), next: BigInt(next), arrivedMs },
      ...{ from, to, bytes: counted },
    };
  });
}
