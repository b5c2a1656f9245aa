import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { trainModel } from './train.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gapline-train-'));
  for (const stream of [process.stdout, process.stderr]) vi.spyOn(stream, 'write').mockReturnValue(true);
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true, force: true });
});

test('steps that cannot be made are refused before the table is read', async () => {
  const config = join(folder, 'stream.yaml');
  writeFileSync(config, 'stream: pumps\ndata: { train: none.csv, truth: label, time: at }\n');
  const options = { config, data: join(folder, 'data'), logLevel: 'silent', from: 'data' as const };
  const train = (steps: string) => trainModel({ ...options, set: [`steps=${steps}`] });
  await expect(train('[{ use: smooth, time: 1s, rate: 5 }]')).rejects.toThrow(
    /^steps\.0 \(smooth\): rate: only along a row/,
  );
  await expect(train('[{ use: smooth, time: 1s, channels: [flow] }]')).rejects.toThrow(/none\.csv/);
  const named = { ...options, set: ['data.fields=[speed]', 'steps=[{ use: smooth, time: 1s, channels: [flow] }]'] };
  await expect(trainModel(named)).rejects.toThrow(/^steps\.0 \(smooth\): channels: there is no channel "flow"/);
});

test.each([{}, { compare: true }, { promoteBest: true }])(
  'with %j an empty archive is refused, although there is a table',
  async (how) => {
    const rows = Array.from({ length: 40 }, (_, row) => `${row % 7},${row % 2 === 0 ? 'sound' : 'worn'}`);
    writeFileSync(join(folder, 'pumps.csv'), ['speed,label', ...rows, ''].join('\n'));
    const config = join(folder, 'stream.yaml');
    writeFileSync(config, 'stream: pumps\ndata: { train: pumps.csv, truth: label }\ntraining: { trees: 5 }\n');
    const from = { from: 'archive', range: '-7d' } as const;
    const options = { config, set: [], data: join(folder, 'data'), logLevel: 'silent', ...from, ...how };
    await expect(trainModel(options)).rejects.toMatchObject({ code: 'data-invalid' });
  },
);
