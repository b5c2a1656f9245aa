import type { Snapshot, StageFigures } from '../events.ts';
import { ago, clock, count, plural } from './format.ts';

export interface Health {
  readonly level: 'wait' | 'ok' | 'warn' | 'bad';
  readonly text: string;
  /** The same without anything that changes from second to second: this is what is read out, once. */
  readonly announcement: string;
}

/** An error that a stage reported this recently is news. */
const recentErrorMs = 30_000;

/** The messages at the top of the page, the gravest first. */
export function healthOf(figures: Snapshot | undefined, isConnected: boolean): Health {
  if (!figures) {
    const text = isConnected ? 'Connecting…' : 'Gapline does not answer. Trying again…';
    return { level: isConnected ? 'wait' : 'bad', text, announcement: text };
  }
  if (!isConnected) {
    const announcement = 'The page has lost Gapline and tries again.';
    return { level: 'bad', text: `${announcement} The figures are from ${clock(figures.at)}.`, announcement };
  }
  const { trouble } = figures.source;
  if (trouble !== null) return same('bad', `The log cannot be read: ${trouble}`);
  return (
    silenceOf(figures) ?? spooling(figures) ?? reportedError(figures) ?? unknownFields(figures) ?? wellbeing(figures)
  );
}

function silenceOf({ stages, at }: Snapshot): Health | undefined {
  const silent = stages.filter(({ state }) => state === 'silent');
  if (silent.length === 0) return undefined;
  const several = (stage: StageFigures) => stages.filter((other) => other.stage === stage.stage).length > 1;
  const name = (stage: StageFigures) => (several(stage) ? `a ${stage.stage}` : `the ${stage.stage}`);
  const text = `Down: ${silent.map((stage) => `${name(stage)} has been silent for ${ago(at - stage.seenMs)}`).join(', ')}.`;
  return { level: 'bad', text, announcement: `Down: ${silent.map(name).join(', ')}.` };
}

/** The log was unavailable, and readings wait on the collector's disk. */
function spooling({ stages }: Snapshot): Health | undefined {
  const spools = stages.flatMap(({ spool }) => (spool && spool.records > 0 ? [spool] : []));
  if (spools.length === 0) return undefined;
  const sum = (of: (spool: (typeof spools)[number]) => number) => spools.reduce((total, spool) => total + of(spool), 0);
  const oldestMs = Math.max(...spools.map((spool) => spool.oldestMs));
  const drained = sum((spool) => spool.drainedPerSecond);
  const pace = drained > 0 ? `; ${count(drained)} a second go out` : '';
  const text = `${plural(
    sum((spool) => spool.records),
    'reading',
  )} wait in the collector's spool, the oldest for ${ago(oldestMs)}${pace}.`;
  return { level: 'warn', text, announcement: "Readings wait in the collector's spool." };
}

function reportedError({ stages, at }: Snapshot): Health | undefined {
  const failing = stages.find(({ lastError }) => lastError && at - Date.parse(lastError.at) < recentErrorMs);
  if (!failing?.lastError) return undefined;
  return same('warn', `The ${failing.stage} reports: ${failing.lastError.message}`);
}

/** Devices send fields that nothing is made of: a name may be misspelt. */
function unknownFields({ stages }: Snapshot): Health | undefined {
  const [first, ...others] = stages.flatMap((stage) => stage.unknownFields);
  if (first === undefined) return undefined;
  const hint = first.near === undefined ? '' : `; did you mean \`${first.near}\`?`;
  const more = others.length === 0 ? '' : ` And ${plural(others.length, 'field')} more.`;
  const text = `\`${first.name}\` is not known: ${count(first.count)} ${first.count === 1 ? 'time' : 'times'}${hint}${more}`;
  return { level: 'warn', text, announcement: `The field ${first.name} is not known.` };
}

function wellbeing({ stages, source }: Snapshot): Health {
  if (source.catchingUp) return same('wait', 'Reading the last minutes…');
  const reporting = stages.filter(({ state }) => state === 'reporting').length;
  if (reporting === 0) return same('wait', 'No stage has reported yet.');
  return same('ok', reporting === 1 ? 'One stage reports.' : `All ${count(reporting)} stages report.`);
}

/** How the figures were made, where that matters; empty where it does not. */
export function sampledText({ source }: Snapshot): string {
  const parts: string[] = [];
  if (source.oneIn > 1) parts.push(`Counts are exact; the rest rests on 1 in ${count(source.oneIn)} readings.`);
  if (source.skipped > 0) parts.push(`About ${count(source.skipped)} records were skipped.`);
  if (source.malformed > 0) parts.push(`${plural(source.malformed, 'record')} could not be read.`);
  return parts.join(' ');
}

function same(level: Health['level'], text: string): Health {
  return { level, text, announcement: text };
}
