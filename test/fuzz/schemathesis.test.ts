import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startCollector, type TestCollector } from '../../collector/testing.ts';
import { TestGateway, temporaryFolder } from '../../gateway/testing/gateway.ts';
import { makeStream, makeWindowedStream } from '../../gateway/testing/stream.ts';
import { obtain, obtained } from '../servers/obtain.ts';
import { schemathesisSupply } from '../servers/python-packages.ts';

const demanded = process.env.GAPLINE_REQUIRE_SERVERS === '1';
if (!demanded && obtained(schemathesisSupply) === undefined) {
  console.error(
    `${schemathesisSupply.title} is not in the cache; its test does not run. GAPLINE_REQUIRE_SERVERS=1 gets it.`,
  );
}

let started: TestCollector;
let folder: string;
beforeAll(async () => {
  if (!demanded && obtained(schemathesisSupply) === undefined) return;
  folder = await obtain(schemathesisSupply, (line) => console.error(line));
  started = await startCollector();
}, 300_000);
afterAll(() => started?.stop());

test.runIf(demanded || obtained(schemathesisSupply))(
  'the collector answers as /openapi.json says, whatever it is asked',
  async () => {
    const options = [
      '--max-examples',
      '60',
      '--seed',
      '1',
      '--mode',
      'all',
      '--workers',
      '1',
      '--output-truncate',
      'true',
    ];
    // That a device comes twice in one request, or a time is ahead of the clock, no schema can say.
    const unsayable = ['--exclude-checks', 'positive_data_acceptance'];
    const { status, output } = await schemathesis([
      'run',
      `${started.collector.url}/openapi.json`,
      ...options,
      ...unsayable,
    ]);
    expect([status, output.slice(-8_000)]).toEqual([0, expect.anything()]);
    expect((await fetch(`${started.collector.url}/health`)).status).toBe(200);
  },
  900_000,
);

test.runIf(demanded || obtained(schemathesisSupply))(
  'the gateway answers as /openapi.json says, whatever an administrator asks',
  async () => {
    const streams = [await makeStream(temporaryFolder(), 'pumps')];
    // Each training would be a process.
    const gateway = await new TestGateway({ streams, config: { limits: { 'sign-in': 1_000_000, start: 2 } } }).start();
    const { status, output } = await schemathesis([
      ...['run', `${gateway.url}/openapi.json`, '--header', `Authorization: Bearer ${await gateway.admin()}`],
      ...['--max-examples', '15', '--seed', '1', '--mode', 'all', '--workers', '1', '--output-truncate', 'true'],
      // It would end the session of all that follow.
      ...['--exclude-path', '/auth/jwt/logout'],
      // Which fields the model has, and which names and codes are right, no schema can say.
      ...['--exclude-checks', 'positive_data_acceptance'],
    ]);
    expect([status, output.slice(-8_000)]).toEqual([0, expect.anything()]);
    expect((await gateway.request('/health')).status).toBe(200);
  },
  900_000,
);

test.runIf(demanded || obtained(schemathesisSupply))(
  'where the model takes windows, a prediction is as /openapi.json says, whatever is sent',
  async () => {
    const streams = [await makeWindowedStream(temporaryFolder(), 'motors')];
    const gateway = await new TestGateway({ streams }).start();
    const { status, output } = await schemathesis([
      ...['run', `${gateway.url}/openapi.json`, '--header', `Authorization: Bearer ${await gateway.admin()}`],
      ...['--max-examples', '60', '--seed', '2', '--mode', 'all', '--workers', '1', '--output-truncate', 'true'],
      ...['--include-path', '/predict', '--exclude-checks', 'positive_data_acceptance'],
    ]);
    expect([status, output.slice(-8_000)]).toEqual([0, expect.anything()]);
    expect((await gateway.request('/health')).status).toBe(200);
  },
  900_000,
);

function schemathesis(args: readonly string[]): Promise<{ status: number; output: string }> {
  const env = { ...process.env, PYTHONPATH: folder, NO_COLOR: '1', COLUMNS: '120' };
  return new Promise((resolve) => {
    const program = [join(folder, 'bin', 'schemathesis'), ...args];
    execFile('python3', program, { env, maxBuffer: 100_000_000 }, (error, stdout, stderr) => {
      resolve({ status: error === null ? 0 : Number(error.code ?? 1), output: stdout + stderr });
    });
  });
}
