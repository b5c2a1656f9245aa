// Writes how right the versions are on people that they never saw, by the share of samples that are lost in bursts, into README.md:
// npx node examples/ppg/accuracy.ts
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openRegistry } from '../../core/model/registry/folder.ts';
import { withSection } from '../../docs/section.ts';
import { maskedSamples } from '../../generator/masked-samples.ts';
import { scoreVersion } from '../../training/score-version.ts';
import { readArguments } from '../arguments.ts';
import simulate from './simulator.ts';

readArguments(
  'npx node examples/ppg/accuracy.ts\n\nScores the models on what they never saw, and writes the table into README.md beside this script.',
  {},
);

/** Some seconds of people that no model has seen. */
const samples = { simulate, seeds: [201, 202, 203], seconds: 44, meanBurst: 25 };
const shares = [0, 0.1, 0.3, 0.5];

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
    const [scores] = await scoreVersion({ model, dataset: maskedSamples({ ...samples, share }), rates: [0], seed: 1 });
    cells.push(scores ? scores.accuracy.toFixed(3) : '');
  }
  await model.close();
  lines.push(`| ${version} | ${estimator.kind} | ${cells.join(' | ')} |`);
}
const readme = join(import.meta.dirname, 'README.md');
writeFileSync(readme, withSection(readFileSync(readme, 'utf8'), 'accuracy', `\n\n${lines.join('\n')}\n\n`, readme));
console.log(lines.join('\n'));
