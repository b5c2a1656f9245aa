import { availableParallelism } from 'node:os';
import { configDefaults, defineConfig, mergeConfig } from 'vitest/config';
import whole from './vitest.config.ts';

/** What starts servers, browsers, containers, Python or a whole line of processes: `npm test` runs it. */
const slow = [
  'test/{line,compose,servers}/**',
  'test/chaos/campaign.test.ts',
  'test/fuzz/schemathesis.test.ts',
  'test/telegraf*.test.ts',
  'docs/walkthrough.test.ts',
  'core/log/kafka.test.ts',
  'core/log/kafka/{broker,members,outage}.test.ts',
  'core/model/kinds/servers.test.ts',
  'core/store/influxdb.test.ts',
  'dashboard/page/testing/**',
  'examples/python-classifier/**',
  '{influxdb,telegraf}/**',
];

// `npm run test:quick`. Where a file has tests with a server beside others, those that need it are skipped and say so.
const { globalSetup: _, ...test } = whole.test ?? {};
export default mergeConfig(
  { test },
  // Vitest leaves one core alone; of two that would be half of them, and many of these tests wait.
  defineConfig({ test: { exclude: [...configDefaults.exclude, ...slow], maxWorkers: availableParallelism() } }),
);
