import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { parse } from 'yaml';
import { buildChain } from '../core/steps/chain.ts';
import { loadOwnSteps } from '../core/steps/load.ts';
import { type StepSpec, stepsSchema } from '../core/steps/registry.ts';
import { ms, runAll, type Sample } from '../core/steps/testing/run.ts';

const folder = mkdtempSync(join(tmpdir(), 'gapline-steps-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** The step of docs/signals.md, word for word but for where it imports from. */
const docs = readFileSync(new URL('signals.md', import.meta.url), 'utf8');
const [, written] = /^```ts\n([\s\S]*?)^```$/m.exec(docs) ?? [];
writeFileSync(
  join(folder, 'difference.ts'),
  written!.replace("'../../core/steps/steps.ts'", `'${new URL('../core/steps/steps.ts', import.meta.url).href}'`),
);

const samples = [1, 4, 9].map((value, at): Sample => ({ device: 'a', ns: ms(at), values: [value] }));

test('the step of your own in signals.md is loaded from beside stream.yaml, checked by its own schema, and works in a chain', async () => {
  const specs = stepsSchema.parse([
    { use: './difference.ts', scale: 2 },
    { use: 'smooth', time: '1s' },
  ]) as StepSpec[];
  const own = await loadOwnSteps(specs, folder);
  const { rows } = runAll(specs.slice(0, 1), ['x'], samples, own);
  expect(rows.map((row) => row.values[0])).toEqual([Number.NaN, 6, 10]);
  expect(runAll(specs, ['x'], samples, own).rows).toHaveLength(3);
  const wrong = [{ use: './difference.ts', scale: 'much' }] as StepSpec[];
  expect(() => runAll(wrong, ['x'], samples, own)).toThrow('steps.0 (./difference.ts): scale: ');
});

test('the steps of signals.md make a chain', () => {
  const [, yaml] = /^```yaml\n([\s\S]*?)^```$/m.exec(docs) ?? [];
  const { steps } = parse(yaml!) as { steps: StepSpec[] };
  stepsSchema.parse(steps);
  expect(buildChain(steps, ['x']).shape.channels).toEqual([
    ...['x.rms', 'x.crest', 'x.kurtosis', 'x.band.20-100', 'x.band.100-400'],
    ...['x.peak', 'x.centroid', 'x.entropy'],
  ]);
});
