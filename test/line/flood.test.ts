import { expect, test } from 'vitest';
import { runFlood } from '../../bench/flood/run.ts';

/** Generous: what a process may hold is in docs/backpressure.md, and a flood is measured by `npm run bench -- flood`. */
const mostMb = 1_500;

/** What a test may say of a flood on a machine that does other things too: what is lost, what is answered, what is held. */
function expectServed(report: Awaited<ReturnType<typeof runFlood>>): void {
  const { lost, twice, neverAccepted, unknown, alive, accepted, labelled, statuses, peakMb } = report;
  expect({ lost, twice, neverAccepted, unknown, alive }).toEqual({
    lost: 0,
    twice: 0,
    neverAccepted: 0,
    unknown: 0,
    alive: true,
  });
  expect(labelled).toBe(accepted);
  expect(accepted).toBeGreaterThan(0);
  expect(Object.keys(statuses).filter((status) => !['202', '429', '503'].includes(status))).toEqual([]);
  for (const megabytes of Object.values(peakMb)) expect(megabytes).toBeLessThan(mostMb);
}

const common = { engine: 'embedded', factor: 10, connections: 200, trial: 4_000 } as const;

test('a flood of ten times what the line labels: what is accepted is labelled once, the rest is told to come again', async () => {
  expectServed(await runFlood({ ...common, kind: 'flood', seconds: 10, devices: 200, perDevice: 0 }));
}, 240_000);

test('devices that all come back at once with what they kept: all of it is taken in the end and labelled once', async () => {
  const report = await runFlood({ ...common, kind: 'return', seconds: 0, devices: 200, perDevice: 100 });
  expectServed(report);
  expect(report.accepted).toBe(20_000);
}, 240_000);
