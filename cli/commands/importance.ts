import { basename, resolve } from 'node:path';
import { impurityByField } from '../../core/model/importance.ts';
import type { Registry } from '../../core/model/registry/port.ts';
import { elementAt } from '../../core/numeric/element.ts';
import { GaplineError } from '../../core/wire/errors.ts';
import { printable } from '../../core/wire/printable.ts';
import { type MeasuredImportance, measureImportance } from '../../training/importance.ts';
import type { LoadedConfig } from '../config/load.ts';
import { complain, print } from '../print.ts';
import { Progress } from '../progress.ts';
import { openDataset } from '../stream.ts';

/** One field of the table: how much it matters, as shown, and as a number to sort and draw by. */
interface Line {
  readonly field: string;
  readonly share: number;
  readonly shown: string;
}

const barWidth = 24;

/** The most important first. Names come last, because they may hold anything. */
function table(lines: readonly Line[]): string {
  const ranked = lines.toSorted((a, b) => b.share - a.share);
  const most = Math.max(...ranked.map(({ share }) => share), Number.MIN_VALUE);
  const width = Math.max(...ranked.map(({ shown }) => shown.length));
  return ranked
    .map(({ field, share, shown }) => {
      const bar = '█'.repeat(Math.round((Math.max(0, share) / most) * barWidth)).padEnd(barWidth);
      return `${shown.padStart(width)}  ${bar}  ${printable(field)}\n`;
    })
    .join('');
}

/** Prints how much the splits on each field lower the impurity, of boosted trees the loss. */
export async function printImpurity(registry: Registry, version: number): Promise<void> {
  const artifact = await registry.artifact(version);
  const { name, fields, estimator, series } = artifact.manifest;
  const importance = await impurityByField(artifact);
  if (!importance) {
    const why =
      estimator.kind === 'forest'
        ? `the trees of ${estimator.file} do not record the gain of their splits`
        : `a model of kind ${estimator.kind} has no splits to measure`;
    const which = series ? ', by tenths of each channel' : '';
    const instead = `measure on a table with labels instead${which}: gapline models show ${version} --importance --on FILE.csv`;
    throw new GaplineError('config-invalid', `version ${version}: ${why}; ${instead}`);
  }
  const lines = importance.map((share, at) => ({
    field: elementAt(fields, at),
    share,
    shown: `${(share * 100).toFixed(2)} %`,
  }));
  print(`${name} version ${version}: what splits on a field gain, as a share of what all splits gain\n${table(lines)}`);
}

/** Prints how much accuracy a version loses on the rows of a CSV when a field is shuffled among them. */
export async function printPermutation(
  loaded: LoadedConfig,
  registry: Registry,
  version: number,
  { on, repeats }: { readonly on: string; readonly repeats: number },
): Promise<void> {
  const { name, fields: columns, channels: fields = columns } = await registry.manifest(version);
  const { accuracy, rows, leftOut, byField } = await measure(loaded, registry, version, { fields, on, repeats });
  if (leftOut > 0) complain(`${leftOut} rows have no truth that the model knows; they are left out\n`);
  const lines = byField.map(({ field, lost, spread }) => {
    return { field, share: lost, shown: `${lost.toFixed(4)} ± ${spread.toFixed(4)}` };
  });
  const title = `${name} version ${version}: accuracy lost when a field is shuffled among the ${rows} rows of ${basename(on)}`;
  print(`${title}; with none shuffled it is ${accuracy.toFixed(4)}\n${table(lines)}`);
}

async function measure(
  loaded: LoadedConfig,
  registry: Registry,
  version: number,
  { fields, on, repeats }: { readonly fields: readonly string[]; readonly on: string; readonly repeats: number },
): Promise<MeasuredImportance> {
  const { file, config } = loaded;
  if (config.data.truth === undefined)
    throw new GaplineError('config-invalid', `${file}: data.truth is missing; it names the column of the label`);
  const dataset = await openDataset(
    { ...loaded, config: { ...config, data: { ...config.data, replay: resolve(on) } } },
    'replay',
    fields,
  );
  const model = await registry.load(version);
  const progress = new Progress();
  try {
    return await measureImportance({
      model,
      dataset,
      repeats,
      seed: config.training.seed,
      onProgress: ({ groups, of }) => progress.show('shuffling', groups / of, `${groups}/${of} fields`),
    });
  } finally {
    progress.end();
    await model.close();
  }
}
