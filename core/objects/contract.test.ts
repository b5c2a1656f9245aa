import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ObjectServer, startVersitygw, versitygwIsHere } from '../../test/servers/versitygw.ts';
import { openFolder } from './folder.ts';
import type { ObjectInfo, ObjectStore } from './port.ts';
import { openS3 } from './s3.ts';

const bytes = (text: string): Uint8Array => Buffer.from(text);
const textIn = (found: Uint8Array | undefined) => found && Buffer.from(found).toString();
const odd = `readings/day=2026-01-01/device=a b+%2F~!'()*é😀/part.parquet`;

async function keysOf(store: ObjectStore, prefix: string): Promise<string[]> {
  const found: ObjectInfo[] = [];
  for await (const info of store.list(prefix)) found.push(info);
  return found.map(({ key }) => key).sort();
}

function obeys(open: () => ObjectStore): void {
  it('keeps objects whole, under any key', async () => {
    const store = open();
    for (const key of ['a/b', odd, 'empty']) await store.put(key, bytes(key === 'empty' ? '' : `of ${key}`));
    expect(textIn(await store.get(odd))).toBe(`of ${odd}`);
    expect(textIn(await store.get('empty'))).toBe('');
    await store.put('shared', new Uint8Array(new SharedArrayBuffer(3)).fill(0x41));
    expect(textIn(await store.get('shared'))).toBe('AAA');
    await store.delete('shared');
    await store.put('a/b', bytes('later'));
    expect(textIn(await store.get('a/b'))).toBe('later');
    const head = await store.head(odd);
    expect(head).toMatchObject({ key: odd, bytes: Buffer.byteLength(`of ${odd}`) });
    expect(Math.abs((head?.modifiedMs ?? 0) - Date.now())).toBeLessThan(600_000);
    expect(await keysOf(store, '')).toEqual(['a/b', 'empty', odd].sort());
  });

  it('lists by the beginning of a key, and forgets what is deleted', async () => {
    const store = open();
    for (const key of ['x/1', 'x/11', 'x/2', 'xy']) await store.put(key, bytes(key));
    expect(await keysOf(store, 'x/1')).toEqual(['x/1', 'x/11']);
    expect(await keysOf(store, 'x/')).toEqual(['x/1', 'x/11', 'x/2']);
    await store.delete('x/1');
    await store.delete('x/1');
    expect(await store.get('x/1')).toBeUndefined();
    expect(await store.head('x/1')).toBeUndefined();
    expect(await store.get('never/was')).toBeUndefined();
    expect(await keysOf(store, 'x/')).toEqual(['x/11', 'x/2']);
  });
}

describe('a folder', () => {
  const folder = mkdtempSync(join(tmpdir(), 'gapline-objects-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  let number = 0;
  obeys(() => openFolder(join(folder, `${number++}`)));

  it('keeps no versions, and says what does', async () => {
    const store = openFolder(join(folder, 'versions'));
    await expect(store.versions('a')).rejects.toMatchObject({
      code: 'config-invalid',
      message: expect.stringMatching(/bucket with versioning/),
    });
  });

  it('makes objects of files that others write, and forgets the rest of them', async () => {
    const place = join(folder, 'staged');
    const store = openFolder(place);
    const stages = [store.staging?.('x/'), store.staging?.('x/')] as const;
    mkdirSync(join(place, 'x'), { recursive: true });
    for (const staging of stages) for (const name of ['1', '2']) writeFileSync(`${staging?.path}${name}`, name);
    await stages[0]?.adopt('x/y/z', `${stages[0].path}1`);
    expect(await keysOf(store, '')).toEqual(['x/y/z']);
    expect(textIn(await store.get('x/y/z'))).toBe('1');
    await stages[0]?.clear();
    expect(readdirSync(join(place, 'x'))).toHaveLength(3);
    await expect(stages[0]?.adopt('x/y/z', `${stages[0].path}2`)).rejects.toMatchObject({ code: 'file-unusable' });
    await stages[1]?.clear();
    expect(readdirSync(join(place, 'x'))).toEqual(['y']);
  });

  it('shows nothing that a writer who died left behind, and removes it after a day', async () => {
    const place = join(folder, 'abandoned');
    mkdirSync(join(place, 'x'), { recursive: true });
    const store = openFolder(place);
    const [fresh, old] = ['x/a.part-1', 'x/a.part-2'].map((name) => join(place, name)) as [string, string];
    for (const file of [fresh, old]) writeFileSync(file, 'half');
    utimesSync(old, new Date(0), new Date(0));
    expect(await keysOf(store, '')).toEqual([]);
    expect([fresh, old].map((file) => existsSync(file))).toEqual([true, false]);
  });

  it('names what is in the way', async () => {
    const file = join(folder, 'file');
    writeFileSync(file, '');
    await expect(openFolder(file).put('a', bytes('x'))).rejects.toMatchObject({ code: 'file-unusable' });
  });
});

describe.skipIf(!versitygwIsHere())('a bucket of versitygw', { timeout: 60_000 }, () => {
  let server: ObjectServer;
  beforeAll(async () => {
    server = await startVersitygw();
    await server.makeBucket('plain');
    await server.makeBucket('versions', { versions: true });
  }, 240_000);
  afterAll(() => server?.stop());
  let number = 0;
  obeys(() => openS3(server.address('plain', `${number++}/`)));

  it('lists more objects than fit into one page', async () => {
    const store = openS3(server.address('plain', 'many/'));
    const keys = Array.from({ length: 1_003 }, (_, at) => `k${at}`).sort();
    for (let at = 0; at < keys.length; at += 50)
      await Promise.all(keys.slice(at, at + 50).map((key) => store.put(key, bytes('x'))));
    expect(await keysOf(store, '')).toEqual(keys);
  });

  it('gives older versions, even of what is deleted', async () => {
    const store = openS3(server.address('versions'));
    const versions: (string | undefined)[] = [];
    for (const text of ['one', 'two', 'three']) versions.push((await store.put('a/b', bytes(text))).version);
    await store.put('a/b2', bytes('another'));
    expect(await store.head('a/b')).toMatchObject({ version: versions[2] });
    await store.delete('a/b');
    expect(await store.get('a/b')).toBeUndefined();
    expect((await store.versions('a/b')).map(({ version }) => version)).toEqual(versions.toReversed());
    expect(textIn(await store.get('a/b', versions[0]))).toBe('one');
  });

  it('says that a bucket keeps no versions', async () => {
    const store = openS3(server.address('plain', 'v/'));
    await store.put('a', bytes('x'));
    await expect(store.versions('a')).rejects.toMatchObject({
      code: 'storage-refused',
      message: expect.stringMatching(/keeps no versions/),
    });
  });

  it('explains a wrong key, a wrong secret and a bucket that is not there', async () => {
    const of = (change: object) => openS3({ ...server.address('plain'), ...change });
    const login = { accessKeyId: 'gapline', secretAccessKey: 'wrong' };
    await expect(of({ login }).put('a', bytes('x'))).rejects.toMatchObject({
      code: 'storage-refused',
      message: expect.stringMatching(/check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY/),
    });
    await expect(of({ login: { ...login, accessKeyId: 'nobody' } }).get('a')).rejects.toMatchObject({
      code: 'storage-refused',
      message: expect.stringMatching(/check AWS_ACCESS_KEY_ID/),
    });
    for (const call of [(store: ObjectStore) => store.put('a', bytes('x')), (store: ObjectStore) => keysOf(store, '')])
      await expect(call(of({ bucket: 'nowhere' }))).rejects.toMatchObject({
        code: 'storage-refused',
        message: expect.stringMatching(/make the bucket nowhere first/),
      });
  });

  it('tries again while the server is gone, and succeeds when it is back', async () => {
    const store = openS3({ ...server.address('plain', 'gone/'), timing: { attempts: 100, firstDelayMs: 50 } });
    await server.kill();
    const hasty = openS3({ ...server.address('plain'), timing: { attempts: 2, firstDelayMs: 1 } });
    await expect(hasty.get('a')).rejects.toMatchObject({
      code: 'storage-unavailable',
      retryable: true,
      message: expect.stringMatching(/does not respond/),
    });
    const written = store.put('a', bytes('after all'));
    await server.restart();
    await written;
    expect(textIn(await store.get('a'))).toBe('after all');
  });
});
