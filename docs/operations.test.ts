import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { expect, test } from 'vitest';
import { createClassifier } from '../classifier/classifier.ts';
import { configJsonSchema } from '../cli/config/reference.ts';
import { createProgram } from '../cli/program.ts';
import { createArchive } from '../collector/archive.ts';
import { createCollector } from '../collector/collector.ts';
import { createWorkers } from '../collector/workers/workers.ts';
import { topicsOf } from '../core/wire/stream.ts';
import { createDashboard } from '../dashboard/dashboard.ts';
import { createGateway } from '../gateway/gateway.ts';
import { createSchedule } from '../scheduling/schedule.ts';
import { createServing } from '../serving/serving.ts';

const page = readFileSync(join(resolve(import.meta.dirname), 'operations.md'), 'utf8');

/** The names in the registries of all stages, which are made and never started. */
function metrics(): Set<string> {
  // A collector is one process, or one before its workers: the two never share a registry.
  const [registry, ofWorkers] = [new Registry(), new Registry()];
  // Nothing is asked of log, store and models before a stage starts.
  const untouched = {} as never;
  const stream = { name: 's', fields: ['a'], topics: topicsOf('s') };
  const own = { stream, log: untouched, logger: pino({ level: 'silent' }), registry, host: '127.0.0.1', port: 0 };
  createCollector(own);
  createWorkers({ ...own, registry: ofWorkers, count: 2, start: untouched });
  createArchive({ ...own, store: untouched });
  createClassifier({ ...own, models: untouched });
  createDashboard(own);
  createServing({ ...own, models: untouched });
  createGateway({
    ...own,
    access: untouched,
    config: untouched,
    streams: [],
    trainingCommand: untouched,
    dataFolder: '',
  });
  createSchedule({ ...own, history: untouched, cron: '* * * * *', title: 'train', start: untouched });
  return new Set([registry, ofWorkers].flatMap((each) => each.getMetricsAsArray().map(({ name }) => name)));
}

test('every metric that the page names is one of a stage', () => {
  const named = new Set(page.match(/gapline_[a-z_]+/g));
  expect(named.size).toBeGreaterThan(15);
  expect([...named.difference(metrics())]).toEqual([]);
});

test('every command and key that the page names is there', () => {
  const commands = new Set(createProgram().commands.map((command) => command.name()));
  const named = [...page.matchAll(/gapline (?!-)([a-z]+)/g)].map(([, name]) => name!);
  expect(named).toContain('doctor');
  expect(named.filter((name) => !commands.has(name))).toEqual([]);
  const { properties = {} } = configJsonSchema();
  const keys = [...page.matchAll(/(?<![/\w])(log|store|classifier|collector)\.([a-z][A-Za-z]+)\b/g)];
  expect(keys.length).toBeGreaterThan(4);
  for (const [, section, key] of keys) expect(properties[section!]?.properties).toHaveProperty(key!);
});
