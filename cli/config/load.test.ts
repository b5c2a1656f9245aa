import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { GaplineError } from '../../core/wire/errors.ts';
import { loadConfig } from './load.ts';

let folder: string;
let file: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'gapline-config-'));
  file = join(folder, 'stream.yaml');
});
afterAll(() => rmSync(folder, { recursive: true }));

/** The message of the error that a text gets, without the path of the file. */
function complaint(text: string, overrides: string[] = []): string {
  writeFileSync(file, text);
  try {
    loadConfig(file, overrides);
  } catch (error) {
    expect(error).toBeInstanceOf(GaplineError);
    expect((error as GaplineError).code).toBe('config-invalid');
    return (error as Error).message.replaceAll(file, 'stream.yaml');
  }
  throw new Error('expected a complaint');
}

test('three lines are enough', () => {
  writeFileSync(file, 'stream: pumps\ndata: { train: pumps.csv, truth: state }\nmodel: { name: pumps }\n');
  const { config, folder: at } = loadConfig(file);
  expect(at).toBe(folder);
  expect(config.generator).toMatchObject({ devices: 20, rate: 50, gaps: { rate: 0.1, pattern: 'random' } });
  expect(config.log).toMatchObject({ partitions: 12, retentionDays: 7 });
});

test('--set overrides any key, and makes those that are missing', () => {
  writeFileSync(file, 'stream: pumps\ngenerator: { rate: 5 }\n');
  const { config } = loadConfig(file, ['generator.rate=70', 'generator.gaps.pattern=burst', 'data.truth=state']);
  expect(config.generator.rate).toBe(70);
  expect(config.generator.gaps.pattern).toBe('burst');
  expect(config.data.truth).toBe('state');
  expect(loadConfig(file, ['generator.rate=']).config.generator.rate).toBe(50);
});

test.each([
  [
    'a value of another type',
    'stream: a\ngenerator:\n  rate: fast\n',
    'stream.yaml:3: generator.rate: found "fast"; expected a value of type number',
  ],
  [
    'a value out of range',
    'stream: a\ngenerator:\n  gaps: { rate: 3 }\n',
    'stream.yaml:3: generator.gaps.rate: found 3; expected at most 1',
  ],
  [
    'not one of the choices',
    'stream: a\ngenerator: { gaps: { pattern: x } }\n',
    'stream.yaml:2: generator.gaps.pattern: found "x"; expected one of burst, device, random, value',
  ],
  [
    'a key with a slip',
    'stream: a\ngenerator:\n  devises: 3\n',
    'stream.yaml:3: generator.devises: there is no such key; did you mean devices?',
  ],
  [
    'a key that is not known',
    'stream: a\nmodel:\n  colour: red\n',
    'stream.yaml:3: model.colour: there is no such key; expected one of name, alias, challenger, folder, registry, url, experiment, cacheVersions, cacheMegabytes',
  ],
  [
    'a fraction',
    'stream: a\nlog: { partitions: 1.5 }\n',
    'stream.yaml:2: log.partitions: found 1.5; expected a whole number',
  ],
  ['a missing key', 'model: { name: a }\n', 'stream.yaml:1: stream: missing; expected a value of type string'],
  [
    'a name with a blank',
    'stream: a b\n',
    'stream.yaml:1: stream: found "a b"; expected letters, digits, dot, dash and underscore, at most 100',
  ],
  ['a list', '- stream\n', 'stream.yaml:1: expected keys and values, such as "stream: NAME"'],
  ['an empty file', '', 'stream.yaml:1: expected keys and values, such as "stream: NAME"'],
  [
    'a scalar where keys belong',
    'stream: a\ngenerator: 5\n',
    'stream.yaml:2: generator: found 5; expected a value of type object',
  ],
])('%s is named with its line and what would be right', (_, text, expected) => {
  expect(complaint(text)).toBe(expected);
});

test('of a step the part that is wrong is named, not the step as a whole', () => {
  const of = (step: string) => complaint(`stream: s\nsteps:\n  - ${step}\n`);
  expect(of('{ use: smooth, time: 22 }')).toMatch(
    /^stream\.yaml:3: steps\.0\.time: found 22; expected a value of type string/,
  );
  expect(of('{ use: smooth, time: 1s, tme: 2s }')).toMatch(/steps\.0\.tme: there is no such key; did you mean time\?/);
  expect(of('{ use: filter, band: bandpas }')).toMatch(/steps\.0\.band: found "bandpas"; expected one of lowpass, /);
  for (const step of ['{ use: smoth, time: 1s }', '{ time: 1s }', '{ use: ./step.py }', '5'])
    expect(of(step)).toMatch(/:3: steps\.0: found .*; expected `use` with one of resample, .*, or \.\/step\.ts/);
});

test('versions may be named by runs of MLflow, and of nothing else', () => {
  writeFileSync(file, 'stream: pumps\n');
  const runs = ['model.alias=runs:/0a1b', 'model.challenger=runs:/2c3d/model'];
  const { config } = loadConfig(file, [...runs, 'model.registry=mlflow', 'model.url=http://127.0.0.1:5000']);
  expect(config.model).toMatchObject({ alias: 'runs:/0a1b', challenger: 'runs:/2c3d/model' });
  expect(complaint('stream: pumps\n', runs)).toMatch(/model.registry.*`runs:\/ID` names a run of MLflow/);
  expect(complaint('stream: pumps\n', ['model.alias=runs:/'])).toMatch(/model.alias.*with MLflow, runs:\/ID/);
});

test('text that is not YAML is named with its line', () => {
  expect(complaint('stream: a\ndata: {\n')).toMatch(/^stream\.yaml:\d+: /);
  expect(complaint('stream: a\nstream: b\n')).toMatch(/^stream\.yaml:2: Map keys must be unique/);
});

test('every mistake of a file is named at once', () => {
  expect(complaint('stream: a b\nlog: { partitions: 0 }\n').split('; stream.yaml')).toHaveLength(2);
});

test('bad overrides and missing files say what would be right', () => {
  expect(complaint('stream: a\n', ['rate'])).toBe('--set rate: expected key=value, such as generator.rate=100');
  expect(complaint('stream: a\n', ['generator.rate=x'])).toContain('generator.rate: found "x"');
  expect(() => loadConfig(join(folder, 'none.yaml'))).toThrow('there is no such file');
});
