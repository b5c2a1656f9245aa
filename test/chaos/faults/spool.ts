import type { Line } from '../line.ts';
import { metric } from '../metrics.ts';
import { damageSpool } from '../spool-damage.ts';
import { type Fault, seconds } from './fault.ts';

/** Of a stream whose records hold one reading each. */
const enoughReadings = 400;
const maxWaitSeconds = 30;

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
    await parts.collector.kill();
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

async function spooled({ collectorUrl }: Line): Promise<void> {
  for (let waited = 0; waited < maxWaitSeconds; waited += 1) {
    await seconds(1);
    if (((await metric(collectorUrl, 'gapline_collector_spool_readings')) ?? 0) >= enoughReadings) return;
  }
}
