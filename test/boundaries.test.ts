import { expect, test } from 'vitest';
import { circlesOf, importsOf, sources, textOf } from './import-graph.ts';
import { contents, mayImport, mayImportAll } from './rooms.ts';

/**
 * Rooms inside a folder, and which of the others there each may import; `core/model` and `core/log` stand for the files directly in
 * them. Two engines of the log know nothing of each other.
 */
const innerRooms: Record<string, Record<string, readonly string[]>> = {
  'core/model': {
    'core/model/rows.ts': [],
    'core/model/forest': ['core/model/rows.ts'],
    'core/model/impute': ['core/model/rows.ts'],
    'core/model/linear': [],
    'core/model/series': ['core/model/linear'],
    'core/model/neighbours': ['core/model/rows.ts', 'core/model/impute'],
    'core/model/kinds': ['core/model/rows.ts', 'core/model/forest', 'core/model/linear', 'core/model/series'],
    'core/model': [
      'core/model/rows.ts',
      'core/model/forest',
      'core/model/impute',
      'core/model/linear',
      'core/model/series',
      'core/model/neighbours',
      'core/model/kinds',
    ],
    'core/model/registry': ['core/model'],
    'core/model/fixtures': ['core/model', 'core/model/registry'],
  },
  'core/log': {
    'core/log/kafka': ['core/log', 'core/log/contract'],
    'core/log/sqlite': ['core/log', 'core/log/contract'],
    'core/log/contract': ['core/log'],
    'core/log': ['core/log/kafka', 'core/log/sqlite', 'core/log/contract'],
  },
};

function folderOf(file: string): string {
  return /^(core\/)?[^/]+/.exec(file)?.[0] ?? file;
}

/** The room of a file inside its folder: the file itself where the table names it, else the folder that it stands in. */
function innerRoomOf(file: string): string {
  const [first, second, third, ...rest] = file.split('/');
  const folder = `${first}/${second}`;
  const inside = `${folder}/${third}`;
  return rest.length > 0 || innerRooms[folder]?.[inside] ? inside : folder;
}

/** Tests may start real servers, and read the examples. */
const allowed = (from: string, to: string, file: string) =>
  from === to ||
  mayImportAll.includes(from) ||
  mayImport[from]?.includes(to) ||
  (file.endsWith('.test.ts') && ['test', 'examples'].includes(to));

/** Tests, and what only they import: contract suites and what finds a server for them. */
const isForTests = (file: string) => /\.test\.ts$|\/(contract|testing|power-loss)\/|\/testing\.ts$/.test(file);

function violations(file: string, text: string): string[] {
  const from = folderOf(file);
  return importsOf(file, text)
    .filter((target) => target.includes('/') && !allowed(from, folderOf(target), file))
    .map((target) => `${file} imports ${target}`);
}

/** Tests put things together as they like. */
function innerViolations(file: string, text: string): string[] {
  const rooms = innerRooms[folderOf(file)];
  if (!rooms || isForTests(file)) return [];
  const from = innerRoomOf(file);
  const may = [from, ...(rooms[from] ?? [])];
  return importsOf(file, text)
    .filter((target) => folderOf(target) === folderOf(file) && !may.includes(innerRoomOf(target)))
    .map((target) => `${file} imports ${target}`);
}

test('every folder with code is in the table', () => {
  const folders = new Set(sources().map(folderOf));
  const known = new Set([...Object.keys(mayImport), ...mayImportAll]);
  expect([...folders].filter((folder) => !known.has(folder))).toEqual([]);
});

test('the picture says of every room what lives there', () => {
  expect(Object.keys(contents).sort()).toEqual([...Object.keys(mayImport), 'cli'].sort());
});

test('no import goes outside the table', () => {
  const found = sources().flatMap((file) => violations(file, textOf(file)));
  expect(found).toEqual([]);
});

test('an import outside the table is found, whatever its form', () => {
  const text =
    "import { a } from '../../collector/a.ts';\nconst b = await import('../store/port.ts');\nimport './own.ts';";
  expect(violations('core/log/sqlite.ts', text)).toEqual([
    'core/log/sqlite.ts imports collector/a.ts',
    'core/log/sqlite.ts imports core/store/port.ts',
  ]);
});

test('every room inside a folder is in its table, and imports what the table says', () => {
  const inside = sources().filter((file) => folderOf(file) in innerRooms);
  const unknown = inside.map(innerRoomOf).filter((room) => !Object.values(innerRooms).some((rooms) => room in rooms));
  expect(unknown).toEqual([]);
  expect(inside.flatMap((file) => innerViolations(file, textOf(file)))).toEqual([]);
});

test('an import between two rooms that the table keeps apart is found', () => {
  const text = "import { a } from '../sqlite/tail.ts';\nimport type { B } from '../port.ts';\nimport './own.ts';";
  expect(innerViolations('core/log/kafka/member.ts', text)).toEqual([
    'core/log/kafka/member.ts imports core/log/sqlite/tail.ts',
  ]);
  expect(innerViolations('core/model/forest/train.ts', "import type { Model } from '../model.ts';")).toEqual([
    'core/model/forest/train.ts imports core/model/model.ts',
  ]);
});

test('no files import each other in a circle, types included', () => {
  const imports = new Map(sources().map((file) => [file, importsOf(file, textOf(file))]));
  expect(circlesOf(imports)).toEqual([]);
});

test('a circle is found, however long, and a diamond is none', () => {
  const around = { 'a.ts': ['b.ts'], 'b.ts': ['c.ts', 'd.ts'], 'c.ts': ['d.ts'], 'd.ts': ['b.ts'] };
  expect(circlesOf(new Map(Object.entries(around)))).toEqual(['b.ts → c.ts → d.ts → b.ts']);
  const diamond = { 'a.ts': ['b.ts', 'c.ts'], 'b.ts': ['d.ts'], 'c.ts': ['d.ts'] };
  expect(circlesOf(new Map(Object.entries(diamond)))).toEqual([]);
});

test('only the command line reads the environment, signals and exits', () => {
  const stages = sources().filter((file) => !mayImportAll.includes(folderOf(file)) && !isForTests(file));
  const found = stages.filter((file) => /\bprocess\.(env|exit|argv)\b|process\.on\(/.test(textOf(file)));
  expect(found).toEqual([]);
});

test("only `validate` calls zod's safeParse, which throws for some values from outside", () => {
  const found = sources().filter((file) => !isForTests(file) && /\bsafe(Parse|Decode)(Async)?\b/.test(textOf(file)));
  expect(found).toEqual(['core/wire/validate.ts']);
});
