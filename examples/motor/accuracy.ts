// Writes how right the model is on motors that it never saw, by the share of samples that are missing in bursts, into README.md:
// npx node examples/motor/accuracy.ts
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openRegistry } from '../../core/model/registry/folder.ts';
import { withSection } from '../../docs/section.ts';
import { maskedSamples } from '../../generator/masked-samples.ts';
import { scoreVersion } from '../../training/score-version.ts';
import { readArguments } from '../arguments.ts';
import simulate from './simulator.ts';

readArguments(
  'npx node examples/motor/accuracy.ts\n\nScores the models on what they never saw, and writes the table into README.md beside this script.',
  {},
);

/** Some seconds of motors that no model has seen. */
const samples = {
  simulate,
  seeds: [301, 302, 303, 304, 305, 306, 307, 308, 309, 310],
  seconds: 7,
  meanBurst: 50,
};
const shares = [0, 0.1, 0.3];

const registry = openRegistry({ folder: join(import.meta.dirname, 'models'), name: 'motor', alias: 'champion' });
const model = await registry.load((await registry.resolve('champion')) ?? 1);
const lines = ['| samples missing, in bursts | windows | accuracy | macro F1 |', '| --: | --: | --: | --: |'];
for (const share of shares) {
  const [scores] = await scoreVersion({ model, dataset: maskedSamples({ ...samples, share }), rates: [0], seed: 301 });
  if (!scores) throw new Error('there is no score');
  lines.push(`| ${share * 100} % | ${scores.rows} | ${scores.accuracy.toFixed(3)} | ${scores.f1.toFixed(3)} |`);
}
await model.close();
const readme = join(import.meta.dirname, 'README.md');
writeFileSync(readme, withSection(readFileSync(readme, 'utf8'), 'accuracy', `\n\n${lines.join('\n')}\n\n`, readme));
console.log(lines.join('\n'));
