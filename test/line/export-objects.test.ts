import { once } from 'node:events';
import { cpSync, existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer, request, type Server } from 'node:http';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Dataset } from '../../core/dataset/dataset.ts';
import { openS3 } from '../../core/objects/s3.ts';
import { openExport } from '../../core/partitions/read.ts';
import type { Point } from '../../core/wire/point.ts';
import { maxTimeNs, minTimeNs } from '../../core/wire/time.ts';
import { readArchive } from '../../training/archive.ts';
import { type ObjectServer, startVersitygw, versitygwIsHere } from '../servers/versitygw.ts';
import { addToArchive, days, devices, spambaseFields, spambasePoints } from './filled-archive.ts';
import { type Ended, gapline, spambase, temporaryFolder } from './gapline.ts';

const count = 600;
const range = '2026-01-01T00:00:00Z..';

/** A stream with an archive of its own; its models go to its folder. */
async function stream() {
  const folder = temporaryFolder();
  cpSync(dirname(spambase), folder, { recursive: true });
  rmSync(join(folder, 'models/spambase/2'), { recursive: true, force: true });
  const data = join(folder, 'state');
  const config = ['--config', join(folder, 'stream.yaml')];
  const points = await spambasePoints(count);
  await addToArchive(data, points);
  return {
    ...{ folder, points, data },
    late: (extra: number) =>
      addToArchive(
        data,
        points.slice(0, extra).map((point) => ({ ...point, device: 'late' })),
      ),
    exportTo: (to: string, env: NodeJS.ProcessEnv = {}, ...more: string[]) =>
      gapline(['export', 'readings', ...config, '--data', data, '--log-level', 'error', '--to', to, ...more], { env }),
    /** The forest that was trained, byte by byte, and where its rows were. */
    async trained(name: string, args: readonly string[], env: NodeJS.ProcessEnv = {}) {
      const sets = ['--set', `model.name=${name}`, '--set', 'training.trees=3'];
      const ended = await gapline(['train', ...config, ...sets, ...args], { env }).ended;
      if (ended.code !== 0) return { ended };
      const model = join(folder, 'models', name, '1');
      const { metrics, histograms, lineage } = JSON.parse(readFileSync(join(model, 'model.json'), 'utf8'));
      const forest = readFileSync(join(model, 'forest.json.gz'), 'base64');
      return { ended, source: lineage.data.source, same: { metrics, histograms, forest, sha: lineage.data.sha256 } };
    },
  };
}

const said = ({ code, stdout, stderr }: Ended) => ({ code, stdout, stderr: code === 0 ? '' : stderr });

function filesIn(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true }).flatMap((each) =>
    each.isFile() ? [join(each.parentPath, each.name)] : [],
  );
}

test('a model from an exported folder is the model from the archive; a killed export is repeated safely', {
  timeout: 300_000,
}, async () => {
  const { folder, data, exportTo, trained } = await stream();
  const to = join(folder, 'exported');
  const killed = exportTo(to, {}, '--format', 'parquet');
  await expect.poll(() => filesIn(to).length, { timeout: 60_000, interval: 1 }).toBeGreaterThan(0);
  killed.kill('SIGKILL');
  await killed.ended;
  // It may have been faster than the signal; what is not whole must not be read in any case.
  if (!existsSync(join(to, 'manifest.json')))
    expect((await trained('half', ['--data', to])).ended).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/holds no export/),
    });
  expect(said(await exportTo(to, {}, '--format', 'parquet').ended)).toMatchObject({
    code: 0,
    stdout: expect.stringContaining(`${count} readings in ${devices * days} objects in ${to}, as of`),
  });
  expect(filesIn(to).filter((file) => !file.includes('.part-'))).toHaveLength(devices * days + 1);
  const archived = await trained('archived', ['--data', data, '--from', 'archive', '--range', range]);
  const exported = await trained('exported', ['--data', to]);
  expect(said(exported.ended)).toMatchObject({ code: 0 });
  expect(exported.same).toEqual(archived.same);
  expect(exported.source).toBe('exported');
});

describe.skipIf(!versitygwIsHere())('on a real object storage', () => {
  let server: ObjectServer;
  beforeAll(async () => {
    server = await startVersitygw();
    await server.makeBucket('gapline', { versions: true });
  }, 300_000);
  afterAll(() => server?.stop());

  /** What is learnt from an export, as another process finds it. */
  const learnt = async (prefix: string, asOf?: string) => {
    const exported = await openExport(openS3(server.address('gapline', prefix)), asOf);
    const all = { from: minTimeNs.toString(), to: maxTimeNs.toString() };
    return await readArchive({
      store: exported,
      stream: 'spambase',
      fields: await spambaseFields(),
      range: all,
      place: '',
    });
  };

  test('a bucket with versions gives the model of the archive, and that of an earlier time', {
    timeout: 300_000,
  }, async () => {
    const { data, exportTo, trained, late } = await stream();
    const { env } = server;
    const place = 's3://gapline/sites/one';
    const first = await exportTo(place, env).ended;
    const objects = devices * days;
    expect(said(first)).toMatchObject({
      code: 0,
      stdout: expect.stringContaining(`${count} readings in ${objects} objects`),
    });
    const asOf = /as of (\S+)/.exec(first.stdout)?.[1] ?? '';
    const archived = await trained('archived', ['--data', data, '--from', 'archive', '--range', range]);
    await late(100);
    const second = await exportTo(place, env).ended;
    expect(said(second).stdout).toMatch(/^700 readings in 36 objects.*\n6 objects written, 0 taken over/);
    expect((await learnt('sites/one/')).count).toBeGreaterThan((await learnt('sites/one/', asOf)).count);
    const then = await trained('then', ['--data', place, '--as-of', asOf], env);
    expect(said(then.ended)).toMatchObject({ code: 0 });
    expect(then.same).toEqual(archived.same);
    await expect(learnt('sites/one/', '2020-01-01T00:00:00Z')).rejects.toThrow(/no export that is kept/);
  });

  test('an export that is killed leaves nothing to be seen, and one that follows doubles nothing', {
    timeout: 300_000,
  }, async () => {
    const { points, exportTo } = await stream();
    const place = 's3://gapline/killed';
    const gate = await startGate(server.url, 10);
    const killed = exportTo(place, { ...server.env, AWS_ENDPOINT_URL: gate.url });
    await gate.shut;
    killed.kill('SIGKILL');
    await killed.ended;
    await gate.close();
    await expect(learnt('killed/')).rejects.toThrow(/holds no export/);
    const repeated = await exportTo(place, server.env).ended;
    expect(said(repeated).stdout).toMatch(/^600 readings in 30 objects.*\n20 objects written, 10 taken over/);
    expect(identities(await learnt('killed/'))).toEqual(withTruth(points));
  });

  test('an export resumes when the storage that was killed is back', { timeout: 300_000 }, async () => {
    const { points, exportTo } = await stream();
    const gate = await startGate(server.url, 10);
    const exporting = exportTo('s3://gapline/outage', { ...server.env, AWS_ENDPOINT_URL: gate.url });
    await gate.shut;
    await server.kill();
    gate.open();
    await gate.failed;
    await server.restart();
    expect(said(await exporting.ended)).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('600 readings in 30 objects'),
    });
    await gate.close();
    expect(identities(await learnt('outage/'))).toEqual(withTruth(points));
  });
});

/** Device and time of every row, as a list: a row that is there twice is seen. */
const identities = ({ devices: named, times }: Dataset): string[] =>
  Array.from(times ?? [], (time, row) => `${named?.names[named.index[row] ?? -1]} ${time}`).sort();

const withTruth = (points: readonly Point[]): string[] =>
  points.flatMap(({ device, time, fields }) => ('truth' in fields ? [`${device} ${time}`] : [])).sort();

/** Stands before a server and lets so many writes through; those behind wait until it opens. */
async function startGate(target: string, writes: number) {
  const [shut, opened, failed] = Array.from({ length: 3 }, () => Promise.withResolvers<void>());
  if (!shut || !opened || !failed) throw new Error('no gate');
  let left = writes;
  const server: Server = createServer(async (incoming, outgoing) => {
    if (incoming.method === 'PUT') {
      left -= 1;
      if (left < 0) {
        shut.resolve();
        await opened.promise;
      }
    }
    // The signature covers the name of the host as the client sent it, so that stays.
    const { url, method, headers } = incoming;
    const onwards = request(target + url, { method, headers }, (response) => {
      outgoing.writeHead(response.statusCode ?? 502, response.headers);
      response.pipe(outgoing);
    });
    onwards.on('error', () => {
      failed.resolve();
      outgoing.writeHead(503).end();
    });
    incoming.pipe(onwards);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    url: `http://127.0.0.1:${address.port}`,
    shut: shut.promise,
    failed: failed.promise,
    open: () => opened.resolve(),
    async close() {
      opened.resolve();
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
