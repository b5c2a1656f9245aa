import { nanosecondsOf } from '../../core/wire/duration.ts';
import type { RuleConfig } from './schema.ts';

/** When a condition that holds becomes an alert, and one that holds no more ends it. */
interface Persistence {
  readonly name: string;
  /** As it stands in `stream.yaml`: what a rule of another definition remembered is no use to this one. */
  readonly definition: RuleConfig;
  /** So many in a row; 1 where `forNs` decides. */
  readonly readings: number;
  /** So long, in nanoseconds. */
  readonly forNs: bigint;
  /** So many others in a row end it. */
  readonly recover: number;
}

export interface LabelRule extends Persistence {
  readonly kind: 'label';
  readonly labels: ReadonlySet<string>;
  readonly probability: number;
}

export interface GapsRule extends Persistence {
  readonly kind: 'gaps';
  readonly share: number;
}

export interface SilentRule extends Persistence {
  readonly kind: 'silent';
  readonly silentNs: bigint;
}

export interface DriftRule extends Persistence {
  readonly kind: 'drift';
  readonly fields: number;
}

export interface LagRule extends Persistence {
  readonly kind: 'lag';
  readonly records: number;
  readonly stage: string;
}

/** A rule that a prediction decides. */
export type PredictionRule = LabelRule | GapsRule;
/** A rule that the line's state decides, seen with each tick. */
export type LineRule = DriftRule | LagRule;
export type Rule = PredictionRule | SilentRule | LineRule;

export function ruleOf(config: RuleConfig): Rule {
  const { name, label, probability = 0, gaps, silent, drift, lag, stage = 'classifier', readings = 1 } = config;
  const forNs = config.for === undefined ? 0n : BigInt(nanosecondsOf(config.for));
  const shared = { name, definition: config, readings, forNs, recover: config.recover ?? readings };
  if (label !== undefined) return { ...shared, kind: 'label', labels: new Set([label].flat()), probability };
  if (gaps !== undefined) return { ...shared, kind: 'gaps', share: gaps };
  if (silent !== undefined) return { ...shared, kind: 'silent', silentNs: BigInt(nanosecondsOf(silent)) };
  if (drift !== undefined) return { ...shared, kind: 'drift', fields: drift };
  if (lag !== undefined) return { ...shared, kind: 'lag', records: lag, stage };
  throw new RangeError(`the rule ${name} looks at nothing`);
}

export const isPredictionRule = (rule: Rule): rule is PredictionRule => rule.kind === 'label' || rule.kind === 'gaps';
export const isSilentRule = (rule: Rule): rule is SilentRule => rule.kind === 'silent';
export const isLineRule = (rule: Rule): rule is LineRule => rule.kind === 'drift' || rule.kind === 'lag';
