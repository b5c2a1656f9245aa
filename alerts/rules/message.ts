import { type Alert, alertId } from '../../core/wire/alert.ts';
import type { Rule } from './rule.ts';

/** What is told of an alert beside rule, subject and state. */
export type AlertDetails = Pick<Alert, 'label' | 'probability' | 'model' | 'value'>;

export interface AlertChange {
  readonly stream: string;
  /** The rule's name. */
  readonly rule: string;
  readonly subject: string;
  readonly state: Alert['state'];
  readonly since: bigint;
  /** The record that raised the alert, for what is resolved too; empty where no record did. */
  readonly origin: string;
  readonly at: bigint;
  readonly details: AlertDetails;
  /** In words. */
  readonly what: string;
}

/** The notification of a change; the same change always gives the same one. */
export function alertOf({ stream, rule, subject, state, since, origin, at, details, what }: AlertChange): Alert {
  const identity = { stream, rule, subject, since: `${since}` };
  const id = alertId({ ...identity, origin });
  const text = `[${state}] ${stream}: ${rule}: ${subject}: ${what}, since ${isoOf(since)}`;
  return { kind: 'alert', ...identity, state, id, key: `${id}-${state}`, at: `${at}`, text, ...details };
}

/** What a rule found, in words. */
export function describeFinding(rule: Rule, { label, probability = 0, value = 0 }: AlertDetails): string {
  switch (rule.kind) {
    case 'label':
      return `label ${label} with probability ${probability.toFixed(2)}${lastingOf(rule)}`;
    case 'gaps':
      return `${Math.round(value * 100)} % of the values are missing${lastingOf(rule)}`;
    case 'silent':
      return `no reading for ${Math.round(value)} s`;
    case 'drift':
      return `${value} fields have drifted from the training data`;
    case 'lag':
      return `${value} records wait`;
  }
}

function lastingOf({ readings, forNs }: Rule): string {
  if (forNs > 0n) return ` for ${Number(forNs / 1_000_000n) / 1_000} s`;
  return readings > 1 ? `, ${readings} times in a row` : '';
}

const isoOf = (ns: bigint): string => {
  const date = new Date(Number(ns / 1_000_000n));
  return Number.isNaN(date.getTime()) ? `${ns}` : date.toISOString();
};
