import { pino } from 'pino';
import { expect, test } from 'vitest';
import { GaplineError } from '../wire/errors.ts';
import { createBatchProcessor } from './batch-processor.ts';
import { Checkpoints } from './checkpoint.ts';
import { text, texts } from './contract/fixture.ts';
import type { Batch, Output, PipeHandlers, StoredRecord } from './port.ts';
import { createRetryPolicy } from './retry-policy.ts';

const logger = pino({ level: 'silent' });
const refused = (what: string) => new GaplineError('log-unavailable', what, { retryable: false });

function recordOf(value: string, at: number): StoredRecord {
  return { topic: 'in', partition: 0, offset: BigInt(at), arrivedMs: 0, key: 'a', value: Buffer.from(value) };
}

/** One partition whose state is the list of records that it took; a log that refuses what `refuses` says. */
function partitionOf(refuses: (outputs: readonly Output[]) => boolean, handlers: Partial<PipeHandlers> = {}) {
  const state: string[] = [];
  const committed: string[] = [];
  const refusedCheckpoints: unknown[] = [];
  let position = 0n;
  const all: PipeHandlers = {
    transform: ({ records }) => ({
      outputs: records.map((record) => ({ topic: 'out', key: 'a', value: record.value })),
      committed: () => void state.push(...texts(records)),
    }),
    deadLetter: (record) => ({ topic: 'dead', key: 'a', value: record.value }),
    passed: (record) => void state.push(`passed ${text(record)}`),
    save: () => Buffer.from(state.join()),
    checkpointRefused: (_, error) => void refusedCheckpoints.push(error),
    ...handlers,
  };
  const stopping = new AbortController().signal;
  const process = createBatchProcessor({
    handlers: all,
    retry: createRetryPolicy({
      ...{ group: 'g', logger, stopping, stalled: undefined, backoff: { firstMs: 1, maxMs: 1 } },
    }),
    ...{ attempts: 1, logger },
    async commit({ records }, outputs) {
      if (refuses(outputs)) throw refused('too large');
      committed.push(...outputs.map((output) => `${output.topic} ${output.key} ${text(output).split('\n').at(-1)}`));
      position = (records.at(-1)?.offset ?? position) + 1n;
    },
    checkpoints: Checkpoints.of(
      0,
      { from: ['in'], checkpoints: { topic: 'state', everyRecords: 1, everyMs: 3_600_000 } },
      all,
    ),
    positions: () => new Map([['in', position]]),
  });
  const take = (...values: string[]) => {
    const from = Number(position);
    const batch: Batch = {
      ...{ topic: 'in', partition: 0, signal: new AbortController().signal },
      records: values.map((value, at) => recordOf(value, from + at)),
    };
    return process(batch);
  };
  return { state, committed, refusedCheckpoints, take };
}

const throwingAt = (value: string): Partial<PipeHandlers> => ({
  transform({ records }) {
    if (texts(records).includes(value)) throw refused('this cannot be read');
    return { outputs: [] };
  },
});

test('a checkpoint that the log refuses costs no record: the batch is committed without it, and the next one is tried in its turn', async () => {
  const one = partitionOf((outputs) => outputs.some(({ topic }) => topic === 'state'));
  await one.take('1', '2');
  await one.take('3');
  expect(one.committed).toEqual(['out a 1', 'out a 2', 'out a 3']);
  expect(one.state).toEqual(['1', '2', '3']);
  expect(one.refusedCheckpoints).toHaveLength(2);
});

test('outputs that the log refuses are dead letters, whether or not a checkpoint stood beside them', async () => {
  const one = partitionOf((outputs) => outputs.some(({ topic, value }) => topic === 'out' && String(value) === '2'));
  await one.take('1', '2', '3');
  expect(one.committed.filter((written) => !written.startsWith('state'))).toEqual(['out a 1', 'dead a 2', 'out a 3']);
  expect(one.state).toEqual(['1', 'passed 2', '3']);
  expect(one.refusedCheckpoints).toEqual([]);
});

test('a record that became a dead letter is passed once it is committed, and has no checkpoint of its own', async () => {
  const one = partitionOf(() => false, throwingAt('2'));
  await one.take('1');
  const before = one.committed.length;
  await one.take('2');
  expect(one.committed.slice(before)).toEqual(['dead a 2', 'state 0 ']);
  expect(one.state).toEqual(['passed 2']);
});

test('a record whose dead letter the log refuses is passed, too', async () => {
  const one = partitionOf((outputs) => outputs.some(({ topic }) => topic === 'dead'), throwingAt('2'));
  await one.take('2');
  expect(one.committed).toEqual(['state 0 ']);
  expect(one.state).toEqual(['passed 2']);
});
