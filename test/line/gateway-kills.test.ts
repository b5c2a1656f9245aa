import { expect, test } from 'vitest';
import { startMlflow } from '../servers/mlflow.ts';
import type { ServerHandle } from '../servers/process.ts';
import { describeWithPython } from '../servers/python.ts';
import { temporaryFolder } from './gapline.ts';
import { runKills } from './gateway-kills.ts';

// A long one by hand: GAPLINE_KILL_TASKS=50 npx vitest run test/line/gateway-kills.test.ts
const tasks = Number(process.env.GAPLINE_KILL_TASKS ?? 4);
const kills = Math.ceil(tasks * 0.6);
const seed = Number(process.env.GAPLINE_KILL_SEED ?? 1);
const timeout = 60_000 * Math.max(15, tasks);

async function killAtRandom(mlflow?: ServerHandle): Promise<Record<string, number>> {
  const report = await runKills({ folder: temporaryFolder(), tasks, seed, kills, ...(mlflow && { mlflow }) });
  console.info(`seed ${seed}, kills of ${JSON.stringify(report.killed)}, ${report.versions.length} versions`);
  const ids = Object.keys(report.states);
  expect(ids).toHaveLength(tasks);
  expect(Object.entries(report.states).filter(([, state]) => state !== 'done')).toEqual([]);
  expect(report.versions.toSorted()).toEqual(ids.toSorted());
  return report.killed;
}

test(
  `kill -9 of gateway and trainings at random: of ${tasks} tasks none is lost, none is done twice`,
  async () => {
    await killAtRandom();
  },
  timeout,
);

describeWithPython('mlflow', 'with MLflow as the registry', (python) => {
  test(
    `kill -9 of gateway, trainings and registry at random: of ${tasks} tasks none is lost, none is done twice`,
    async () => {
      const mlflow = await startMlflow(python());
      try {
        expect((await killAtRandom(mlflow)).registry).toBeGreaterThan(0);
      } finally {
        await mlflow.stop();
      }
    },
    timeout + 300_000,
  );
});
