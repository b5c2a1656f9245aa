import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import { expect, test } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { createProgram } from '../cli/program.ts';
import { kubeconform, kubernetesSchemas, kustomize, schemasIn } from '../test/servers/go-programs.ts';
import { obtain, obtained } from '../test/servers/obtain.ts';
import { promtoolIn, promtoolProgram, promtoolSupply } from '../test/servers/promtool.ts';

const deploy = resolve(import.meta.dirname, '../deploy');
const patient = { timeout: 300_000 };
const required = process.env.GAPLINE_REQUIRE_SERVERS === '1';
const here = required || promtoolProgram() !== undefined;
const kustomizeHere = required || kustomize.program() !== undefined;
const checkHere = required || (kustomizeHere && kubeconform.program() && obtained(kubernetesSchemas)) !== undefined;
const whyNot = (here: boolean) =>
  here ? '' : ' (not run: its programs are not here; `npm test` builds them where Go is)';
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

/** The manifests as one text. */
async function render(): Promise<string> {
  const { status, stdout, stderr } = spawnSync(await kustomize.obtain(), ['build', join(deploy, 'kubernetes')], {
    encoding: 'utf8',
  });
  expect([status, stderr]).toEqual([0, '']);
  return stdout;
}

test.runIf(checkHere)(
  `Kubernetes' schemas take the base, and nothing wrong in it${whyNot(checkHere)}`,
  patient,
  async () => {
    const manifests = await render();
    const program = await kubeconform.obtain();
    const schemas = schemasIn(await obtain(kubernetesSchemas, console.error));
    const check = (input: string) => {
      const args = ['-strict', '-summary', '-output', 'json', '-schema-location', schemas];
      const { status, stdout } = spawnSync(program, args, { input, encoding: 'utf8' });
      const { resources = [], summary } = JSON.parse(stdout);
      return { status, summary, text: JSON.stringify(resources) };
    };
    const valid = parseAllDocuments(manifests).length;
    expect(check(manifests)).toMatchObject({ status: 0, summary: { valid, invalid: 0, errors: 0, skipped: 0 } });
    for (const [right, wrong, told] of [
      ['terminationGracePeriodSeconds: 20', 'terminationGraceSeconds: 20', "'terminationGraceSeconds' not allowed"],
      ['periodSeconds: 5', 'periodSeconds: often', 'periodSeconds'],
      ['  serviceName: gapline-collector\n', '  replicaCount: 3\n', "'replicaCount' not allowed"],
      ['  maxReplicas: 12\n', '', "'maxReplicas'"],
      ['apiVersion: autoscaling/v2\n', 'apiVersion: autoscaling/v3\n', 'could not find schema'],
    ] as const) {
      expect(manifests).toContain(right);
      const { status, text } = check(manifests.replace(right, wrong));
      expect([right, status, text]).toEqual([right, 1, expect.stringContaining(told)]);
    }
  },
);

test.runIf(kustomizeHere)(`kustomize renders the base${whyNot(kustomizeHere)}`, patient, async () => {
  const text = await render();
  const rendered = parseAllDocuments(text).map((one) => one.toJS() as Manifest);
  expect(rendered.length).toBe(manifests.length + 1);
  const config = rendered.find(({ kind }) => kind === 'ConfigMap')?.metadata.name;
  const { version } = JSON.parse(readFileSync(resolve(deploy, '../package.json'), 'utf8'));
  const containers = rendered.flatMap(({ spec }) => spec?.template?.spec.containers ?? []);
  expect(containers.length).toBe(4);
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
  expect(containers.length).toBe(4);
  for (const { args, readinessProbe, livenessProbe } of containers) {
    expect([readinessProbe.httpGet.path, livenessProbe.httpGet.path]).toEqual(['/ready', '/health']);
    const [stage = '', ...more] = args;
    const found = createProgram().commands.find((one) => one.name() === stage);
    const command = found?.commands.find((one) => one.name() === more[0]) ?? found;
    const options = args.filter((arg) => arg.startsWith('--'));
    expect(command?.options.map(({ long }) => long)).toEqual(expect.arrayContaining(options));
  }
});

const unitFile = join(deploy, 'systemd/gapline@.service');
const unit = readFileSync(unitFile, 'utf8');
const systemdHere = spawnSync('systemd-analyze', ['--version']).status === 0;

/** What systemd has to say of a unit of that name; of units of this machine it may have more to say. */
function complaintsOf(text: string): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'gapline-unit-'));
  try {
    const file = join(folder, 'gapline@.service');
    writeFileSync(file, text);
    const { stdout, stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', file], { encoding: 'utf8' });
    return `${stdout}${stderr}`.split('\n').filter((line) => line.includes('gapline@'));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

test.runIf(systemdHere)(
  `systemd takes the unit, and nothing wrong in it${systemdHere ? '' : ' (not run: no systemd-analyze here)'}`,
  patient,
  () => {
    expect(complaintsOf(unit)).toEqual([]);
    for (const [right, wrong] of [
      ['Restart=always', 'Restart=often'],
      ['ProtectHome=', 'ProtectHomes='],
      ['[Install]', '[Installs]'],
      ['ExecStart=/usr/bin/env', 'ExecStart=/usr/bin/no-env'],
    ] as const) {
      expect(unit).toContain(right);
      expect(complaintsOf(unit.replace(right, wrong)), wrong).not.toEqual([]);
    }
  },
);

/** Which command a command line starts, and with which options; it is not run. */
async function started(args: readonly string[]) {
  let found: { readonly command: string; readonly options: Record<string, unknown> } | undefined;
  const watch = (command: Command): void => {
    command.exitOverride().configureOutput({ writeErr: () => {} });
    if (command.commands.length === 0)
      command.action(() => {
        found = { command: command.name(), options: command.opts() };
      });
    for (const child of command.commands) watch(child);
  };
  const program = createProgram();
  watch(program);
  await program.parseAsync(args, { from: 'user' });
  return found;
}

test('the unit starts each stage that it and the page name, with options that the stage has', async () => {
  const page = readFileSync(resolve(import.meta.dirname, 'operations.md'), 'utf8');
  const stages = new Set([...`${unit}${page}`.matchAll(/gapline@(\w+)/g)].map(([, stage = '']) => stage));
  expect([...stages].sort()).toEqual(['alerts', 'classify', 'collect', 'dashboard', 'up']);
  const [, line = ''] = /^ExecStart=\/usr\/bin\/env gapline (.+) \$OPTIONS$/m.exec(unit) ?? [];
  for (const stage of stages) {
    const args = line.replaceAll('%i', stage).split(' ');
    expect(await started(args)).toMatchObject({
      command: stage === 'alerts' ? 'run' : stage,
      options: { config: '/etc/gapline/stream.yaml', data: '/var/lib/gapline' },
    });
    await expect(started([...args, '--dats', '/tmp'])).rejects.toThrow("unknown option '--dats'");
  }
});
