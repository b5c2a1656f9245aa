import type { Broken } from './check-windows.ts';

/** What is known of a stream whose model is gated by facts. */
export interface FactEvidence {
  /** Whether the facts, as they were told last, cover a reading: then it has a label, whatever came first. */
  readonly isCovered: (identity: string) => boolean;
  /** Whether any fact that was ever told covered it: one that was shortened or deleted since may have led to a label before. */
  readonly wasCovered: (identity: string) => boolean;
  /** Whether its device has moved on by more than the lateness, so that it waits no more. */
  readonly isPast: (identity: string) => boolean;
  /** By key, what was told last, and what the facts topic holds last. */
  readonly told: ReadonlyMap<string, string>;
  readonly inLog: ReadonlyMap<string, string>;
  /** Predictions that name a fact which was never told, or which begins after them. */
  readonly unfounded: readonly string[];
  /** Readings that wait, as the classifier that reported last counts them. */
  readonly waiting: number;
  /** Readings that were skipped for want of a fact, summed over all classifiers. What a killed one had counted since its last report is not in it. */
  readonly skippedNoFact: number;
  /** By how they came, stays. */
  readonly stays: Readonly<Record<string, number>>;
}

export interface FactCounts {
  readonly facts: number;
  readonly stays: Readonly<Record<string, number>>;
  /** Records that the facts cover in the end, and those among them without a label. */
  readonly covered: number;
  readonly lostLabels: number;
  readonly waiting: number;
  /** Records whose device has moved on. */
  readonly tooLate: number;
  readonly skippedNoFact: number;
}

type Counted = ReadonlyMap<string, number>;

/** Each record that facts cover has one outcome, each that none ever covered has no label; the others wait, each once, or are skipped. */
export function checkFacts(evidence: FactEvidence, records: Counted, outcomes: Counted, broken: Broken): FactCounts {
  const { isCovered, wasCovered, isPast } = evidence;
  const lacking: string[] = [];
  let [covered, waiting, tooLate] = [0, 0, 0];
  for (const [identity, count] of records) {
    const without = count - (outcomes.get(identity) ?? 0);
    if (isCovered(identity)) {
      covered += count;
      for (let left = without; left > 0; left -= 1) lacking.push(identity);
    } else if (isPast(identity)) tooLate += Math.max(0, without);
    else waiting += Math.max(0, without);
  }
  const lostLabels = broken('every reading that facts cover has a prediction or a dead letter', lacking);
  broken(
    'no record has two of them',
    [...outcomes].filter(([identity, count]) => count > (records.get(identity) ?? 0)).map(([identity]) => identity),
  );
  broken(
    'no reading is labelled that no fact ever covered',
    [...outcomes.keys()].filter((identity) => !wasCovered(identity)),
  );
  broken('a prediction names facts that were told', evidence.unfounded);
  broken(
    'readings that wait are in the state, each once',
    evidence.waiting === waiting ? [] : [`${evidence.waiting} wait, there are ${waiting}`],
  );
  broken(
    'classifiers count nothing twice',
    evidence.skippedNoFact > tooLate
      ? [`no-fact: ${evidence.skippedNoFact} counted, ${tooLate} readings are too late`]
      : [],
  );
  checkLog(evidence, broken);
  const { stays, skippedNoFact } = evidence;
  return { facts: evidence.told.size, stays, covered, lostLabels, waiting, tooLate, skippedNoFact };
}

function checkLog({ told, inLog }: FactEvidence, broken: Broken): void {
  broken(
    'the log says of each fact what was told last',
    [...told]
      .filter(([key, text]) => inLog.get(key) !== text)
      .map(([key, text]) => `${key}: ${inLog.get(key)}, ${text}`),
  );
  broken(
    'the log holds only facts that were told',
    [...inLog.keys()].filter((key) => !told.has(key)),
  );
}
