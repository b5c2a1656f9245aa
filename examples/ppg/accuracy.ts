// Writes how right the versions are on people that they never saw, by the share of samples that are lost in bursts, into README.md:
// node examples/ppg/accuracy.ts
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Dataset, encodeNames, encodeTruths } from '../../core/dataset/dataset.ts';
import { openRegistry } from '../../core/model/registry/folder.ts';
import { KeyedRandom } from '../../core/numeric/random/keyed-random.ts';
import { chooseGaps } from '../../generator/gaps/choose.ts';
import { scoreVersion } from '../../training/score-version.ts';
import simulate, { fields, rate } from './simulator.ts';

const [seeds, seconds, meanBurst] = [[201, 202, 203], 44, 25];
const shares = [0, 0.1, 0.3, 0.5];

/** Some seconds of each person, masked as the generator masks. */
function samplesOf(share: number): Dataset {
  const random = new KeyedRandom();
  const [values, truths, devices]: [number[], (string | undefined)[], string[]] = [[], [], []];
  const row = new Float64Array(fields.length);
  for (const seed of seeds) {
    const source = simulate({ seed });
    for (const [device, name] of source.devices.entries()) {
      const track = source.open(device, 0);
      const masker = chooseGaps('burst', { length: meanBurst, source }).open();
      for (let n = 0; n < seconds * rate; n++) {
        truths.push(track.next(row));
        masker.mask(row, n, share, random.at(seed, device, n));
        values.push(...row);
        devices.push(`${seed} ${name}`);
      }
    }
  }
  const times = BigInt64Array.from(truths, (_, at) => BigInt((at % (seconds * rate)) * (1e9 / rate)));
  const columns = { ...encodeTruths(truths), devices: encodeNames(devices), columns: [], notes: [] };
  return {
    file: 'simulated',
    fields,
    count: truths.length,
    width: 1,
    values: Float64Array.from(values),
    times,
    ...columns,
  };
}

const registry = openRegistry({ folder: join(import.meta.dirname, 'models'), name: 'ppg' });
const lines = [
  `| version | estimator | ${shares.map((share) => `${share * 100} % lost`).join(' | ')} |`,
  `| --: | --- | ${shares.map(() => '--:').join(' | ')} |`,
];
for (const version of await registry.versions()) {
  const model = await registry.load(version);
  const { estimator } = await registry.manifest(version);
  const cells: string[] = [];
  for (const share of shares) {
    const [scores] = await scoreVersion({ model, dataset: samplesOf(share), rates: [0], seed: 1 });
    cells.push(scores ? scores.accuracy.toFixed(3) : '');
  }
  await model.close();
  lines.push(`| ${version} | ${estimator.kind} | ${cells.join(' | ')} |`);
}
const readme = join(import.meta.dirname, 'README.md');
const [before = '', , after = ''] = readFileSync(readme, 'utf8').split(
  /(?<=<!-- accuracy -->)|(?=<!-- \/accuracy -->)/,
);
writeFileSync(readme, `${before}\n\n${lines.join('\n')}\n\n${after}`);
console.log(lines.join('\n'));
