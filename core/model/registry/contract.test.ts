import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { artifactFolder, startMlflow } from '../../../test/servers/mlflow.ts';
import type { ServerHandle } from '../../../test/servers/process.ts';
import { describeWithPython } from '../../../test/servers/python.ts';
import { describeError } from '../../wire/errors.ts';
import { type Draft, encodeArtifact } from '../artifact.ts';
import type { Model } from '../model.ts';
import { sampleDraft } from '../testing.ts';
import { openRegistry } from './folder.ts';
import type { Move } from './history.ts';
import { openMlflow } from './mlflow.ts';
import type { ServingOptions } from './open.ts';
import type { Registry } from './port.ts';
import { promote, rollback } from './promotion.ts';

/** What a registry must do, whatever keeps it; and what only MLflow can do wrong. */

const versionSchema = z.object({ model_version: z.object({ source: z.string(), run_id: z.string() }) });
const keyed = z.array(z.object({ key: z.string(), value: z.unknown() }));
const runSchema = z.object({
  run: z.object({
    info: z.object({ status: z.string(), run_id: z.string() }),
    data: z.object({ params: keyed, metrics: keyed }),
  }),
});

const stepsSchema = z.object({ metrics: z.array(z.object({ step: z.coerce.number(), value: z.number() })) });
const filesSchema = z.object({ files: z.array(z.object({ path: z.string() })) });

const newRun = z.object({ run: z.object({ info: z.object({ run_id: z.string() }) }) });

type Options = Omit<ServingOptions, 'name'>;

/** One engine with an empty model, and what its users may do behind Gapline's back. */
interface Place {
  open(options?: Options): Registry;
  /** Overwrites a file of a version. */
  spoil(version: number, file: string, bytes: string): Promise<void>;
  /** Moves an alias without Gapline. */
  move(alias: string, version: number): Promise<void>;
}

/** The machine may be busy. */
const patient = { timeout: 60_000, interval: 50 };
const slow = 120_000;

let draft: Draft;
let other: Draft;
beforeAll(async () => {
  draft = await sampleDraft();
  other = await sampleDraft({ seed: 2 });
});

const versionOf = async (model: Promise<Model>) => (await model).identity.version;

/** What a watch reports. */
class Watched {
  readonly changed: number[] = [];
  readonly refused: string[] = [];
  readonly away: (string | undefined)[] = [];
  /** The history that was reported last. */
  history: readonly Move[] = [];
  #watch: { stop(): Promise<void> } | undefined;

  async start(registry: Registry): Promise<this> {
    this.#watch = registry.watch?.(await registry.current(), {
      onChange: (model) => void this.changed.push(model.identity.version),
      onRefused: (error) => void this.refused.push(describeError(error)),
      onHistory: (moves) => {
        this.history = moves;
      },
      onRegistry: (error) => void this.away.push(error === undefined ? undefined : describeError(error)),
    });
    return this;
  }

  async stop(): Promise<void> {
    await this.#watch?.stop();
  }
}

function registryContract(place: () => Place): void {
  let registry: Registry;
  beforeEach(() => {
    registry = place().open();
  });

  it('counts versions up, and each stays as it was made', { timeout: slow }, async () => {
    expect(await registry.versions()).toEqual([]);
    expect(await registry.resolve('champion')).toBeUndefined();
    expect((await registry.publish(draft)).version).toBe(1);
    expect((await registry.publish(other)).version).toBe(2);
    expect(await registry.versions()).toEqual([1, 2]);
    const { name, version, ...manifest } = await registry.manifest(1);
    expect(manifest).toEqual(draft.manifest);
    expect(version).toBe(1);
    expect((await registry.load(2)).identity).toEqual({ name, version: 2 });
    expect((await registry.artifact(2)).files).toEqual(other.files);
    await expect(registry.load(3)).rejects.toMatchObject({
      code: 'model-missing',
      message: expect.stringMatching(/no version 3; there are versions 1, 2/),
    });
  });

  it('lets aliases name versions; without a champion the highest serves', { timeout: slow }, async () => {
    await registry.publish(draft);
    await registry.publish(other);
    expect(await versionOf(registry.current())).toBe(2);
    await registry.point('champion', 1);
    expect(await versionOf(registry.current())).toBe(1);
    expect(await versionOf(place().open({ alias: '2' }).current())).toBe(2);
    await registry.point('previous', 2);
    expect(Object.fromEntries(await registry.aliases())).toEqual({ champion: 1, previous: 2 });
    expect(await registry.resolve('nobody')).toBeUndefined();
    await registry.forget('champion');
    await registry.forget('nobody');
    expect(await registry.resolve('champion')).toBe(2);
    await expect(registry.point('champion', 4)).rejects.toMatchObject({ code: 'model-missing' });
    for (const alias of ['4', '../m', '', '.hidden'])
      await expect(registry.point(alias, 1)).rejects.toMatchObject({ code: 'model-invalid' });
    expect(Object.fromEntries(await registry.aliases())).toEqual({ previous: 2 });
  });

  it('promotes and rolls back, and knows who served when', { timeout: slow }, async () => {
    await registry.publish(draft);
    await registry.publish(other);
    await registry.point('champion', 1);
    await promote(registry, 2, { who: 'ada', by: 'f1 0.97 > 0.96' });
    expect(Object.fromEntries(await registry.aliases())).toEqual({ champion: 2, previous: 1 });
    await rollback(registry, 'bob');
    expect(Object.fromEntries(await registry.aliases())).toEqual({ champion: 1, previous: 2 });
    expect(await registry.history()).toEqual([
      { at: expect.any(String), from: 1, to: 2, who: 'ada', by: 'f1 0.97 > 0.96' },
      { at: expect.any(String), from: 2, to: 1, who: 'bob', by: 'rollback' },
    ]);
  });

  it('follows an alias that somebody moves, and writes down that it was seen', { timeout: slow }, async () => {
    await registry.publish(draft);
    await registry.publish(other);
    await registry.point('champion', 1);
    const watched = await new Watched().start(registry);
    try {
      // Only a move after the first look is one that a watch can see.
      await promote(registry, 2);
      await expect.poll(() => watched.changed, patient).toEqual([2]);
      await place().move('champion', 1);
      await expect.poll(() => watched.changed, patient).toEqual([2, 1]);
      const [own, seen] = await registry.history();
      expect(own).toEqual({ at: expect.any(String), from: 1, to: 2 });
      expect(seen).toEqual({ at: expect.any(String), from: 2, to: 1, seen: true });
      await expect.poll(() => watched.history, patient).toEqual([own, seen]);
      expect(watched.refused).toEqual([]);
    } finally {
      await watched.stop();
    }
  });

  it("takes a promotion that is under way when a watch begins for nobody else's", { timeout: slow }, async () => {
    await registry.publish(draft);
    await registry.publish(other);
    await registry.point('champion', 1);
    let looks = 0;
    const counting = place().open({
      choose(named) {
        looks += 1;
        return named;
      },
    });
    const under = { at: new Date().toISOString(), from: 1, to: 2, who: 'ada' };
    await registry.record(under);
    const watched = await new Watched().start(counting);
    try {
      const before = looks;
      await expect.poll(() => looks, patient).toBeGreaterThan(before + 1);
      await registry.point('champion', 2);
      await expect.poll(() => watched.changed, patient).toEqual([2]);
      await expect.poll(() => watched.history, patient).toEqual([under]);
      expect(await registry.history()).toEqual([under]);
    } finally {
      await watched.stop();
    }
  });

  it('refuses a version that is unsound once, continues, and takes the next one', { timeout: slow }, async () => {
    await registry.publish(draft);
    await registry.publish(other);
    await registry.point('champion', 1);
    await place().spoil(2, 'forest.json.gz', 'no forest');
    const watched = await new Watched().start(registry);
    try {
      await registry.point('champion', 2);
      await expect.poll(() => watched.refused, patient).toHaveLength(1);
      expect(watched.refused[0]).toMatch(/forest\.json\.gz is corrupt/);
      await registry.publish(draft);
      await registry.point('champion', 3);
      await expect.poll(() => watched.changed, patient).toEqual([3]);
      expect(watched.refused).toHaveLength(1);
    } finally {
      await watched.stop();
    }
  });

  it('refuses a version that fails its own test, or has other fields', { timeout: slow }, async () => {
    const flipped = draft.manifest.selfTest.labels.map((label) => (label === 0 ? 1 : 0));
    const selfTest = { ...draft.manifest.selfTest, labels: flipped };
    await registry.publish(draft);
    await registry.publish({ ...draft, manifest: { ...draft.manifest, selfTest } });
    await registry.publish(await sampleDraft({ fields: ['a', 'b', 'other'] }));
    await registry.point('champion', 1);
    await expect(registry.load(2)).rejects.toMatchObject({ code: 'model-invalid', retryable: false });
    const watched = await new Watched().start(registry);
    try {
      await registry.point('champion', 2);
      await expect.poll(() => watched.refused, patient).toHaveLength(1);
      await registry.point('champion', 3);
      await expect.poll(() => watched.refused, patient).toHaveLength(2);
      expect(watched.refused[1]).toMatch(/its fields lack c_;/);
      expect(watched.changed).toEqual([]);
    } finally {
      await watched.stop();
    }
  });
}

describe('a registry in a folder', () => {
  let folder = '';
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'gapline-registry-'));
  });
  afterEach(() => rm(folder, { recursive: true }));
  registryContract(() => ({
    open: (options) => openRegistry({ folder, name: 'm', watchEveryMs: 50, ...options }),
    spoil: (version, file, bytes) => writeFile(join(folder, 'm', String(version), file), bytes),
    move: (alias, version) => writeFile(join(folder, 'm', alias), `${version}\n`),
  }));
});

describeWithPython('mlflow', 'a registry in MLflow', (python) => {
  let server: ServerHandle;
  beforeAll(async () => {
    server = await startMlflow(python());
  }, 300_000);
  afterAll(() => server?.stop(), 60_000);

  let models = 0;
  beforeEach(() => {
    models += 1;
  });

  async function ask(method: string, path: string, json?: unknown): Promise<unknown> {
    const body = json === undefined ? {} : { body: JSON.stringify(json) };
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(`${server.url}/api/2.0/mlflow/${path}`, { method, headers, ...body });
    expect(response.status, path).toBe(200);
    return await response.json();
  }
  const name = () => `it's model ${models}`;
  const versionIn = async (version: number): Promise<{ source: string; run_id: string }> =>
    versionSchema.parse(await ask('GET', `model-versions/get?name=${encodeURIComponent(name())}&version=${version}`))
      .model_version;
  /** The file of a version on the server's disk. */
  const fileOf = async (version: number, file: string): Promise<string> => {
    const { source } = await versionIn(version);
    return join(artifactFolder(server.dataFolder), source.replace(/^mlflow-artifacts:\/+/, ''), file);
  };
  const place: Place = {
    open: (options) => openMlflow({ url: server.url, name: name(), watchEveryMs: 200, ...options }),
    spoil: async (version, file, bytes) => await writeFile(await fileOf(version, file), bytes),
    move: async (alias, version) =>
      void (await ask('POST', 'registered-models/alias', { name: name(), alias, version: String(version) })),
  };
  registryContract(() => place);

  it('shows parameters, metrics, pictures and the hash of the data in the run of a version', {
    timeout: slow,
  }, async () => {
    const registry = place.open();
    const fold = { rows: 30, accuracy: 0.9, f1: 0.8, weightedF1: 0.85, youden: 0.7 };
    const folds = [fold, { ...fold, f1: 0.6 }];
    const metrics = {
      ...draft.manifest.metrics,
      byGapRate: [{ rate: 0.1, rows: 60, accuracy: 0.75, f1: 0.7 }],
      reliability: [{ rows: 60, probability: 0.8, accuracy: 0.75 }],
      crossValidation: { by: 'row' as const, folds, all: { ...fold, f1: 0.7 } },
    };
    const { version } = await registry.publish({ ...draft, manifest: { ...draft.manifest, metrics } });
    const { run_id, source } = await versionIn(version);
    const { info, data } = runSchema.parse(await ask('GET', `runs/get?run_id=${run_id}`)).run;
    const { lineage } = draft.manifest;
    expect(info.status).toBe('FINISHED');
    expect(data.params).toContainEqual({ key: 'data.sha256', value: lineage.data.sha256 });
    expect(data.metrics).toContainEqual(expect.objectContaining({ key: 'f1', value: metrics.f1 }));
    expect(data.metrics).toContainEqual(expect.objectContaining({ key: 'recall/spam' }));
    expect(data.metrics).toContainEqual(expect.objectContaining({ key: 'accuracy/masked 10 percent', value: 0.75 }));
    expect(data.metrics).toContainEqual(expect.objectContaining({ key: 'crossValidation/f1', value: 0.7 }));
    const history = await ask('GET', `metrics/get-history?run_id=${run_id}&metric_key=fold%2Ff1&max_results=100`);
    expect(stepsSchema.parse(history).metrics).toEqual([
      { step: 1, value: 0.8 },
      { step: 2, value: 0.6 },
    ]);
    const listed = await ask('GET', `artifacts/list?run_id=${run_id}&path=pictures`);
    expect(
      filesSchema
        .parse(listed)
        .files.map(({ path }) => path)
        .toSorted(),
    ).toEqual(['pictures/confusion.svg', 'pictures/gaps.svg', 'pictures/importance.svg', 'pictures/reliability.svg']);
    const picture = await fetch(`${server.url}/get-artifact?run_id=${run_id}&path=pictures/confusion.svg`);
    expect(picture.headers.get('content-type')).toMatch(/^image\/svg\+xml/);
    expect(await picture.text()).toMatch(/^<svg /);
    expect(source).toMatch(/\/model$/);
    const sums = await readFile(await fileOf(version, 'SHA256SUMS'), 'utf8');
    expect(sums).toMatch(/ {2}model\.json\n/);
  });

  it('takes a version by the run that made it', { timeout: slow }, async () => {
    const registry = place.open();
    await registry.publish(draft);
    await registry.publish(other);
    const run = `runs:/${(await versionIn(1)).run_id}`;
    expect(await registry.resolve(run)).toBe(1);
    expect(await registry.resolve(`${run}/model`)).toBe(1);
    expect(await versionOf(place.open({ alias: run }).current())).toBe(1);
    const unknown = 'runs:/0123456789abcdef0123456789abcdef';
    expect(await registry.resolve(unknown)).toBeUndefined();
    await expect(place.open({ alias: unknown }).current()).rejects.toMatchObject({
      code: 'model-missing',
      message: expect.stringContaining(`has no "${unknown}"; there are versions 1, 2`),
    });
  });

  it('keeps what a run made for a start without MLflow', { timeout: slow }, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'gapline-cache-'));
    try {
      const cache = { folder, mostVersions: 2, mostBytes: 1e9 };
      await place.open().publish(draft);
      const alias = `runs:/${(await versionIn(1)).run_id}`;
      expect(await versionOf(place.open({ alias, cache }).current())).toBe(1);
      const nobody = openMlflow({ url: 'http://127.0.0.1:9', name: name(), alias, cache });
      expect(await versionOf(nobody.current())).toBe(1);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('reads a version whose source is a run, and one whose files only the server reaches', {
    timeout: slow,
  }, async () => {
    const registry = place.open();
    await registry.publish(draft);
    const { run_id } = await versionIn(1);
    await ask('POST', 'model-versions/create', { name: name(), source: `runs:/${run_id}/model`, run_id });
    expect((await registry.artifact(2)).files).toEqual(draft.files);
    const root = join(server.dataFolder, `own root ${models}`);
    const experiment = await ask('POST', 'experiments/create', { name: `own root ${models}`, artifact_location: root });
    const own = newRun.parse(await ask('POST', 'runs/create', experiment)).run.info;
    const home = join(root, own.run_id, 'artifacts', 'model');
    await mkdir(home, { recursive: true });
    for (const [file, bytes] of encodeArtifact(other)) await writeFile(join(home, file), bytes);
    await ask('POST', 'model-versions/create', { name: name(), source: home, run_id: own.run_id });
    expect((await registry.artifact(3)).files).toEqual(other.files);
    await rm(join(home, 'SHA256SUMS'));
    await expect(registry.load(3)).rejects.toMatchObject({
      code: 'model-invalid',
      message: expect.stringMatching(/SHA256SUMS is missing, or MLflow does not reach its files/),
    });
  });

  it('refuses a version that is no model of Gapline, and one whose files are gone', { timeout: slow }, async () => {
    const registry = place.open();
    await registry.publish(draft);
    const source = 'mlflow-artifacts:/0/nowhere';
    await ask('POST', 'model-versions/create', { name: name(), source });
    await expect(registry.load(2)).rejects.toMatchObject({
      code: 'model-invalid',
      message: expect.stringMatching(/SHA256SUMS is missing/),
    });
    expect(await registry.versions()).toEqual([1, 2]);
  });

  it('starts with a sound copy of the last version while MLflow is unavailable, and says so', {
    timeout: 600_000,
  }, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'gapline-cache-'));
    const cache = { folder, mostVersions: 2, mostBytes: 1e9 };
    const said: string[] = [];
    const open = () => place.open({ cache, onCached: (detail) => said.push(detail) });
    const kept = async () => (await readdir(folder)).filter((name) => name.endsWith('.sums')).toSorted();
    const filesOfCache = async () =>
      await Promise.all((await readdir(join(folder, 'files'))).map((name) => join(folder, 'files', name)));
    const before = open();
    for (const each of [draft, other, draft]) await before.publish(each);
    await before.point('champion', 2);
    expect(await versionOf(before.current())).toBe(2);
    for (const version of [1, 3]) await before.load(version);
    // Of the two that fit, one is what the champion was.
    expect(await kept()).toEqual(['2.sums', '3.sums']);
    await server.kill();
    const registry = open();
    const watched = await new Watched().start(registry);
    try {
      expect(await versionOf(registry.current())).toBe(2);
      expect(said).toEqual([expect.stringMatching(/cannot be reached.*; version 2 is taken from the cache/)]);
      await expect.poll(() => watched.away, patient).toHaveLength(1);
      expect(watched.away[0]).toMatch(/cannot be reached.*; version 2 serves from the cache/);
      await expect(registry.load(1)).rejects.toMatchObject({
        code: 'registry-unavailable',
        message: expect.stringMatching(/the cache .* has no version 1/),
      });
      for (const file of await filesOfCache()) await writeFile(file, 'damaged');
      await expect(open().current()).rejects.toMatchObject({
        code: 'registry-unavailable',
        message: expect.stringMatching(/version 2 in the cache cannot be used/),
      });
      await server.restart();
      await expect.poll(() => watched.away, patient).toHaveLength(2);
      expect(await versionOf(open().current())).toBe(2);
      expect(await versionOf(open().load(3))).toBe(3);
      const texts = await Promise.all((await filesOfCache()).map((file) => readFile(file, 'utf8')));
      expect(texts).not.toContain('damaged');
      await place.move('champion', 3);
      await expect.poll(() => watched.changed, patient).toEqual([3]);
    } finally {
      await watched.stop();
      await rm(folder, { recursive: true });
    }
  });

  it('serves on while MLflow is unavailable, reports that once, and follows when it is back', {
    timeout: 600_000,
  }, async () => {
    const registry = place.open();
    await registry.publish(draft);
    await registry.publish(other);
    await registry.point('champion', 1);
    const watched = await new Watched().start(registry);
    try {
      await server.kill();
      await expect.poll(() => watched.away, patient).toHaveLength(1);
      expect(watched.away[0]).toMatch(/MLflow at http:\S+ cannot be reached/);
      await expect(registry.versions()).rejects.toMatchObject({ code: 'registry-unavailable', retryable: true });
      await server.restart();
      await expect.poll(() => watched.away, patient).toHaveLength(2);
      expect(watched.away[1]).toBeUndefined();
      await place.move('champion', 2);
      await expect.poll(() => watched.changed, patient).toEqual([2]);
      expect(watched.refused).toEqual([]);
    } finally {
      await watched.stop();
    }
  });
});
