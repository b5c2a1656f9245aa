/**
 * The checksum of a record batch: CRC-32C (Castagnoli), eight bytes at a time ("slicing by 8", Kounavis and Berry 2005). Node's own `crc32`
 * has another polynomial.
 */
export function crc32c(bytes: Uint8Array, from = 0, to = bytes.length): number {
  let crc = -1;
  let at = from;
  for (const wide = to - 7; at < wide; at += 8) {
    crc ^= byte(bytes, at) | (byte(bytes, at + 1) << 8) | (byte(bytes, at + 2) << 16) | (byte(bytes, at + 3) << 24);
    crc =
      entry(1792 + (crc & 0xff)) ^
      entry(1536 + ((crc >>> 8) & 0xff)) ^
      entry(1280 + ((crc >>> 16) & 0xff)) ^
      entry(1024 + (crc >>> 24)) ^
      entry(768 + byte(bytes, at + 4)) ^
      entry(512 + byte(bytes, at + 5)) ^
      entry(256 + byte(bytes, at + 6)) ^
      entry(byte(bytes, at + 7));
  }
  for (; at < to; at += 1) crc = entry((crc ^ byte(bytes, at)) & 0xff) ^ (crc >>> 8);
  return ~crc >>> 0;
}

const byte = (bytes: Uint8Array, at: number): number => bytes[at] as number;
const entry = (at: number): number => tables[at] as number;

/** Table `n` is at 256 n: what a byte adds that `n` more bytes follow. */
const tables = new Int32Array(8 * 256);
for (let index = 0; index < 256; index += 1) {
  let value = index;
  for (let bit = 0; bit < 8; bit += 1) value = (value >>> 1) ^ (value & 1 ? 0x82f63b78 : 0);
  tables[index] = value;
}
for (let at = 256; at < tables.length; at += 1) {
  const before = entry(at - 256);
  tables[at] = entry(before & 0xff) ^ (before >>> 8);
}
