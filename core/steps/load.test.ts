import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { isOwnStep, loadOwnSteps } from './load.ts';
import { type StepSpec, stepsSchema } from './registry.ts';
import { ms, runAll, type Sample } from './testing/run.ts';

const folder = mkdtempSync(join(tmpdir(), 'gapline-steps-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** The step of docs/signals.md, as a user writes it. */
const port = fileURLToPath(new URL('steps.ts', import.meta.url));
writeFileSync(
  join(folder, 'difference.ts'),
  `import { z } from '${fileURLToPath(import.meta.resolve('zod'))}';
import { defineStep, type DeviceStep, openByDevice } from '${port}';

interface State { last: Float64Array }

class Difference implements DeviceStep<State> {
  readonly width: number;
  readonly scale: number;
  constructor(width: number, scale: number) { this.width = width; this.scale = scale; }
  create() { return { last: new Float64Array(this.width).fill(NaN) }; }
  fork(state: State) { return { last: state.last.slice() }; }
  held() { return 0; }
  run(state: State, rows: any, from: number, to: number, output: any) {
    const first = output.copy(rows, from, to);
    for (let row = first; row < output.count; row++)
      for (let column = 0; column < this.width; column++) {
        const value = output.columns[column][row];
        output.columns[column][row] = (value - state.last[column]) * this.scale;
        state.last[column] = value;
      }
    output.consumed += to - from;
  }
  write(state: State, writer: any) { writer.numbers(state.last); }
  read(reader: any) { return { last: reader.numbers(this.width) }; }
}

export default defineStep({
  use: 'difference',
  summary: 'the change since the row before',
  params: z.strictObject({ scale: z.number().default(1) }),
  build: ({ scale }, shape) => ({
    shape,
    open: () => openByDevice(new Difference(shape.channels.length, scale), { width: shape.channels.length }),
  }),
});
`,
);
writeFileSync(join(folder, 'nothing.ts'), 'export default 1;\n');
writeFileSync(join(folder, 'broken.ts'), "throw new Error('so it is');\n");

const samples = [1, 4, 9].map((value, at): Sample => ({ device: 'a', ns: ms(at), values: [value] }));

describe('a step of your own', () => {
  it('is loaded from beside stream.yaml, checked by its own schema, and works in a chain', async () => {
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

  it.each([
    ['./none.ts', /steps\.0\.use: .*none\.ts cannot be read; paths are relative to stream\.yaml/],
    ['./nothing.ts', /nothing\.ts exports no step; its default export is/],
    ['./broken.ts', /broken\.ts fails to load: so it is/],
  ])('%s is refused by name', async (use, message) => {
    await expect(loadOwnSteps([{ use }], folder)).rejects.toThrow(message);
  });
});

describe('the schema of steps', () => {
  it.each([
    [
      [
        { use: 'resample', rate: 10, maxGap: '1s' },
        { use: './own.ts', anything: [1] },
      ],
      true,
    ],
    [[{ use: '../shared/own.mjs' }], true],
    [[{ use: 'resample', rate: 10, maxGap: '1s', speed: 1 }], false],
    [[{ use: 'resample', rate: 10 }], false],
    [[{ use: 'nosuch' }], false],
    [[{ use: '/etc/own.ts' }], false],
    [[{ rate: 10 }], false],
  ])('%j: %s', (steps, isSound) => {
    expect(stepsSchema.safeParse(steps).success).toBe(isSound);
  });

  it('knows which steps are files', () => {
    expect(['./a.ts', '../a.ts', 'filter'].map(isOwnStep)).toEqual([true, true, false]);
  });
});

it('an unknown step is refused with what there is', () => {
  expect(() => runAll([{ use: 'fitler' }], ['x'], [])).toThrow(
    /steps\.0\.use: there is no step "fitler"; there are "resample"/,
  );
});
