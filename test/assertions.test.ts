import { globSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { parseAst } from 'vitest/node';

const root = resolve(import.meta.dirname, '..');

/** Loops over typed arrays and bytes, where a check of each index would cost what the loop costs. */
const kernels = [
  /^core\/(numeric|statistics|steps)\/|^core\/model\/(forest|linear|neighbours|impute|series)\//,
  /^core\/dataset\/(cell-readers|dictionary|digits|number|records)\.ts$|^core\/log\/partition\.ts$/,
  /^core\/partitions\/(csv-numbers|delta-times|double-dictionary|page-bytes|parquet-columns)\.ts$/,
];
const isForTests = (file: string) => /\.test\.ts$|^test\/|\/(contract|testing|power-loss)\//.test(file);

/** How many `value!` a module has. */
function assertionsIn(source: string): number {
  let count = 0;
  const visit = (node: unknown): void => {
    if (typeof node !== 'object' || node === null) return;
    if ('type' in node && node.type === 'TSNonNullExpression') count += 1;
    for (const child of Object.values(node)) visit(child);
  };
  visit(parseAst(source, { lang: 'ts' }));
  return count;
}

function counted(isCounted: (file: string) => boolean): { file: string; count: number }[] {
  return globSync('*/**/*.ts', { cwd: root, exclude: (name) => ['node_modules', 'data', 'dist'].includes(name) })
    .filter((file) => !kernels.some((each) => each.test(file)) && isCounted(file))
    .map((file) => ({ file, count: assertionsIn(readFileSync(join(root, file), 'utf8')) }))
    .filter(({ count }) => count > 0)
    .sort((a, b) => b.count - a.count);
}

const total = (files: readonly { count: number }[]) => files.reduce((sum, { count }) => sum + count, 0);

test('an assertion is found wherever it stands, and a negation is none', () => {
  expect(assertionsIn('const a = b![0]!; f(c!.d); class E { f!: number; g = h!; }')).toBe(4);
  expect(assertionsIn("const a = !b; const c = d !== e; const f = 'g!'; // h!")).toBe(0);
});

/** How many each part may have. The first is a goal; the second may only shrink. */
const parts: readonly { readonly name: string; readonly most: number; readonly has: (file: string) => boolean }[] = [
  { name: 'code', most: 99, has: (file) => !isForTests(file) },
  { name: 'tests', most: 400, has: isForTests },
];

test.each(parts)(
  'values are checked, seldom asserted, outside numeric kernels: $name',
  { timeout: 120_000 },
  ({ most, has }) => {
    const files = counted(has);
    expect(total(files), JSON.stringify(files, null, 1)).toBeLessThanOrEqual(most);
  },
);
