import { cpSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import { createSqliteLog } from '../../core/log/sqlite.ts';
import { type Ended, gapline, spambase, temporaryFolder } from './gapline.ts';

/** Stands before a line as the command line writes it: what is wrong, what to do, the code. */
function expectOneLine({ code, stderr }: Ended, errorCode: string): void {
  expect(stderr.trimEnd().split('\n')).toEqual([expect.stringMatching(/^gapline: .{20,2500}\. .* \[[a-z-]+\]$/)]);
  expect(stderr).toContain(`[${errorCode}]`);
  expect(code).toBe(1);
}

test('stream.yaml, CSV, artifact and dead letter that are corrupt are told in one line each', async () => {
  const folder = temporaryFolder();
  const at = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  const deep = at('deep.yaml', `stream: ${'['.repeat(50_000)}`);
  const bomb = at(
    'bomb.yaml',
    `stream: &a [${'1,'.repeat(9)}1]\n__proto__: &b [${'*a,'.repeat(200)}*a]\ndata: [${'*b,'.repeat(200)}*b]\n`,
  );
  const torn = at('torn.csv', `a,b,label\n1,2,"x\u001b[31m${'9'.repeat(5_000)}\n`);
  const models = join(folder, 'models', 'spambase', '1');
  cpSync(join(dirname(spambase), 'models/spambase/1'), models, { recursive: true });
  writeFileSync(join(models, 'model.json'), '{"format":');
  const broken = at('broken.yaml', 'stream: spambase\nmodel: { name: spambase }\n');
  const show = (file: string) => gapline(['models', 'list', '--config', file]).ended;
  expectOneLine(await show(deep), 'config-invalid');
  expectOneLine(await show(bomb), 'config-invalid');
  expectOneLine(await gapline(['models', 'show', '1', '--config', broken]).ended, 'model-invalid');
  expect((await show(broken)).stdout).toMatch(/^1\tcannot be used\t[^\n]*model\.json is corrupt[^\n]*\n$/);
  expectOneLine(await gapline(['new', 'torn', '--data', torn, '--folder', join(folder, 'torn')]).ended, 'data-invalid');

  const log = createSqliteLog({ file: join(folder, 'gapline.db'), logger: pino({ level: 'silent' }) });
  await log.start();
  await log.ensureTopics([{ name: 'spambase.deadletters', partitions: 1, retentionMs: 86_400_000 }]);
  await log.append('spambase.deadletters', [{ key: 'd', value: Buffer.from('{"stage":"\u001b[31m') }], {
    deadlineMs: 5_000,
  });
  await log.stop();
  const letters = ['--config', spambase, '--data', folder];
  const listed = await gapline(['deadletters', 'list', ...letters]).ended;
  expect(listed.stdout).toMatch(/^0\/0\t.*this record is not a dead letter: it is not JSON[^\n]*\n$/);
  expectOneLine(await gapline(['deadletters', 'show', '0/0', ...letters]).ended, 'not-found');
  const replayed = await gapline(['deadletters', 'replay', '--all', ...letters]).ended;
  expect([replayed.code, replayed.stdout]).toEqual([0, '0 records appended again\n']);
}, 60_000);
