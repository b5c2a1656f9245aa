// What a flood does to the line: its memory, how long readings wait, how many are refused, whether accepted ones are lost, and how long it takes to recover.
// node bench/flood.ts [--engine embedded|kafka] [--kind flood|return|polite] [--seconds 120] [--factor 10] [--docs]
// --docs writes the figures and the picture of docs/backpressure.md.
import { parseArgs } from 'node:util';
import { measuredOn, writeFigures, writePicture } from '../docs/pictures/figures.ts';
import { linePlot } from '../docs/pictures/plot.ts';
import { runFlood, type Sample } from './flood/run.ts';

const { values: options } = parseArgs({
  options: {
    engine: { type: 'string', default: 'embedded' },
    kind: { type: 'string', default: 'flood' },
    seconds: { type: 'string', default: '120' },
    factor: { type: 'string', default: '10' },
    devices: { type: 'string', default: '1000' },
    // An hour, one every ten seconds.
    'per-device': { type: 'string', default: '400' },
    connections: { type: 'string', default: '500' },
    trial: { type: 'string', default: '40000' },
    docs: { type: 'boolean', default: false },
  },
});

const { samples, ...report } = await runFlood({
  engine: options.engine === 'kafka' ? 'kafka' : 'embedded',
  kind: kindOf(options.kind),
  seconds: Number(options.seconds),
  factor: Number(options.factor),
  devices: Number(options.devices),
  perDevice: Number(options['per-device']),
  connections: Number(options.connections),
  trial: Number(options.trial),
});
console.log(JSON.stringify(report));
if (options.docs) writeDocs();
if (report.kind === 'polite' && report.refused > 0) process.exitCode = 1;
if (report.lost + report.twice + report.neverAccepted + report.overBound.length > 0 || !report.alive)
  process.exitCode = 1;

function kindOf(kind: string): 'flood' | 'return' | 'polite' {
  if (kind === 'flood' || kind === 'return' || kind === 'polite') return kind;
  throw new Error(`--kind is flood, return or polite, not ${kind}`);
}

function writeDocs(): void {
  const name = `${report.kind}-${report.engine}`;
  const command = `npm run bench -- flood ${process.argv.slice(2).join(' ')}`;
  const json = JSON.stringify(report, null, 1).replaceAll('\n', ' ').replace(/ +/g, ' ');
  const title = report.engine === 'kafka' ? 'Three processes on Kafka' : 'All in one process';
  const picture = `![Memory of each process](pictures/${name}.svg)`;
  writePicture(name, plotOf(samples));
  writeFigures(
    'backpressure.md',
    name,
    `### ${title}\n\n\`${command}\` · ${measuredOn()}\n\n\`\`\`json\n${json}\n\`\`\`\n\n${picture}`,
  );
}

function plotOf(all: readonly Sample[]): string {
  const names = new Set(all.flatMap(({ memory }) => Object.keys(memory)));
  return linePlot({
    title: `Memory through ${report.kind === 'flood' ? `a flood of ${options.factor} times what the line labels` : 'the return of all devices'} (${report.engine})`,
    x: 'seconds',
    y: 'megabytes resident',
    series: [...names].map((name) => ({
      name,
      points: all.flatMap(({ atS, memory }) => (memory[name] === undefined ? [] : [[atS, memory[name]]])),
    })),
  });
}
