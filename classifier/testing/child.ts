/** A classifier in a process of its own, for the tests that kill it. Its argument says where the log is and how the model works. */
import { pino } from 'pino';
import { Registry } from 'prom-client';
import type { LogAddress } from '../../core/log/contract/child.ts';
import type { StepSpec } from '../../core/steps/registry.ts';
import type { Stream } from '../../core/wire/stream.ts';
import { createClassifier } from '../classifier.ts';
import { doubleModel } from './doubles.ts';
import { changingSource } from './line.ts';
import { seriesModel } from './series-model.ts';

export interface ClassifierTask {
  readonly address: LogAddress;
  readonly stream: Stream;
  /** Of version 1. Absent: it is the model of whole series, which never changes. */
  readonly steps?: readonly StepSpec[];
  /** Of version 2, where there is one: it takes over once this member has taken so many readings. */
  readonly next?: { readonly steps: readonly StepSpec[]; readonly after: number };
  readonly maxBatch: number;
  readonly everyRecords: number;
}

const { address, stream, steps, next, maxBatch, everyRecords }: ClassifierTask = JSON.parse(process.argv[2] ?? '');
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
const first = steps ? doubleModel({ steps }) : seriesModel();
const second = next && doubleModel({ version: 2, steps: next.steps });
const source = second && next.after === 0 ? changingSource(second, first) : changingSource(first);
const classifier = createClassifier({
  ...{ stream, log, models: source, logger, registry: new Registry(), maxBatch },
  checkpoints: { everyRecords, everyMs: 3_600_000 },
});
await classifier.start();
let isChanged = next?.after === 0;
setInterval(() => {
  const { readings } = classifier.totals();
  process.send?.(readings);
  if (!second || isChanged || readings < next.after) return;
  isChanged = true;
  source.change(second);
}, 2);
