// Sends hostile requests to a collector in a process of its own and says, in one JSON line, what became of them.
// node test/fuzz/campaign.ts [--inputs 1000000] [--seed 1] [--connections 16] [--docs]
// --docs writes the figures and the picture of docs/hostile-input.md.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { startCollector } from '../../collector/testing.ts';
import { topicsOf } from '../../core/wire/stream.ts';
import { nanosecondsOfMs } from '../../core/wire/time.ts';
import { measuredOn, writeFigures, writePicture } from '../../docs/pictures/figures.ts';
import { linePlot } from '../../docs/pictures/plot.ts';
import { requestBytes } from './astray.ts';
import { fuzzFields, type Input, inputs, randomFrom } from './inputs.ts';
import { fingerprint, recordsOf, unpacked } from './records.ts';
import { type Answer, Wire } from './wire.ts';

/** How far ahead of the clock a reading may be. */
const maxAheadMs = 3_600_000;

const { values: options } = parseArgs({
  options: {
    inputs: { type: 'string', default: '1000000' },
    seed: { type: 'string', default: '1' },
    connections: { type: 'string', default: '16' },
    docs: { type: 'boolean', default: false },
    serve: { type: 'boolean', default: false },
  },
});

/** What the collector's process says of itself when asked. */
interface Figures {
  /** After a collection of garbage, in megabytes. */
  readonly heapMb: number;
  readonly residentMb: number;
  /** Readings in its log, and their fingerprint, where that was asked for. */
  readonly logged: number;
  readonly fingerprint: number;
  readonly cpuS: number;
}

interface Sample extends Figures {
  readonly inputs: number;
}

/** The heap may end this much larger than it was after a tenth of the inputs. */
const growthMb = 10;
/** Each costs a collection of garbage. */
const mostSamples = 100;
const leastBetweenSamples = 500;

if (options.serve) await serve();
else await drive();

async function serve(): Promise<void> {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const named = { name: 'pumps', fields: fuzzFields, topics: topicsOf('pumps') };
  const started = await startCollector({ stream: named, maxAheadMs });
  process.send!({ url: started.collector.url });
  process.on('message', async ({ count }: { count: boolean }) => {
    let [logged, sum] = [0, 0];
    if (count) {
      for await (const records of started.log.tail(['pumps.readings'], { since: 0, follow: false })) {
        logged += records.length;
        sum += fingerprint(records.map(({ value }) => value));
      }
    }
    collect();
    const { heapUsed, rss } = process.memoryUsage();
    const { user, system } = process.cpuUsage();
    const figures: Figures = {
      heapMb: heapUsed / 1e6,
      residentMb: rss / 1e6,
      logged,
      fingerprint: sum,
      cpuS: (user + system) / 1e6,
    };
    process.send!(figures);
  });
  process.once('disconnect', () => void started.stop().then(() => process.exit(0)));
}

/** What the devices know of their readings. */
interface Sent {
  count: number;
  readonly statuses: Record<string, number>;
  acknowledged: number;
  fingerprint: number;
  /** Answers of 202 with another count than the readings have. */
  miscounted: number;
}

async function drive(): Promise<void> {
  const began = performance.now();
  const child = fork(fileURLToPath(import.meta.url), ['--serve'], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  let ended = false;
  const end = once(child, 'exit').then((): undefined => {
    ended = true;
  });
  const [{ url }] = (await once(child, 'message')) as [{ url: string }];
  let asked: Promise<unknown> = Promise.resolve();
  /** One question at a time, for an answer does not say which it is for; undefined where the process has ended. */
  const ask = (count: boolean): Promise<Figures | undefined> => {
    const answer = asked.then(async () => {
      if (!child.connected) return undefined;
      child.send({ count });
      return await Promise.race([once(child, 'message').then(([figures]) => figures as Figures), end]);
    });
    asked = answer;
    return answer;
  };

  const total = Number(options.inputs);
  const every = Math.max(leastBetweenSamples, Math.ceil(total / mostSamples));
  const sent: Sent = { count: 0, statuses: {}, acknowledged: 0, fingerprint: 0, miscounted: 0 };
  const samples: Sample[] = [];
  const health = watchHealth(url);
  const source = inputs(Number(options.seed));
  const random = randomFrom(Number(options.seed));
  const worker = async (): Promise<void> => {
    const wire = new Wire(url);
    while (sent.count < total && !ended) {
      sent.count += 1;
      const { count } = sent;
      const figures = count % every === 0 ? await ask(false) : undefined;
      if (figures) samples.push({ inputs: count, ...figures });
      const input = source.next().value as Input;
      note(sent, input, await wire.ask(requestBytes(input, random)));
    }
    wire.close();
  };
  await Promise.all(Array.from({ length: Number(options.connections) }, worker));
  const { slowestMs, unanswered } = await health.stop();
  const last = await ask(true);
  if (!ended) child.disconnect();
  await end;

  const broken = Object.keys(sent.statuses).filter((status) => !/^[234]\d\d$|^503$/.test(status));
  const [early, late] = [heapAround(samples, 0.1), heapAround(samples, 0.9)];
  const report = {
    good:
      broken.length === 0 &&
      unanswered === 0 &&
      sent.miscounted === 0 &&
      last?.logged === sent.acknowledged &&
      last.fingerprint === sent.fingerprint &&
      late <= early + growthMb,
    inputs: sent.count,
    seed: Number(options.seed),
    statuses: sent.statuses,
    acknowledged: sent.acknowledged,
    logged: last?.logged,
    sameReadings: last?.fingerprint === sent.fingerprint,
    miscounted: sent.miscounted,
    healthSlowestMs: slowestMs,
    healthUnanswered: unanswered,
    heapMb: { early: Math.round(early), late: Math.round(late) },
    residentMb: Math.round(Math.max(...samples.map(({ residentMb }) => residentMb))),
    seconds: Math.round((performance.now() - began) / 1_000),
    collectorCpuS: Math.round(last?.cpuS ?? 0),
  };
  console.log(JSON.stringify(report));
  if (options.docs) writeDocs(report, samples);
  process.exitCode = report.good ? 0 : 1;
}

function note(sent: Sent, input: Input, { status, text }: Answer): void {
  sent.statuses[status] = (sent.statuses[status] ?? 0) + 1;
  const taken = status === 202 || status === 204 || text.includes('"message":"partial write: ');
  if (!taken) return;
  const { records } = recordsOf(unpacked(input), nanosecondsOfMs(Date.now() + maxAheadMs));
  sent.acknowledged += records.length;
  sent.fingerprint += fingerprint(records.map(({ value }) => value));
  if (status === 202 && (JSON.parse(text) as { accepted: number }).accepted !== records.length) sent.miscounted += 1;
}

/** Asks for `/health` four times a second. */
function watchHealth(url: string) {
  const seen = { slowestMs: 0, unanswered: 0 };
  let stopped = false;
  const watching = (async () => {
    while (!stopped) {
      const asked = performance.now();
      const answer = await fetch(`${url}/health`).then(
        (response) => response.text().then(() => response.status),
        () => 0,
      );
      if (answer === 200) seen.slowestMs = Math.max(seen.slowestMs, Math.round(performance.now() - asked));
      else seen.unanswered += 1;
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
  })();
  return {
    async stop() {
      stopped = true;
      await watching;
      return seen;
    },
  };
}

/** The least heap of the fifth of the samples around a share of them: what stays. */
function heapAround(samples: readonly Sample[], share: number): number {
  const from = Math.max(0, Math.floor((share - 0.1) * samples.length));
  const part = samples.slice(from, Math.max(from + 1, Math.ceil((share + 0.1) * samples.length)));
  return Math.min(...part.map(({ heapMb }) => heapMb));
}

function writeDocs(report: object, samples: readonly Sample[]): void {
  const json = JSON.stringify(report, null, 1).replaceAll('\n', ' ').replace(/ +/g, ' ');
  const command = `node test/fuzz/campaign.ts --inputs ${options.inputs} --seed ${options.seed} --docs`;
  writePicture('fuzz-memory', plotOf(samples));
  writeFigures('hostile-input.md', 'campaign', `\`${command}\` · ${measuredOn()}\n\n\`\`\`json\n${json}\n\`\`\``);
}

function plotOf(samples: readonly Sample[]): string {
  return linePlot({
    title: "Memory of the collector's process through the fuzz campaign",
    x: 'thousand hostile inputs',
    y: 'megabytes',
    series: [
      { name: 'resident', points: samples.map(({ inputs, residentMb }) => [inputs / 1_000, residentMb]) },
      { name: 'heap in use', points: samples.map(({ inputs, heapMb }) => [inputs / 1_000, heapMb]) },
    ],
  });
}
