import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openRegistry } from '../../core/model/registry/folder.ts';
import { openMlflow } from '../../core/model/registry/mlflow.ts';
import { mulberry32 } from '../../examples/random.ts';
import type { ServerHandle } from '../servers/process.ts';
import { GatewayClient, madeBy, trainings } from './gateway-client.ts';

/**
 * How often a task that runs is struck. A strike may fall on the one behind it instead, so none is struck more than twice: a task whose
 * process dies a third time is given up, as one that always dies has to be.
 */
const mostStrikes = 1;

const stream = 'levels';

type Victim = 'gateway' | 'training' | 'registry';

export interface KillOptions {
  readonly folder: string;
  readonly tasks: number;
  readonly seed: number;
  /** How many times something is killed, at most. */
  readonly kills: number;
  /** A registry that is killed as well. Default: a folder, which cannot be. */
  readonly mlflow?: ServerHandle;
}

export interface KillReport {
  readonly killed: Readonly<Record<Victim, number>>;
  /** Tasks that were accepted, and how each ended. */
  readonly states: Readonly<Record<string, string>>;
  /** The task that made each version. */
  readonly versions: readonly string[];
}

function writeStream(folder: string, mlflow: ServerHandle | undefined): string {
  const rows = Array.from(
    { length: 600 },
    (_, row) => `${(row * 37) % 100},${row % 11},${(row * 37) % 100 < 50 ? 'low' : 'high'}`,
  );
  writeFileSync(join(folder, 'rows.csv'), ['a,b,label', ...rows].join('\n'));
  const limits = { read: 1_000_000, start: 1_000_000, 'sign-in': 1_000_000 };
  const data = { train: 'rows.csv', truth: 'label' };
  const model = mlflow && { registry: 'mlflow', url: mlflow.url };
  const config = join(folder, 'stream.yaml');
  writeFileSync(config, JSON.stringify({ stream, data, model, training: { trees: 50 }, gateway: { limits } }));
  return config;
}

/** Starts trainings, and kills the gateway, what it trains with and its registry at random, until all are over. */
export async function runKills({ folder, tasks, seed, kills, mlflow }: KillOptions): Promise<KillReport> {
  const random = mulberry32(seed);
  const [config, data] = [writeStream(folder, mlflow), join(folder, 'data')];
  let gateway = await GatewayClient.start(config, data);
  const ids: string[] = [];
  for (let task = 0; task < tasks; task += 1) {
    const { status, body } = await gateway.request('/train', { hyperparameters: { seed: task } });
    if (status !== 202) throw new Error(`task ${task}: ${status} ${JSON.stringify(body)}`);
    ids.push(body.id);
  }
  const struck = new Map<string, number>();
  const plan = planOf(kills, mlflow ? ['registry', 'gateway', 'training'] : ['gateway', 'training'], random);
  const killed: Record<Victim, number> = { gateway: 0, training: 0, registry: 0 };
  let strikes = 0;
  /** The registry is unavailable meanwhile, and the others may be killed. */
  let restart: Promise<void> | undefined;
  const strike = async (victim: Victim): Promise<void> => {
    if (victim === 'training') for (const pid of trainings(data)) killed.training += kill(pid);
    if (victim === 'gateway') {
      killed.gateway += 1;
      await gateway.end('SIGKILL');
      gateway = await GatewayClient.start(config, data);
    }
    if (victim === 'registry' && mlflow) {
      await restart;
      killed.registry += 1;
      await mlflow.kill();
      const downMs = random() * 3_000;
      restart = sleep(downMs).then(() => mlflow.restart());
    }
  };
  for (;;) {
    const all = (await gateway.request('/tasks?limit=1000')).body.tasks as { id: string; state: string }[];
    if (all.every(({ state }) => state !== 'queued' && state !== 'running')) break;
    const running = all.find(({ state }) => state === 'running')?.id;
    const victim = plan[strikes];
    if (running !== undefined && victim !== undefined && (strikes === 0 || random() < 0.6)) {
      const before = struck.get(running) ?? 0;
      // A training waits for its registry, however often that is unavailable.
      if (victim === 'registry' || before < mostStrikes) {
        if (victim !== 'registry') struck.set(running, before + 1);
        strikes += 1;
        await sleep(random() * 1_500);
        await strike(victim);
      }
    }
    await sleep(100 + random() * 900);
  }
  await restart;
  const listed = (await gateway.request('/tasks?limit=1000')).body.tasks as { id: string; state: string }[];
  const states = Object.fromEntries(ids.map((id) => [id, listed.find((task) => task.id === id)?.state ?? 'lost']));
  await gateway.end('SIGTERM');
  const models = mlflow
    ? openMlflow({ url: mlflow.url, name: stream })
    : openRegistry({ folder: join(folder, 'models'), name: stream });
  return { killed, states, versions: await madeBy(models) };
}

/** Each kind as often as the others, by chance but for the first: so that one is struck even where the tasks are soon over. */
function planOf(kills: number, kinds: readonly [Victim, ...Victim[]], random: () => number): Victim[] {
  const [first, ...others] = Array.from({ length: kills }, (_, at) => kinds[at % kinds.length] ?? kinds[0]);
  const drawn = others.map((victim) => ({ victim, place: random() })).sort((a, b) => a.place - b.place);
  return first ? [first, ...drawn.map(({ victim }) => victim)] : [];
}

/** One that has just ended is none. */
function kill(pid: number): number {
  try {
    process.kill(pid, 'SIGKILL');
    return 1;
  } catch {
    return 0;
  }
}
