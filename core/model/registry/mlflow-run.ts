import type { Draft } from '../artifact.ts';
import type { Metrics } from '../manifest.ts';

/** What a training run of MLflow shows, out of the manifest of the version that it made. */
export interface RunFigures {
  readonly params: readonly { readonly key: string; readonly value: string }[];
  readonly metrics: readonly RunMetric[];
}

export interface RunMetric {
  readonly key: string;
  readonly value: number;
  /** A fold's number, from 1; 0 of what is there once. */
  readonly step: number;
}

/** MLflow takes no longer value of a parameter, and no more parameters in one request. */
const mostValueCharacters = 6_000;
const mostParams = 100;

/**
 * Parameters and metrics. F1, precision and recall are also by class, out of the confusion matrix; accuracy and F1 also by the share of
 * values that were masked; those of folds are steps of one metric.
 */
export function figuresOf({
  classes,
  lineage,
  metrics,
  imputer,
  estimator,
  fields,
  maxGaps,
}: Draft['manifest']): RunFigures {
  const { source, rows, sha256 } = lineage.data;
  const params = {
    ...{ 'data.source': source, 'data.rows': rows, 'data.sha256': sha256 },
    ...{ fields: fields.length, classes: classes.join(', '), estimator: estimator.kind, seed: lineage.seed },
    'imputer.kind': imputer.kind,
    ...(maxGaps !== undefined && { maxGaps }),
    ...flatten(lineage.options),
  };
  const scores = {
    ...{ accuracy: metrics.accuracy, f1: metrics.f1, 'scored.rows': metrics.rows },
    ...(metrics.outOfBag && { 'outOfBag.accuracy': metrics.outOfBag.accuracy }),
    ...byClass(classes, metrics.confusion),
    ...byGapRate(metrics.byGapRate),
    ...(metrics.crossValidation && scoresOf('crossValidation', metrics.crossValidation.all)),
  };
  const ofFolds = (metrics.crossValidation?.folds ?? []).flatMap((fold, at) =>
    Object.entries(scoresOf('fold', fold)).map(([key, value]) => ({ key, value, step: at + 1 })),
  );
  return {
    params: Object.entries(params)
      .slice(0, mostParams)
      .map(([key, value]) => ({ key: keyOf(key), value: String(value).slice(0, mostValueCharacters) })),
    metrics: [...Object.entries(scores).map(([key, value]) => ({ key: keyOf(key), value, step: 0 })), ...ofFolds],
  };
}

/** MLflow takes these characters in names, and no others; a colon not on every system. */
const keyOf = (name: string): string => name.replaceAll(/[^A-Za-z0-9_\-. /]/g, '_').slice(0, 250);

/** Options within options by names with dots. */
function flatten(options: Record<string, unknown>, prefix = ''): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(options).flatMap(([name, value]) => {
      if (value === undefined) return [];
      if (typeof value === 'object' && value !== null && !Array.isArray(value))
        return Object.entries(flatten(value as Record<string, unknown>, `${prefix}${name}.`));
      return [[`${prefix}${name}`, typeof value === 'object' ? JSON.stringify(value) : value]];
    }),
  );
}

type Fold = NonNullable<Metrics['crossValidation']>['all'];

const scoresOf = (prefix: string, { rows, ...scores }: Fold): Record<string, number> =>
  Object.fromEntries(Object.entries(scores).map(([name, value]) => [`${prefix}/${name}`, value]));

/** By percent, so that MLflow sorts the names as numbers are sorted. */
const byGapRate = (figures: Metrics['byGapRate'] = []): Record<string, number> =>
  Object.fromEntries(
    figures.flatMap(({ rate, accuracy, f1 }) => {
      const masked = `masked ${String(Math.round(rate * 100)).padStart(2, '0')} percent`;
      return [
        [`accuracy/${masked}`, accuracy],
        [`f1/${masked}`, f1],
      ];
    }),
  );

function byClass(classes: readonly string[], confusion: readonly (readonly number[])[]): Record<string, number> {
  const at = (truth: number, label: number): number => confusion[truth]?.[label] ?? 0;
  const sum = (count: (index: number) => number): number => classes.reduce((all, _, index) => all + count(index), 0);
  return Object.fromEntries(
    classes.flatMap((name, index) => {
      const right = at(index, index);
      const truths = sum((label) => at(index, label));
      const labelled = sum((truth) => at(truth, index));
      const share = (of: number) => (of === 0 ? 0 : right / of);
      const f1 = truths + labelled === 0 ? 0 : (2 * right) / (truths + labelled);
      return [
        [`f1/${name}`, f1],
        [`precision/${name}`, share(labelled)],
        [`recall/${name}`, share(truths)],
      ];
    }),
  );
}
