// Predictions through the gateway while it is idle and while it trains, and beside a flood of one user. In turn, in one run.
// npm run bench -- gateway [--seconds 30] [--rounds 5] [--rate 200] [--docs]
// --docs writes the section of docs/benchmarks.md.
import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { startGateway } from './gateway/process.ts';
import { type Times, timesOf } from './gateway/senders.ts';
import { machine, median, table, writeSection } from './report.ts';

const { values: options } = parseArgs({
  options: {
    seconds: { type: 'string', default: '30' },
    rounds: { type: 'string', default: '5' },
    rate: { type: 'string', default: '200' },
    docs: { type: 'boolean', default: false },
  },
});
const seconds = Number(options.seconds);
const rate = Number(options.rate);
const cases = ['idle', 'training', 'flood'] as const;
type Case = (typeof cases)[number];
/** Predictions a minute of the role user, by default. */
const limit = 180;

const gateway = await startGateway({ userLimit: limit });
const runs: Record<Case, Times[]> = { idle: [], training: [], flood: [] };
try {
  const [ann, eve] = [await gateway.user('ann', 'operator'), await gateway.user('eve', 'user')];
  // The code is compiled, and the model is read.
  await timesOf(gateway.predictions(ann), { rate, seconds: 3 });
  for (let round = 0; round < Number(options.rounds); round += 1)
    for (const each of round % 2 === 0 ? cases : cases.toReversed()) {
      const disturbed = await disturb(each, eve);
      const times = await timesOf(gateway.predictions(ann), { rate, seconds });
      await disturbed.end();
      if (times.failed > 0) throw new Error(`${times.failed} predictions of ${each} were not answered by 200`);
      runs[each].push(times);
      console.error(`${each}: ${JSON.stringify(times)}${disturbed.what()}, load ${loadavg()[0]?.toFixed(1)}`);
    }
  const report = describe();
  console.log(report);
  if (options.docs) writeSection('gateway', report);
} finally {
  await gateway.stop();
}

async function disturb(by: Case, eve: string): Promise<{ end(): Promise<void>; what(): string }> {
  if (by === 'idle') return { end: async () => {}, what: () => '' };
  if (by === 'training') return await gateway.train();
  // What is within the limit is served, and no flood.
  await timesOf(gateway.predictions(eve), { rate: 100, seconds: (1.1 * limit) / 100 });
  const flood = await gateway.flood(eve, { rate: (10 * limit) / 60, seconds: seconds + 5 });
  let refused = 0;
  return {
    async end() {
      refused = await flood.end();
    },
    what: () => `, ${refused} of the flood refused`,
  };
}

function describe(): string {
  const of = (each: Case, figure: 'p50' | 'p99') => median(runs[each].map((times) => times[figure]));
  const ratio = (each: Case, figure: 'p50' | 'p99') =>
    median(runs[each].map((times, round) => times[figure] / (runs.idle[round]?.[figure] ?? Number.NaN)));
  const titles = {
    idle: 'alone',
    training: 'while a forest is trained',
    flood: `beside 10 times the limit of another user`,
  };
  const rows = cases.map((each) => [
    titles[each],
    ...(['p50', 'p99'] as const).flatMap((figure) => [of(each, figure).toFixed(1), ratio(each, figure).toFixed(2)]),
  ]);
  return [
    '## The gateway',
    `\`npm run bench -- gateway\`: ${rate} predictions a second of beats of 187 samples (a forest of 60 trees), each sent at its time whether those before were answered or not, and timed from then; ${seconds} s a run, ${options.rounds} runs each in turn; medians of the runs, ratios to the run alone of the same round. Load of the machine at the end: ${loadavg()[0]?.toFixed(1)}.`,
    table(['', 'p50 ms', 'of alone', 'p99 ms', 'of alone'], rows),
    machine(),
  ].join('\n\n');
}
