import type { StoredRecord } from '../../core/log/port.ts';
import type { Prediction } from '../../core/wire/prediction.ts';
import type { Status } from '../../core/wire/status.ts';
import { identityOf } from '../line/identities.ts';
import type { FactEvidence } from './check-facts.ts';
import { plantedIdentity } from './planted.ts';
import { type Clerk, type Told, visitor } from './ward/clerk.ts';

export interface FactSources {
  /** The facts topic. */
  readonly facts: readonly StoredRecord[];
  /** The status topic. */
  readonly statuses: readonly StoredRecord[];
  /** Of the readings topic. */
  readonly identities: readonly string[];
  readonly predictions: readonly Prediction[];
  /** What all classifiers counted by a name. */
  readonly counted: (name: string) => number;
}

/** As `stream.yaml` of the ward says. */
const latenessNs = 3_600_000_000_000n;

/** What a clerk told, beside what the line made of it. */
export function gatherFacts(clerk: Clerk, sources: FactSources): FactEvidence {
  const last = [...clerk.told.values()].flatMap((versions) => versions.at(-1) ?? []);
  const ever = [...clerk.told.values()].flat();
  const [covers, covered] = [coverage(last), coverage(ever)];
  const visits = sources.identities.filter((identity) => identity.startsWith(`${visitor} `)).map(timeOf);
  const lastVisit = visits.reduce((latest, time) => (time > latest ? time : latest), 0n);
  return {
    // What somebody else put into the topic is a dead letter, without any fact.
    isCovered: (identity) => plantedIdentity(`${identity} `) !== undefined || covers(identity),
    wasCovered: (identity) => plantedIdentity(`${identity} `) !== undefined || covered(identity),
    isPast: (identity) => identity.startsWith(`${visitor} `) && timeOf(identity) + latenessNs < lastVisit,
    told: new Map(Array.from(clerk.told, ([key, versions]) => [key, textOf(versions.at(-1))])),
    inLog: new Map(
      sources.facts.map(({ key, value }) => [key ?? '', textOf(JSON.parse(Buffer.from(value).toString()) as Told)]),
    ),
    unfounded: sources.predictions.filter((prediction) => !isFounded(prediction, clerk)).map(identityOf),
    waiting: waitingIn(sources.statuses),
    skippedNoFact: sources.counted('skippedNoFact'),
    stays: clerk.stays,
  };
}

const timeOf = (identity: string): bigint => BigInt(identity.slice(identity.indexOf(' ') + 1));

const textOf = (fact: Told | undefined): string =>
  fact === undefined ? '' : JSON.stringify([fact.subject, fact.kind, fact.from, fact.to ?? null, fact.values]);

/** Whether a reading is within an admission and its patient's age is known. */
function coverage(facts: readonly Told[]): (identity: string) => boolean {
  const bySubject = Map.groupBy(
    facts.filter(({ values }) => values !== null),
    ({ subject }) => subject,
  );
  return (identity) => {
    const own = bySubject.get(identity.slice(0, identity.indexOf(' '))) ?? [];
    const time = timeOf(identity);
    const holds = (kind: string) =>
      own.some(
        (fact) => fact.kind === kind && BigInt(fact.from) <= time && (fact.to === undefined || time < BigInt(fact.to)),
      );
    return holds('admission') && holds('age');
  };
}

/** Whether each fact that a prediction names was told of its device, and had begun. */
function isFounded({ device, time, facts = {} }: Prediction, clerk: Clerk): boolean {
  const kinds = Object.entries(facts);
  return (
    kinds.length === 2 &&
    kinds.every(([kind, from]) => clerk.told.has(JSON.stringify([device, kind, from])) && BigInt(from) <= BigInt(time))
  );
}

/** By the report that came last: the clocks of the processes jump, that of the log does not. */
function waitingIn(statuses: readonly StoredRecord[]): number {
  const latest = statuses
    .toSorted((first, second) => second.arrivedMs - first.arrivedMs)
    .map(({ value }) => JSON.parse(Buffer.from(value).toString()) as Status)
    .find(({ stage }) => stage === 'classifier');
  return latest?.counters.factsWaiting ?? 0;
}
