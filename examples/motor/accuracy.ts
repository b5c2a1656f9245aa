// Writes how right the model is on motors that it never saw, by the share of samples that are missing in bursts, into README.md:
// node examples/motor/accuracy.ts
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Dataset, encodeNames, encodeTruths } from '../../core/dataset/dataset.ts';
import { openRegistry } from '../../core/model/registry/folder.ts';
import { KeyedRandom } from '../../core/numeric/random/keyed-random.ts';
import { chooseGaps } from '../../generator/gaps/choose.ts';
import { scoreVersion } from '../../training/score-version.ts';
import simulate, { fields, rate } from './simulator.ts';

const [firstSeed, seeds, seconds, meanBurst] = [301, 10, 7, 50];
const shares = [0, 0.1, 0.3];

/** Some seconds of each motor, masked as the generator masks. */
function samplesOf(share: number): Dataset {
  const sources = Array.from({ length: seeds }, (_, at) => simulate({ seed: firstSeed + at }));
  const count = sources.flatMap(({ devices }) => devices).length * seconds * rate;
  const values = new Float64Array(count * fields.length);
  const truths: (string | undefined)[] = [];
  const devices: string[] = [];
  const random = new KeyedRandom();
  for (const [at, source] of sources.entries())
    for (const [device, name] of source.devices.entries()) {
      const track = source.open(device, 0);
      const masker = chooseGaps('burst', { length: meanBurst, source }).open();
      for (let n = 0; n < seconds * rate; n++) {
        const row = values.subarray(truths.length * fields.length, (truths.length + 1) * fields.length);
        truths.push(track.next(row));
        masker.mask(row, n, share, random.at(firstSeed + at, device, n));
        devices.push(`${at} ${name}`);
      }
    }
  const times = BigInt64Array.from(truths, (_, at) => BigInt((at % (seconds * rate)) * (1e9 / rate)));
  const table = { count, width: fields.length, values, ...encodeTruths(truths), devices: encodeNames(devices), times };
  return { file: 'simulated', fields, columns: [], notes: [], ...table };
}

const registry = openRegistry({ folder: join(import.meta.dirname, 'models'), name: 'motor', alias: 'champion' });
const model = await registry.load((await registry.resolve('champion')) ?? 1);
const lines = ['| samples missing, in bursts | windows | accuracy | macro F1 |', '| --: | --: | --: | --: |'];
for (const share of shares) {
  const [scores] = await scoreVersion({ model, dataset: samplesOf(share), rates: [0], seed: firstSeed });
  if (!scores) throw new Error('there is no score');
  lines.push(`| ${share * 100} % | ${scores.rows} | ${scores.accuracy.toFixed(3)} | ${scores.f1.toFixed(3)} |`);
}
await model.close();
const readme = join(import.meta.dirname, 'README.md');
const [before = '', , after = ''] = readFileSync(readme, 'utf8').split(
  /(?<=<!-- accuracy -->)|(?=<!-- \/accuracy -->)/,
);
writeFileSync(readme, `${before}\n\n${lines.join('\n')}\n\n${after}`);
console.log(lines.join('\n'));
