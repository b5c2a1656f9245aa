// Sends hostile requests to a collector in a process of its own and says, in one JSON line, what became of them.
// node test/fuzz/campaign.ts [--inputs 1000000] [--seed 1] [--connections 16]
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { startBench } from '../../collector/testing.ts';
import { topicsOf } from '../../core/wire/stream.ts';
import { fuzzFields, type Input, inputs } from './inputs.ts';

const { values: options } = parseArgs({
  options: {
    inputs: { type: 'string', default: '1000000' },
    seed: { type: 'string', default: '1' },
    connections: { type: 'string', default: '16' },
    serve: { type: 'boolean', default: false },
  },
});

/** What the collector's process says of itself when asked. */
interface Figures {
  /** After a collection of garbage, in megabytes. */
  readonly heapMb: number;
  readonly residentMb: number;
  /** Readings in its log. */
  readonly logged: number;
  /** Readings that it counted as acknowledged. */
  readonly acknowledged: number;
}

if (options.serve) await serve();
else await drive();

async function serve(): Promise<void> {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const bench = await startBench({ stream: { name: 'pumps', fields: fuzzFields, topics: topicsOf('pumps') } });
  process.send!({ url: bench.collector.url });
  process.on('message', async ({ count }: { count: boolean }) => {
    const metrics = await bench.registry.getSingleMetric('gapline_collector_readings_accepted_total')!.get();
    const acknowledged = metrics.values.reduce((sum, { value }) => sum + value, 0);
    let logged = 0;
    if (count) {
      for await (const records of bench.log.tail(['pumps.readings'], { since: 0, follow: false }))
        logged += records.length;
    }
    collect();
    const { heapUsed, rss } = process.memoryUsage();
    process.send!({ heapMb: Math.round(heapUsed / 1e6), residentMb: Math.round(rss / 1e6), logged, acknowledged });
  });
  process.once('disconnect', () => void bench.stop().then(() => process.exit(0)));
}

async function drive(): Promise<void> {
  const child = fork(fileURLToPath(import.meta.url), ['--serve'], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const [{ url }] = (await once(child, 'message')) as [{ url: string }];
  const ask = async (count: boolean): Promise<Figures> => {
    child.send({ count });
    return (await once(child, 'message'))[0] as Figures;
  };
  let exit: number | null | undefined;
  child.once('exit', (code) => {
    exit = code;
  });

  const total = Number(options.inputs);
  const source = inputs(Number(options.seed));
  const agent = new Agent({ keepAlive: true, maxSockets: Number(options.connections) });
  const statuses: Record<string, number> = {};
  const heapMb: number[] = [];
  let accepted = 0;
  let sent = 0;
  let slowestHealthMs = 0;

  const probe = setInterval(() => {
    const began = performance.now();
    void fetch(`${url}/health`)
      .then((answer) => answer.text())
      .then(() => {
        slowestHealthMs = Math.max(slowestHealthMs, Math.round(performance.now() - began));
      })
      .catch(() => {
        statuses['no health'] = (statuses['no health'] ?? 0) + 1;
      });
  }, 250);

  const worker = async (): Promise<void> => {
    while (sent < total && exit === undefined) {
      sent += 1;
      if (sent % Math.ceil(total / 10) === 0) heapMb.push((await ask(false)).heapMb);
      const answer = await send(url, source.next().value as Input, agent).catch((error: Error) => ({
        status: error.message,
        text: '',
      }));
      statuses[answer.status] = (statuses[answer.status] ?? 0) + 1;
      if (answer.status === 202) accepted += (JSON.parse(answer.text) as { accepted: number }).accepted;
    }
  };
  await Promise.all(Array.from({ length: Number(options.connections) }, worker));
  clearInterval(probe);
  const { residentMb, logged, acknowledged } = await ask(true);
  agent.destroy();
  child.disconnect();
  await once(child, 'exit');

  const failures = Object.keys(statuses).filter((status) => !/^[234]\d\d$|^503$/.test(status));
  const good = failures.length === 0 && logged === acknowledged && accepted <= acknowledged;
  const report = {
    good,
    inputs: sent,
    seed: Number(options.seed),
    statuses,
    acknowledged,
    logged,
    slowestHealthMs,
    heapMb,
    residentMb,
  };
  console.log(JSON.stringify(report));
  process.exitCode = good ? 0 : 1;
}

function send(
  url: string,
  { path, headers, body }: Input,
  agent: Agent,
): Promise<{ status: number | string; text: string }> {
  return new Promise((resolve, reject) => {
    const outgoing = request(`${url}${path}`, { method: 'POST', headers, agent }, (answer) => {
      let text = '';
      answer.setEncoding('utf8');
      answer.on('data', (chunk) => {
        text += chunk;
      });
      answer.on('end', () => resolve({ status: answer.statusCode ?? 'none', text }));
      answer.on('error', reject);
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}
