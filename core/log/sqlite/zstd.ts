import { promisify } from 'node:util';
import { constants, zstdCompress, zstdCompressSync, zstdDecompressSync } from 'node:zlib';

/** No block is larger when it is unpacked, whatever a damaged file says. */
const maxUnpackedBytes = 256 << 20;
/** Where a frame says that it is larger than blocks and batches are, its bytes are made room for as they come. */
const maxTrustedBytes = 16 << 20;
/** In pieces of 16 KB, the default, hundreds of kilobytes take half as long again. */
const pieceBytes = 64 << 10;

const zstd = promisify(zstdCompress);
const paramsOf = (level: number) => ({
  [constants.ZSTD_c_compressionLevel]: level,
  // A flipped bit is reported, not returned as a reading.
  [constants.ZSTD_c_checksumFlag]: 1,
});

/** Measured in docs/decisions/0018-blocks-of-the-log.md: level 3 is three times as fast and a quarter larger. */
const small = { params: paramsOf(6) };
/** Faster than to write what it saves to the disk. */
const quick = { params: paramsOf(1) };

/** Compresses in the thread pool. */
export const compress = (bytes: Uint8Array, isQuick = false): Promise<Buffer> =>
  zstd(bytes, { ...(isQuick ? quick : small), pledgedSrcSize: bytes.byteLength });

/** Compresses while others wait. */
export const compressAtOnce = (bytes: Uint8Array): Buffer => zstdCompressSync(bytes, quick);

/** @throws {Error} where the bytes are damaged */
export function decompress(bytes: Uint8Array): Buffer {
  const size = unpackedSize(bytes);
  // With a byte to spare all comes in one piece, which need not be put together with others: half of the memory that the collector of
  // garbage sees.
  const chunkSize = size === undefined || size > maxTrustedBytes ? pieceBytes : Math.max(64, size + 1);
  return zstdDecompressSync(bytes, { maxOutputLength: maxUnpackedBytes, chunkSize });
}

/**
 * How large a frame says that it is when it is unpacked: RFC 8878, 3.1.1.1. Undefined where it does not say so, as of blocks that older
 * versions merged.
 */
export function unpackedSize(bytes: Uint8Array): number | undefined {
  const descriptor = bytes[4] ?? 0;
  const isSingle = (descriptor & 0x20) !== 0;
  const flag = descriptor >> 6;
  if (flag === 0 && !isSingle) return undefined;
  const at = 5 + (isSingle ? 0 : 1) + ([0, 1, 2, 4][descriptor & 3] ?? 0);
  const length = 1 << flag;
  if (at + length > bytes.byteLength) return undefined;
  let size = 0;
  for (let byte = length - 1; byte >= 0; byte--) size = size * 256 + (bytes[at + byte] ?? 0);
  return flag === 1 ? size + 256 : size;
}
