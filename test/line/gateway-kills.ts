import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { mulberry32 } from '../../examples/random.ts';
import { GatewayClient, madeBy, trainings } from './gateway-client.ts';

/**
 * How often a task that runs is struck. A strike may fall on the one behind it instead, so none is struck more than twice: a task whose
 * process dies a third time is given up, as one that always dies has to be.
 */
const mostStrikes = 1;

export interface KillOptions {
  readonly folder: string;
  readonly tasks: number;
  readonly seed: number;
  /** How many times something is killed, at most. */
  readonly kills: number;
}

export interface KillReport {
  readonly gatewayKills: number;
  readonly trainingKills: number;
  /** Tasks that were accepted, and how each ended. */
  readonly states: Readonly<Record<string, string>>;
  /** The task that made each version. */
  readonly versions: readonly string[];
}

function writeStream(folder: string): string {
  const rows = Array.from(
    { length: 600 },
    (_, row) => `${(row * 37) % 100},${row % 11},${(row * 37) % 100 < 50 ? 'low' : 'high'}`,
  );
  writeFileSync(join(folder, 'rows.csv'), ['a,b,label', ...rows].join('\n'));
  const limits = { read: 1_000_000, start: 1_000_000, 'sign-in': 1_000_000 };
  const data = { train: 'rows.csv', truth: 'label' };
  const config = join(folder, 'stream.yaml');
  writeFileSync(config, JSON.stringify({ stream: 'levels', data, training: { trees: 50 }, gateway: { limits } }));
  return config;
}

/** Starts trainings, and kills the gateway and what it trains with at random, until all are over. */
export async function runKills({ folder, tasks, seed, kills }: KillOptions): Promise<KillReport> {
  const random = mulberry32(seed);
  const [config, data] = [writeStream(folder), join(folder, 'data')];
  let gateway = await GatewayClient.start(config, data);
  const ids: string[] = [];
  for (let task = 0; task < tasks; task += 1) {
    const { status, body } = await gateway.request('/train', { hyperparameters: { seed: task } });
    if (status !== 202) throw new Error(`task ${task}: ${status} ${JSON.stringify(body)}`);
    ids.push(body.id);
  }
  const struck = new Map<string, number>();
  const counts = { gateway: 0, training: 0 };
  let strikes = 0;
  for (;;) {
    const all = (await gateway.request('/tasks?limit=1000')).body.tasks as { id: string; state: string }[];
    if (all.every(({ state }) => state !== 'queued' && state !== 'running')) break;
    const running = all.find(({ state }) => state === 'running')?.id;
    const before = running === undefined ? mostStrikes : (struck.get(running) ?? 0);
    if (running !== undefined && strikes < kills && before < mostStrikes && random() < 0.6) {
      struck.set(running, before + 1);
      strikes += 1;
      await sleep(random() * 1_500);
      if (random() < 0.5) {
        counts.gateway += 1;
        await gateway.end('SIGKILL');
        gateway = await GatewayClient.start(config, data);
      } else for (const pid of trainings(data)) counts.training += killed(pid);
    }
    await sleep(100 + random() * 900);
  }
  const listed = (await gateway.request('/tasks?limit=1000')).body.tasks as { id: string; state: string }[];
  const states = Object.fromEntries(ids.map((id) => [id, listed.find((task) => task.id === id)?.state ?? 'lost']));
  await gateway.end('SIGTERM');
  return { gatewayKills: counts.gateway, trainingKills: counts.training, states, versions: madeBy(folder) };
}

/** One that has just ended is none. */
function killed(pid: number): number {
  try {
    process.kill(pid, 'SIGKILL');
    return 1;
  } catch {
    return 0;
  }
}
