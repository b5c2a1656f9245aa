import { shorten } from './problem.ts';

/**
 * Reads the body of an answer of a server that may be anybody's.
 * @throws {Error} as soon as it is longer than that many bytes
 */
export async function readBody(response: Response, mostBytes: number): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of response.body ?? []) {
    length += part.length;
    if (length > mostBytes) throw new Error(`the response is longer than ${mostBytes} bytes`);
    parts.push(part);
  }
  return Buffer.concat(parts, length);
}

/** The beginning of what a body says that is not JSON, a proxy's page perhaps: on one line and without its tags. */
export function excerptOf(text: string): string {
  const plain = text.replaceAll(/<[^>]*>/g, ' ').replaceAll(/\s+/g, ' ');
  return shorten(plain.trim(), 300);
}
