import { inflateRawSync } from 'node:zlib';

const endOfDirectory = 0x06054b50;
const entryOfDirectory = 0x02014b50;
/** The end record is the last thing in the file, but for a comment of at most 65,535 bytes. */
const endBytes = 22;
const stored = 0;
const deflated = 8;

/**
 * One file out of a ZIP archive, without ZIP64. Source: PKWARE, APPNOTE.TXT, sections 4.3.7, 4.3.12 and 4.3.16.
 * @throws {Error} where the bytes are no such archive, or it has no such file
 */
export function readZipped(archive: Buffer, name: string): Buffer {
  let end = archive.length - endBytes;
  while (end >= 0 && archive.readUInt32LE(end) !== endOfDirectory) end--;
  if (end < 0) throw new Error('this is no ZIP archive');
  let at = archive.readUInt32LE(end + 16);
  for (let left = archive.readUInt16LE(end + 10); left > 0; left--) {
    if (archive.readUInt32LE(at) !== entryOfDirectory) throw new Error('the directory of the ZIP archive is damaged');
    const [nameBytes, extraBytes, commentBytes] = [28, 30, 32].map((offset) => archive.readUInt16LE(at + offset));
    const next = at + 46 + (nameBytes ?? 0) + (extraBytes ?? 0) + (commentBytes ?? 0);
    if (archive.toString('utf8', at + 46, at + 46 + (nameBytes ?? 0)) === name) return contentOf(archive, at);
    at = next;
  }
  throw new Error(`the ZIP archive has no ${name}`);
}

function contentOf(archive: Buffer, entry: number): Buffer {
  const method = archive.readUInt16LE(entry + 10);
  const bytes = archive.readUInt32LE(entry + 20);
  const header = archive.readUInt32LE(entry + 42);
  const from = header + 30 + archive.readUInt16LE(header + 26) + archive.readUInt16LE(header + 28);
  const content = archive.subarray(from, from + bytes);
  if (method === stored) return content;
  if (method === deflated) return inflateRawSync(content);
  throw new Error(`the ZIP archive is packed by method ${method}, which cannot be read here`);
}
