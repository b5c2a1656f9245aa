// `npm run demo:swap`: the example loses 40 % of its values and is labelled by a model that fills means; then a better model takes over
// while the line runs. Watch accuracy jump on the page. `-- --seconds N` is how long each model is watched; then the demo ends.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { pino } from 'pino';
import { createSqliteLog } from '../core/log/sqlite.ts';
import type { Prediction } from '../core/wire/prediction.ts';

const root = resolve(import.meta.dirname, '..');
const { values } = parseArgs({ options: { seconds: { type: 'string', default: '30' } } });
const watchMs = Number(values.seconds) * 1_000;
const folder = mkdtempSync(join(tmpdir(), 'gapline-demo-'));
const config = join(folder, 'stream.yaml');
const data = join(folder, 'state');

const gapline = (...args: string[]) =>
  spawn(join(root, 'gapline'), [...args, '--config', config], { stdio: ['ignore', 'pipe', 'ignore'] });

async function finished(child: ChildProcess): Promise<void> {
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`${child.spawnargs.slice(1, 3).join(' ')} ended with ${code}`);
}

/** The share of right labels by model version. */
async function accuracyByVersion(): Promise<Map<number, number>> {
  const log = createSqliteLog({ file: join(data, 'gapline.db'), logger: pino({ level: 'silent' }) });
  await log.start();
  const counts = new Map<number, { right: number; all: number }>();
  for await (const records of log.tail(['spam_predictions'], { since: 0, follow: false })) {
    for (const record of records) {
      const { model, label, truth } = JSON.parse(Buffer.from(record.value).toString()) as Prediction;
      const count = counts.get(model.version) ?? { right: 0, all: 0 };
      counts.set(model.version, { right: count.right + Number(label === truth), all: count.all + 1 });
    }
  }
  await log.stop();
  return new Map([...counts].map(([version, { right, all }]) => [version, right / all]));
}

cpSync(join(root, 'examples/spambase'), folder, { recursive: true });
// It begins with the plain model alone.
rmSync(join(folder, 'models/spambase/2'), { recursive: true });
const flow = ['--set', 'generator.rate=200', '--set', 'generator.batch=5', '--set', 'generator.gaps.rate=0.4'];
const line = gapline(
  'up',
  '--data',
  data,
  '--collector-port',
  '0',
  '--page-port',
  '0',
  '--log-level',
  'error',
  ...flow,
);
try {
  for await (const text of createInterface({ input: line.stdout })) {
    console.log(text);
    if (text.startsWith('readings')) break;
  }
  console.log('Version 1 fills gaps with the mean of the column.');
  await sleep(watchMs / 2);
  console.log('Training version 2: the conditional mean, and copies of the data with gaps…');
  await finished(gapline('train', '--set', 'training.imputer=gaussian', '--set', 'training.copies=4'));
  await sleep(watchMs / 2);
  await finished(gapline('models', 'promote', '2'));
  const deadline = Date.now() + 60_000;
  while (!(await accuracyByVersion()).has(2)) {
    if (Date.now() > deadline) throw new Error('version 2 did not take over within a minute');
    await sleep(500);
  }
  console.log('Version 2 serves.');
  await sleep(watchMs);
  line.kill('SIGTERM');
  await finished(line);
  for (const [version, accuracy] of await accuracyByVersion()) {
    console.log(`version ${version}: accuracy ${(accuracy * 100).toFixed(1)} %`);
  }
} finally {
  line.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
}
