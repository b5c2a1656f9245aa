import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { loadConfig } from '../../cli/config/load.ts';
import { openDataset } from '../../cli/stream.ts';
import { openHttp } from '../../core/model/kinds/http.ts';
import { httpEstimatorSchema } from '../../core/model/kinds/http-schema.ts';
import { openRegistry } from '../../core/model/registry/folder.ts';
import { preparationOf, prepareDataset } from '../../training/prepare.ts';
import { isAtRisk, makePatients, measure, parameters, stayAt } from './patients.ts';
import simulate from './simulator.ts';
import { startMs, tablesOf } from './tables.ts';

const ward = { patients: 8, hours: 100, seed: 7, truth: true };
const folder = mkdtempSync(join(tmpdir(), 'gapline-icu-'));
const config = join(import.meta.dirname, 'stream.yaml');
let server: ChildProcess | undefined;
afterAll(() => {
  server?.kill();
  rmSync(folder, { recursive: true });
});

/** Sums in another order differ in their last bits, which must not turn a rounding over. */
const shown = (value: number): string => (value + 1e-9).toFixed(6);

/** What the original computes, straight from the model of the ward: of each record inside a stay, its four inputs. */
function expectedRows(perRecord: boolean): string[] {
  const rows: string[] = [];
  for (const patient of makePatients(ward.patients, ward.seed)) {
    const seen: Record<string, number[]> = { blood_pressure: [], respiration_rate: [], temperature: [] };
    for (let hour = 0; hour < ward.hours; hour++)
      for (const parameter of parameters) {
        seen[parameter]?.push(measure(patient, parameter, hour));
        if (!stayAt(patient, hour) || (!perRecord && parameter !== 'temperature')) continue;
        const { blood_pressure: bp = [], respiration_rate: rr = [], temperature: heat = [] } = seen;
        const mean = (of: readonly number[]) => of.reduce((sum, value) => sum + value, 0) / of.length;
        const spread = Math.sqrt(heat.reduce((sum, value) => sum + (value - mean(heat)) ** 2, 0) / (heat.length - 1));
        const inputs = [bp.at(-1) ?? Number.NaN, mean(rr), heat.length > 2 ? spread : 0, patient.age];
        rows.push([patient.name, hour, ...inputs.map(shown)].join(' '));
      }
  }
  return rows.sort();
}

/** `stream.yaml` without what says that its table is in long form. */
function wideConfig(): string {
  const file = join(folder, 'wide.yaml');
  const lines = readFileSync(config, 'utf8').split('\n');
  writeFileSync(file, lines.filter((line) => !/^ {2}(parameter|value):/.test(line)).join('\n'));
  return file;
}

async function rowsOf(form: Parameters<typeof tablesOf>[0], changes: readonly string[]): Promise<string[]> {
  const made = tablesOf(form);
  const name = JSON.stringify([form, changes])
    .replaceAll(/[^a-z0-9]/gi, '')
    .slice(-100);
  for (const file of ['signal.csv', 'facts.ndjson']) writeFileSync(join(folder, `${name}.${file}`), made[file] ?? '');
  const files = [
    `data.train=${join(folder, `${name}.signal.csv`)}`,
    `data.facts=${join(folder, `${name}.facts.ndjson`)}`,
  ];
  const loaded = loadConfig(form.wide ? wideConfig() : config, [...files, ...changes]);
  const dataset = await openDataset(loaded, 'train');
  const { count, width, values, devices, times } = prepareDataset(
    dataset,
    preparationOf(loaded.config.steps, dataset.fields),
  );
  return Array.from({ length: count }, (_, row) => {
    const hour = (Number(times[row] ?? 0n) / 1e6 - startMs) / 3_600_000;
    const inputs = Array.from(values.subarray(row * width, (row + 1) * width), shown);
    return [devices.names[devices.index[row] ?? 0], hour, ...inputs].join(' ');
  }).sort();
}

const byPlace = ['device=1', 'time=2', 'clock=3', 'parameter=4', 'value=5', 'truth=6'].map(
  (change) => `data.${change.replace(/=(.*)/, '="$1"')}`,
);

test.each([
  ['long, parted by ;', ward, []],
  ['long, parted by commas', { ...ward, comma: true }, []],
  ['long, by the place of its columns', { ...ward, header: false }, byPlace],
] as const)(
  'a table %s gives the four inputs of the original, of patients who are in the ward only',
  async (_, form, changes) => {
    expect(await rowsOf(form, changes)).toEqual(expectedRows(true));
  },
);

test('of a wide table each row is evaluated once, with the inputs of all that was measured then', async () => {
  expect(await rowsOf({ ...ward, wide: true }, [])).toEqual(expectedRows(false));
});

test('after the discharge, and before the admission, nobody is evaluated', async () => {
  const rows = await rowsOf(ward, []);
  const inside = makePatients(ward.patients, ward.seed).flatMap((patient) =>
    Array.from({ length: ward.hours }, (__, hour) => (stayAt(patient, hour) ? parameters.length : 0)),
  );
  expect(rows).toHaveLength(inside.reduce<number>((sum, records) => sum + records, 0));
  expect(rows.length).toBeLessThan(ward.patients * ward.hours * parameters.length);
});

const inputs = Float64Array.of(120, 18, 0, 70, 80, 31, 1.4, 44);
const risk = (bp: number, rr: number, sd: number, age: number) =>
  1 / (1 + Math.exp(5 - 0.002 * age - 0.001 * bp - 0.03 * rr - 0.02 * sd));

test('the formula of the original is the embedded champion, and the ten lines of Python compute the same', async () => {
  const registry = openRegistry({ folder: join(import.meta.dirname, 'models'), name: 'icu', alias: 'champion' });
  const model = await registry.current();
  const embedded = await model
    .open()
    .predict({ ...{ count: 2, width: 4, values: inputs }, devices: ['a', 'b'], times: new BigInt64Array(2) });
  const expected = [risk(120, 18, 0, 70), risk(80, 31, 1.4, 44)];
  expected.forEach((value, row) => {
    expect(embedded.probabilities[2 * row + 1]).toBeCloseTo(value, 12);
  });
  server = spawn('python3', [join(import.meta.dirname, 'server.py'), '0'], { stdio: ['ignore', 'pipe', 'inherit'] });
  if (!server.stdout) throw new Error('the server has no output');
  const [port] = await once(server.stdout, 'data');
  const described = httpEstimatorSchema.parse({
    kind: 'http',
    url: `http://127.0.0.1:${String(port).trim()}`,
    model: 'icu',
  });
  const remote = openHttp({ server: described, fields: model.fields, classes: model.classes });
  const { probabilities } = await remote.predict(inputs, 2);
  expected.forEach((value, row) => {
    expect(probabilities[2 * row + 1]).toBeCloseTo(value, 12);
  });
  await remote.close();
  await model.close();
}, 60_000);

test('the simulated ward tells of each stay when it begins and when it ends, the same for the same times', () => {
  const source = simulate({ seed: 1 });
  const patient = makePatients(30, 1)[0];
  if (!patient || !source.facts) throw new Error('there is no patient');
  const hour = 2_000_000_000n;
  const told: Record<string, unknown>[] = [];
  for (let at = 1_000n; at < 1_200n; at++) {
    const facts = source.facts(0, at === 1_000n ? undefined : (at - 1n) * hour, at * hour);
    expect(source.facts(0, at === 1_000n ? undefined : (at - 1n) * hour, at * hour)).toEqual(facts);
    told.push(...(facts as Record<string, unknown>[]));
  }
  const known = new Map(told.filter(({ kind }) => kind === 'admission').map((fact) => [fact.from, fact.to]));
  for (let at = 1_000; at < 1_199; at++) {
    const stay = stayAt(patient, at);
    const covered = [...known].some(
      ([from, to]) =>
        BigInt(String(from)) <= BigInt(at) * hour && (to === undefined || BigInt(String(to)) > BigInt(at) * hour),
    );
    expect(covered).toBe(stay !== undefined);
    if (!stay) expect(isAtRisk(patient, at)).toBe(false);
  }
});
