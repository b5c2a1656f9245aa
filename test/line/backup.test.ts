import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { eventually, gapline, root, spambase, temporaryFolder } from './gapline.ts';
import { archivedIdentities, identities, predictionsOf, recordsOf } from './identities.ts';

/** The commands of the page, for another folder than the repository's own. */
function commandsFor(folder: string): string[] {
  const page = readFileSync(join(root, 'docs/operations.md'), 'utf8');
  const section = page.slice(page.indexOf('<!-- test/line/backup.test.ts'));
  const blocks = [...section.matchAll(/```sh\n(.*?)```/gs)].slice(0, 2).map(([, text]) => text!);
  expect(blocks[0]).toContain("'backup.db'");
  return blocks.map((text) =>
    text.replaceAll('data/', `${folder}/data/`).replaceAll('backup.db', `${folder}/backup.db`),
  );
}

test('a running line is backed up and restored by the commands of the page', { timeout: 90_000 }, async () => {
  const folder = temporaryFolder();
  const [data, ports] = [join(folder, 'data'), ['--collector-port', '0', '--page-port', '0', '--log-level', 'error']];
  mkdirSync(data);
  const file = join(data, 'gapline.db');
  const [copy, restore] = commandsFor(folder);
  const up = (...more: string[]) => gapline(['up', '--config', spambase, '--data', data, ...ports, ...more]);
  const labelled = async () => identities(await predictionsOf(file, 'spam_predictions'));
  const first = up();
  await first.printed(/POST/);
  await eventually(async () => (await labelled()).length >= 100);
  execFileSync('sh', ['-c', copy!], { cwd: root, stdio: 'pipe' });
  const later = (await labelled()).length;
  await eventually(async () => (await labelled()).length > later);
  first.kill('SIGTERM');
  expect((await first.ended).code).toBe(0);
  const all = new Set(await labelled());

  execFileSync('sh', ['-c', restore!], { cwd: root });
  const kept = identities(await recordsOf<{ device: string; time: string }>(file, 'spam_data'));
  expect(kept.length).toBeGreaterThanOrEqual(100);
  expect(new Set(kept).isSubsetOf(all)).toBe(true);
  expect(kept.length).toBeLessThan(all.size);
  const again = up('--no-generator');
  await again.printed(/POST/);
  const archived = () => archivedIdentities(file, 'spambase');
  await eventually(async () => (await labelled()).length === kept.length && (await archived()).length === kept.length);
  again.kill('SIGTERM');
  expect((await again.ended).code).toBe(0);
  expect((await labelled()).sort()).toEqual([...kept].sort());
});
