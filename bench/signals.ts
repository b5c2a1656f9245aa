// Signals: resample, filter, window, spectrum and forest in process beside numpy, scipy and scikit-learn on one thread; and a hopping mean
// of records in Kafka beside Quix Streams; and a classifier with and without checkpoints. Each in one run.
// npm run bench -- signals [--only process,kafka,checkpoints] [--seconds 600] [--devices 4] [--rounds 5] [--readings 200000] [--records 12000] [--lengths 1s,10s] [--dry-run]
import { parseArgs } from 'node:util';
import { writeSection } from './report.ts';
import { compareCheckpoints } from './signals/checkpoints.ts';
import { compareInProcess } from './signals/in-process.ts';
import { compareOnKafka } from './signals/on-kafka.ts';

const { values: options } = parseArgs({
  options: {
    only: { type: 'string', default: 'process,kafka,checkpoints' },
    seconds: { type: 'string', default: '600' },
    devices: { type: 'string', default: '4' },
    rounds: { type: 'string', default: '5' },
    readings: { type: 'string', default: '200000' },
    records: { type: 'string', default: '12000' },
    lengths: { type: 'string', default: '1s,10s' },
    'dry-run': { type: 'boolean', default: false },
  },
});
const parts = options.only.split(',');
const rounds = Number(options.rounds);

function report(name: string, title: string, text: string): void {
  const section = `## ${title}\n\n${text}`;
  console.log(section);
  if (!options['dry-run']) writeSection(name, section);
}

if (parts.includes('process')) {
  const [seconds, devices] = [Number(options.seconds), Number(options.devices)];
  report('signals', 'Signals', await compareInProcess({ seconds, devices, rounds }));
}
if (parts.includes('kafka')) {
  const text = await compareOnKafka({ readings: Number(options.readings), rounds: Math.min(rounds, 3) });
  report('signals-kafka', 'Windows of records in Kafka', text);
}
if (parts.includes('checkpoints')) {
  const lengths = options.lengths.split(',');
  const text = await compareCheckpoints({ records: Number(options.records), rounds: Math.min(rounds, 3), lengths });
  report('signals-checkpoints', 'What checkpoints cost', text);
}
