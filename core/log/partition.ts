import type { LogRecord } from './port.ts';

const seed = 0x9747b28c;
const mixer = 0x5bd1e995;

/**
 * Kafka's 32-bit murmur2, so that a key has the same partition on every engine and in every other Kafka client.
 * Source: `Utils.murmur2` of Apache Kafka's Java client.
 */
export function murmur2(data: Uint8Array): number {
  const whole = data.length & ~3;
  let hash = seed ^ data.length;
  for (let at = 0; at < whole; at += 4) {
    let word = data[at]! | (data[at + 1]! << 8) | (data[at + 2]! << 16) | (data[at + 3]! << 24);
    word = Math.imul(word, mixer);
    word ^= word >>> 24;
    hash = Math.imul(hash, mixer) ^ Math.imul(word, mixer);
  }
  const rest = data.length - whole;
  if (rest > 2) hash ^= data[whole + 2]! << 16;
  if (rest > 1) hash ^= data[whole + 1]! << 8;
  if (rest > 0) hash = Math.imul(hash ^ data[whole]!, mixer);
  hash = Math.imul(hash ^ (hash >>> 13), mixer);
  return hash ^ (hash >>> 15);
}

/** Chooses the partition of a key; of records without one, the next in turn. */
export type Partitioner = (key: string | null, partitions: number) => number;

/** What chooses the partition of a record. */
export const partitioningKey = ({ key, partitionKey }: LogRecord): string | null => partitionKey ?? key;

/** The most keys whose hash is remembered; devices come back all the time. */
const maxRemembered = 100_000;

export function createPartitioner(): Partitioner {
  const hashes = new Map<string, number>();
  let turn = 0;

  return (key, partitions) => {
    if (key === null) {
      turn = (turn + 1) % 0x7fffffff;
      return turn % partitions;
    }
    let hash = hashes.get(key);
    if (hash === undefined) {
      hash = murmur2(Buffer.from(key)) & 0x7fffffff;
      if (hashes.size >= maxRemembered) hashes.clear();
      hashes.set(key, hash);
    }
    return hash % partitions;
  };
}
