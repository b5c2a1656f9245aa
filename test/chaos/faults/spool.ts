import { existsSync } from 'node:fs';
import type { Line } from '../line.ts';
import { metric } from '../metrics.ts';
import { damageSpool } from '../spool-damage.ts';
import { type Fault, seconds } from './fault.ts';
import { childrenOf } from './workers.ts';

/** Of a stream whose records hold one reading each. */
const enoughReadings = 400;
const maxWaitSeconds = 30;
const betweenLooksSeconds = 0.05;

/** Kafka is unavailable, the spool fills, the collector is killed, and its disk cuts a piece off the file or flips a bit in it. */
export const damagedSpool: Fault = {
  name: 'the spool is damaged',
  touches: ['collector', 'kafka', 'connections of kafka'],
  seconds: 20,
  async strike(stack, random) {
    const { proxies, parts, lines, tell } = stack;
    proxies.kafka.refusing = true;
    proxies.kafka.cut(() => true);
    await Promise.all(lines.map(spooled));
    const workers = lines.flatMap(({ collector }) => (collector.alive ? childrenOf(collector.pid) : []));
    await parts.collector.kill();
    await ended(workers);
    for (const { case: which, spoolFile, excused } of lines) {
      const damage = damageSpool(spoolFile, random);
      for (const identity of damage.excused) excused.add(identity);
      const held = `the spool of ${which.stream} held ${damage.held} records`;
      tell(`${held}; ${damage.what}: ${damage.excused.length} sat there`);
    }
    proxies.kafka.refusing = false;
    await parts.collector.bringBack();
  },
};

/** Workers outlive the process that started them for a moment, and what they spool then is acknowledged, too. */
async function ended(pids: readonly number[]): Promise<void> {
  for (let waited = 0; pids.some((pid) => existsSync(`/proc/${pid}`)); waited += betweenLooksSeconds) {
    if (waited > maxWaitSeconds) throw new Error('workers run on without the process that started them');
    await seconds(betweenLooksSeconds);
  }
}

async function spooled({ collectorUrl }: Line): Promise<void> {
  for (let waited = 0; waited < maxWaitSeconds; waited += 1) {
    await seconds(1);
    if (((await metric(collectorUrl, 'gapline_collector_spool_readings')) ?? 0) >= enoughReadings) return;
  }
}
