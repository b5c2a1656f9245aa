import { createCipheriv, createHash } from 'node:crypto';
import type { ObjectRows } from './rows.ts';

/** Nothing is encrypted, so there is nothing that a changing one would keep secret. */
const initialVector = Buffer.alloc(12);

/**
 * A digest of what rows hold, whatever they are written in: 128 bits in hexadecimal. All that has no length of its own is digested by
 * SHA-256; of the columns it takes the tag of AES-GCM, a polynomial over their bytes, in a tenth of the time. That tag tells apart what
 * comes to be different, not what is made to look the same by one who chooses the numbers (docs/decisions/0027).
 */
export function contentOf(rows: ObjectRows): string {
  const { device, columns, count, times, values, truths, truth, ends } = rows;
  const head = JSON.stringify({ layout: 2, device, columns, count, truths });
  const key = createHash('sha256').update(head).digest();
  const cipher = createCipheriv('aes-256-gcm', key, initialVector);
  for (const column of [times, ...values, truth, ends]) cipher.setAAD(column);
  cipher.final();
  return createHash('sha256').update(key).update(cipher.getAuthTag()).digest('hex').slice(0, 32);
}
