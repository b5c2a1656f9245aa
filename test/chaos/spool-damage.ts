import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { checksum, decodeRecords } from '../../collector/spool/chunk.ts';
import type { KeyedRandom } from '../../core/numeric/random/keyed-random.ts';
import { identities } from '../line/identities.ts';

export interface Damage {
  /** In a few words, for a person. */
  readonly what: string;
  /** Readings that sat in the damaged part and cannot be read by anybody any more. */
  readonly excused: readonly string[];
  /** Readings that the file held. */
  readonly held: number;
}

interface Chunk {
  readonly id: number;
  readonly identities: readonly string[];
  /** The pages that carry it: those of its bytes, and those on the way to them. */
  readonly pages: ReadonlySet<number>;
}

const pageBytes = 4_096;

/**
 * Cuts a piece off a spool's file or flips one bit in it, while no collector runs. Excused is only what sat on a page that was hit, and
 * what SQLite alone does not give back with its checksum right.
 */
export function damageSpool(file: string, random: KeyedRandom): Damage {
  const chunks = withCopy(file, chunksOf);
  const { size } = statSync(file);
  const { what, hit } = random.next() < 0.5 ? cut(file, chunks, random) : flip(file, size, chunks, random);
  const suspects = chunks.filter(({ pages }) => [...pages].some(hit));
  const whole = withCopy(file, (copy) => new Set(suspects.filter(({ id }) => isWhole(copy, id)).map(({ id }) => id)));
  return {
    what,
    excused: suspects.filter(({ id }) => !whole.has(id)).flatMap(({ identities: inside }) => inside),
    held: chunks.reduce((sum, { identities: inside }) => sum + inside.length, 0),
  };
}

interface Stroke {
  readonly what: string;
  /** Whether a page, counted from 1, was hit. */
  readonly hit: (page: number) => boolean;
}

/** In an old file most pages are free; so the cut goes through those that carry something. */
function cut(file: string, chunks: readonly Chunk[], random: KeyedRandom): Stroke {
  const last = Math.max(1, ...chunks.flatMap(({ pages }) => [...pages]));
  const { size } = statSync(file);
  const left = Math.floor(last * pageBytes * (0.3 + 0.7 * random.next()));
  truncateSync(file, left);
  return { what: `cut from ${size} to ${left} bytes`, hit: (page) => page * pageBytes > left };
}

/** Mostly in a page that carries something. */
function flip(file: string, size: number, chunks: readonly Chunk[], random: KeyedRandom): Stroke {
  const carrying = [...new Set(chunks.flatMap(({ pages }) => [...pages]))];
  const page = carrying[Math.floor(random.next() * carrying.length)];
  const inside = Math.floor(random.next() * pageBytes);
  const at =
    page === undefined || random.next() < 0.2 ? Math.floor(size * random.next()) : (page - 1) * pageBytes + inside;
  const bytes = readFileSync(file);
  bytes[at] = bytes[at]! ^ (1 << Math.floor(8 * random.next()));
  writeFileSync(file, bytes);
  return { what: `one bit flipped at byte ${at} of ${size}`, hit: (hit) => hit === Math.floor(at / pageBytes) + 1 };
}

/** Looks at a copy, with the journal that belongs to it: looking would change the file itself. */
function withCopy<T>(file: string, look: (copy: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'gapline-spool-'));
  try {
    const copy = join(folder, 'spool.db');
    copyFileSync(file, copy);
    if (existsSync(`${file}-journal`)) copyFileSync(`${file}-journal`, `${copy}-journal`);
    return look(copy);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

interface Page {
  readonly path: string;
  readonly pageno: number;
  readonly pagetype: 'leaf' | 'internal' | 'overflow';
  readonly ncell: number;
}

/** Chunks and their pages, by SQLite's own account of the tree (https://sqlite.org/dbstat.html). */
function chunksOf(copy: string): Chunk[] {
  const db = new DatabaseSync(copy);
  try {
    const rows = db.prepare('SELECT id, payload FROM chunk ORDER BY id').all();
    const pages = db
      .prepare("SELECT path, pageno, pagetype, ncell FROM dbstat WHERE name = 'chunk' ORDER BY path")
      .all() as unknown as Page[];
    const places = pages
      .filter(({ pagetype }) => pagetype === 'leaf')
      .flatMap(({ path, ncell }) => Array.from({ length: ncell }, (_, cell) => ({ path, cell })));
    return rows.map(({ id, payload }, index) => {
      const { path, cell } = places[index]!;
      const own = `${path}${cell.toString(16).padStart(3, '0')}+`;
      const carrying = pages.filter((page) =>
        page.pagetype === 'overflow' ? page.path.startsWith(own) : path.startsWith(page.path),
      );
      return {
        id: Number(id),
        identities: identities(decodeRecords(payload as Uint8Array).map(({ value }) => JSON.parse(value.toString()))),
        pages: new Set(carrying.map(({ pageno }) => pageno)),
      };
    });
  } finally {
    db.close();
  }
}

/** Whether a chunk can still be read, and is what it was. */
function isWhole(copy: string, id: number): boolean {
  try {
    const db = new DatabaseSync(copy);
    try {
      const row = db.prepare('SELECT records, checksum, payload FROM chunk WHERE id = ?').get(id);
      return row !== undefined && checksum(id, Number(row.records), row.payload as Uint8Array) === row.checksum;
    } finally {
      db.close();
    }
  } catch {
    return false;
  }
}
