import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import { expect, test } from 'vitest';
import { createSqliteLog } from '../core/log/sqlite.ts';
import { type Stream, topicsOf } from '../core/wire/stream.ts';
import { describeUnknownFields, readUnknownFields } from './unknown-fields.ts';

const stream: Stream = { name: 'pumps', fields: ['rpm'], topics: topicsOf('pumps') };

test('the last report of each collector counts, and several collectors are added', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'gapline-'));
  const log = createSqliteLog({ file: join(folder, 'gapline.db'), logger: pino({ level: 'silent' }) });
  await log.start();
  await log.ensureTopics([{ name: stream.topics.status, partitions: 1, retentionMs: 86_400_000 }]);
  const report = (instance: string, count: number, stage = 'collector') => {
    const unknownFields = [{ name: 'rpmx\u001b[2J', count, near: 'rpm' }];
    const status = { stream: 'pumps', stage, instance, at: '2026-01-01T00:00:00Z', counters: {}, unknownFields };
    return { key: instance, value: Buffer.from(JSON.stringify(status)) };
  };
  expect(await readUnknownFields(log, stream)).toEqual([]);
  const noise = { key: 'a', value: Buffer.from('no JSON') };
  await log.append(stream.topics.status, [report('a', 1), report('b', 20), report('a', 100), noise], {
    deadlineMs: 5_000,
  });
  const found = await readUnknownFields(log, stream);
  expect(describeUnknownFields(found)).toBe('`rpmx\\u001b[2J` is not known: 120 times; did you mean `rpm`?');
  await log.stop();
  rmSync(folder, { recursive: true, force: true });
});
