import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { createProgram } from '../cli/program.ts';
import { kustomizeIn, kustomizeProgram, kustomizeSupply } from '../test/servers/kustomize.ts';
import { obtain } from '../test/servers/obtain.ts';
import { promtoolIn, promtoolProgram, promtoolSupply } from '../test/servers/promtool.ts';

const deploy = resolve(import.meta.dirname, '../deploy');
const required = process.env.GAPLINE_REQUIRE_SERVERS === '1';
const here = required || promtoolProgram() !== undefined;
const kustomizeHere = required || kustomizeProgram() !== undefined;
const whyNoKustomize = kustomizeHere ? '' : ' (not run: no kustomize here; `npm test` builds it where Go is)';
const why = here ? '' : ' (not run: no promtool here; `npm test` gets it where apt-get is)';

test.runIf(here)(`promtool accepts the alert rules and their tests${why}`, { timeout: 120_000 }, async () => {
  const program = required ? promtoolIn(await obtain(promtoolSupply, console.error)) : (promtoolProgram() ?? '');
  for (const args of [
    ['check', 'rules', 'gapline.rules.yml'],
    ['test', 'rules', 'gapline.rules.test.yml'],
  ]) {
    const { status, stdout, stderr } = spawnSync(program, args, { cwd: join(deploy, 'prometheus'), encoding: 'utf8' });
    expect(status, `${stdout}${stderr}`).toBe(0);
  }
});

test('each alert has a test in which it fires', () => {
  const { groups } = parse(readFileSync(join(deploy, 'prometheus/gapline.rules.yml'), 'utf8'));
  const tests = readFileSync(join(deploy, 'prometheus/gapline.rules.test.yml'), 'utf8');
  const alerts = groups.flatMap((group: { rules: { alert: string }[] }) => group.rules.map(({ alert }) => alert));
  expect(alerts.length).toBeGreaterThan(5);
  for (const alert of alerts) expect(tests).toContain(`{alertname="${alert}"}`);
});

test('each metric of an alert is one that a stage serves', () => {
  const rules = readFileSync(join(deploy, 'prometheus/gapline.rules.yml'), 'utf8');
  const page = readFileSync(resolve(import.meta.dirname, 'operations.md'), 'utf8');
  const named = [...rules.matchAll(/\bgapline_[a-z_]+[a-z]\b(?!\()/g)].map(([name]) => name);
  expect(named.length).toBeGreaterThan(5);
  for (const name of new Set(named)) expect(page).toContain(name);
});

test.runIf(kustomizeHere)(`kustomize renders the base${whyNoKustomize}`, { timeout: 300_000 }, async () => {
  const program = required ? kustomizeIn(await obtain(kustomizeSupply, console.error)) : (kustomizeProgram() ?? '');
  const { status, stdout, stderr } = spawnSync(program, ['build', join(deploy, 'kubernetes')], { encoding: 'utf8' });
  expect([status, stderr]).toEqual([0, '']);
  const rendered = parseAllDocuments(stdout).map((one) => one.toJS() as Manifest);
  expect(rendered.length).toBe(manifests.length + 1);
  const config = rendered.find(({ kind }) => kind === 'ConfigMap')?.metadata.name;
  const { version } = JSON.parse(readFileSync(resolve(deploy, '../package.json'), 'utf8'));
  const containers = rendered.flatMap(({ spec }) => spec?.template?.spec.containers ?? []);
  expect(containers.length).toBe(3);
  for (const { image, envFrom } of containers) {
    expect(image).toBe(`gapline:${version}`);
    expect(envFrom[0]?.configMapRef?.name).toBe(config);
  }
});

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec: Record<string, never> & { template?: { spec: { containers: Container[] } } };
}

interface Container {
  readonly image: string;
  readonly envFrom: readonly { readonly configMapRef?: { readonly name: string } }[];
  readonly args: readonly string[];
  readonly readinessProbe: { httpGet: { path: string } };
  readonly livenessProbe: { httpGet: { path: string } };
}

const folder = join(deploy, 'kubernetes');
const manifests = readdirSync(folder)
  .filter((file) => file !== 'kustomization.yaml')
  .flatMap((file) => parseAllDocuments(readFileSync(join(folder, file), 'utf8')).map((one) => one.toJS() as Manifest));

test('the kustomization lists each file, and what scales is there', () => {
  const { resources } = parse(readFileSync(join(folder, 'kustomization.yaml'), 'utf8')) as { resources: string[] };
  expect([...resources, 'kustomization.yaml'].sort()).toEqual(readdirSync(folder).sort());
  const scaler = manifests.find(({ kind }) => kind === 'HorizontalPodAutoscaler');
  const target = scaler?.spec.scaleTargetRef as unknown as { kind: string; name: string };
  expect(manifests.some(({ kind, metadata }) => kind === target.kind && metadata.name === target.name)).toBe(true);
});

test('each stage of the manifests is a command with these options, and has both probes', () => {
  const containers = manifests.flatMap(({ spec }) => spec.template?.spec.containers ?? []);
  expect(containers.length).toBe(3);
  for (const { args, readinessProbe, livenessProbe } of containers) {
    expect([readinessProbe.httpGet.path, livenessProbe.httpGet.path]).toEqual(['/ready', '/health']);
    const command = createProgram().commands.find((one) => one.name() === args[0]);
    const options = args.filter((arg) => arg.startsWith('--'));
    expect(command?.options.map(({ long }) => long)).toEqual(expect.arrayContaining(options));
  }
});
