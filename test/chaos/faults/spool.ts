import { metric } from '../metrics.ts';
import { damageSpool } from '../spool-damage.ts';
import type { Stack } from '../stack.ts';
import { type Fault, seconds } from './fault.ts';

const enoughReadings = 400;
const maxWaitSeconds = 30;

/** Kafka is unavailable, the spool fills, the collector is killed, and its disk cuts a piece off the file or flips a bit in it. */
export const damagedSpool: Fault = {
  name: 'the spool is damaged',
  touches: ['collector', 'kafka', 'connections of kafka'],
  seconds: 20,
  async strike(stack, random) {
    const { proxies, parts, spoolFile, excused, tell } = stack;
    proxies.kafka.refusing = true;
    proxies.kafka.cut(() => true);
    await spooled(stack);
    await parts.collector.kill();
    const damage = damageSpool(spoolFile, random);
    for (const identity of damage.excused) excused.add(identity);
    tell(`the spool held ${damage.held} readings; ${damage.what}: ${damage.excused.length} sat there`);
    proxies.kafka.refusing = false;
    await parts.collector.bringBack();
  },
};

async function spooled({ collectorUrl }: Stack): Promise<void> {
  for (let waited = 0; waited < maxWaitSeconds; waited += 1) {
    await seconds(1);
    if (((await metric(collectorUrl, 'gapline_collector_spool_readings')) ?? 0) >= enoughReadings) return;
  }
}
