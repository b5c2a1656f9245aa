import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';

/** The packages that a module has loaded by itself. */
function loadedBy(module: string, then = ''): string[] {
  const script = `
    import { createRequire } from 'node:module';
    const engine = await import(${JSON.stringify(new URL(module, import.meta.url).href)});
    ${then}
    const loaded = Object.keys(createRequire(import.meta.url).cache);
    console.log(JSON.stringify(loaded.map((file) => /node_modules\\/((?:@[^/]+\\/)?[^/]+)/.exec(file)?.[1])));`;
  const output = execFileSync(process.execPath, ['--input-type=module', '--eval', script], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  return [...new Set<string>(JSON.parse(output))];
}

test('the embedded log loads no library of Kafka, and the one on Kafka only once it starts', () => {
  expect(loadedBy('./open-log.ts')).not.toContain('kafkajs');
  expect(loadedBy('./sqlite.ts')).not.toContain('kafkajs');
  expect(loadedBy('./kafka.ts')).not.toContain('kafkajs');
  expect(loadedBy('./kafka.ts')).not.toContain('@platformatic/kafka');
  const start = `await engine.createKafkaLog({ url: 'kafka://127.0.0.1:1', waitMs: 0, logger: { debug() {}, warn() {} } }).start().catch(() => {});`;
  expect(loadedBy('./kafka.ts', start)).toContain('kafkajs');
});
