import { expect, test } from 'vitest';
import { temporaryFolder } from './gapline.ts';
import { runKills } from './gateway-kills.ts';

// A long one by hand: GAPLINE_KILL_TASKS=50 npx vitest run test/line/gateway-kills.test.ts
const tasks = Number(process.env.GAPLINE_KILL_TASKS ?? 4);
const kills = Math.ceil(tasks * 0.6);
const seed = Number(process.env.GAPLINE_KILL_SEED ?? 1);

test(
  `kill -9 of gateway and trainings at random: of ${tasks} tasks none is lost, none is done twice`,
  async () => {
    const report = await runKills({ folder: temporaryFolder(), tasks, seed, kills });
    console.info(`${report.gatewayKills} kills of the gateway, ${report.trainingKills} of trainings, seed ${seed}`);
    const ids = Object.keys(report.states);
    expect(ids).toHaveLength(tasks);
    expect(Object.entries(report.states).filter(([, state]) => state !== 'done')).toEqual([]);
    expect(report.versions.toSorted()).toEqual(ids.toSorted());
  },
  60_000 * Math.max(8, tasks),
);
