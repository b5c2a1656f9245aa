/** A classifier in a process of its own, for the tests that kill it. Its argument says where the log is and how the model works. */
import { pino } from 'pino';
import { Registry } from 'prom-client';
import type { LogAddress } from '../../core/log/contract/child.ts';
import type { StepSpec } from '../../core/steps/registry.ts';
import type { Stream } from '../../core/wire/stream.ts';
import { createClassifier } from '../classifier.ts';
import { doubleModel } from './doubles.ts';

export interface ClassifierTask {
  readonly address: LogAddress;
  readonly stream: Stream;
  readonly steps: readonly StepSpec[];
  readonly maxBatch: number;
  readonly everyRecords: number;
}

const { address, stream, steps, maxBatch, everyRecords }: ClassifierTask = JSON.parse(process.argv[2] ?? '');
process.on('disconnect', () => process.exit(0));
const logger = pino({ level: 'silent' });

async function openLog() {
  if (address.engine === 'sqlite') {
    const { createSqliteLog } = await import('../../core/log/sqlite.ts');
    return createSqliteLog({ file: address.file, logger });
  }
  const { createKafkaLog } = await import('../../core/log/kafka.ts');
  return createKafkaLog({ ...address, logger });
}

const log = await openLog();
await log.start();
const model = doubleModel({ steps });
const classifier = createClassifier({
  ...{ stream, log, models: { current: async () => model }, logger, registry: new Registry(), maxBatch },
  checkpoints: { everyRecords, everyMs: 3_600_000 },
});
await classifier.start();
setInterval(() => process.send?.(classifier.totals().readings), 2);
