import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { type Status, statusSchema } from '../core/wire/status.ts';
import { telegrafSupply } from '../test/servers/telegraf.ts';
import { renderFormat, statusFormat } from './formats.ts';

const { GAPLINE_TEST_TELEGRAF: program, GAPLINE_REQUIRE_SERVERS } = process.env;
const here = program !== undefined || GAPLINE_REQUIRE_SERVERS === '1';
const why = here ? '' : ` (not run: no ${telegrafSupply.title} here, GAPLINE_TEST_TELEGRAF is not set)`;

test.skipIf(!here)(`Telegraf carries the drift of a status, and does without${why}`, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'gapline-telegraf-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const fields = [
    { name: 'a "quoted", name', psi: 1.5, outside: 0.25 },
    { name: 'b', psi: 1, outside: 0 },
  ];
  const status: Status = {
    stream: 'spam',
    stage: 'classifier',
    instance: 'one',
    at: '2026-11-21T06:52:04Z',
    counters: { labels: 3 },
  };
  const drift = { readings: 5_000, outside: 0.25, psi: 1.5, threshold: 0.2, drifted: 2, fields };
  const records = [statusSchema.parse({ ...status, drift }), statusSchema.parse({ ...status, instance: 'two' })];
  const files = records.map((_, index) => join(folder, `${index}.json`));
  await Promise.all(records.map((record, index) => writeFile(files[index]!, JSON.stringify(record, null, 1))));
  const config = `
[[inputs.file]]
  files = ${JSON.stringify(files)}
  name_override = "spam.status"
${renderFormat('file', 'spam', statusFormat)}
[[outputs.file]]
  files = ["stdout"]
  data_format = "json"
`;
  await writeFile(join(folder, 'run.conf'), config);
  const agent = resolve(import.meta.dirname, 'telegraf.conf');
  const args = ['--config', agent, '--config', join(folder, 'run.conf'), '--output-filter', 'file', '--once'];
  const { stdout } = await promisify(execFile)(program!, args);
  const points = stdout
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line))
    .sort((a, b) => a.tags.instance.localeCompare(b.tags.instance));
  expect(points.map(({ fields: found }) => found)).toEqual([
    {
      labels: 3,
      driftPsi: 1.5,
      driftOutside: 0.25,
      driftThreshold: 0.2,
      driftCount: 2,
      driftFields: JSON.stringify(fields),
      lastError: '',
      reported: status.at,
    },
    { labels: 3, lastError: '', reported: status.at },
  ]);
});
