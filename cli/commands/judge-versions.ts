import { GaplineError } from '../../core/wire/errors.ts';
import type { Scores } from '../../training/metrics.ts';
import { scoreVersion } from '../../training/score-version.ts';
import { liveScores } from '../live-scores.ts';
import { createLogger } from '../logger.ts';
import { openLog } from '../open.ts';
import { print } from '../print.ts';
import { readSince } from '../since.ts';
import { resolveStream } from '../stream.ts';
import { type Judging, rowsToScore } from './rows-to-score.ts';

export const percent = (share: number): string => `${(share * 100).toFixed(2)} %`;

type Figure = 'accuracy' | 'f1';

export interface PromoteOptions {
  /** The figure that decides. */
  readonly if?: Figure;
  /** With `if`: a time of arrival, or how long ago. What the line labelled since then decides. */
  readonly since?: string;
  /** With `since`: where state lives; else an export to score on, if it is one. */
  readonly data: string;
  readonly logLevel: string;
  readonly log?: string;
}

interface Judged {
  readonly version: number;
  readonly accuracy: number;
  readonly f1: number;
}

/** How right a version is, and the one that serves, on the same readings; and what these were, in words. */
interface Comparison {
  readonly candidate: Judged;
  readonly serving: Judged;
  readonly on: string;
}

async function figuresOfTable({ version, serving, ...judging }: Candidate): Promise<Comparison> {
  const rate = judging.loaded.config.generator.gaps.rate;
  const judge = async (scored: number): Promise<Judged> => {
    const [scores] = await scoreOn(judging, scored, [rate]);
    if (!scores) throw new GaplineError('internal', `version ${scored} was not scored`);
    return { version: scored, ...scores };
  };
  const on = `with ${percent(rate)} of the values missing`;
  return { candidate: await judge(version), serving: await judge(serving), on };
}

async function figuresOfLine(
  { loaded, version, serving }: Candidate,
  { since, log: url, data, logLevel }: PromoteOptions & { readonly since: string },
): Promise<Comparison> {
  const sinceMs = readSince('--since', since, Date.now());
  const { topics } = await resolveStream(loaded);
  const log = await openLog({ url, dataFolder: data, logger: await createLogger(logLevel) });
  await log.start();
  try {
    const { readings, champion, challenger } = await liveScores({
      ...{ log, topics, sinceMs, champion: serving, challenger: version },
    });
    const on = `over ${readings} readings of the line since ${new Date(sinceMs).toISOString()}`;
    return { candidate: { version, ...challenger }, serving: { version: serving, ...champion }, on };
  } finally {
    await log.stop();
  }
}

export interface Candidate extends Judging {
  readonly version: number;
  /** The version that serves. */
  readonly serving: number;
}

/**
 * Prints how right two versions are, by a table or by what both labelled in the line.
 * @returns the same in words, for the history
 * @throws {GaplineError} `model-refused` where the candidate is not better
 */
export async function demandBetter(of: Candidate, options: PromoteOptions & { readonly if: Figure }): Promise<string> {
  const { candidate, serving, on } =
    options.since === undefined
      ? await figuresOfTable(of)
      : await figuresOfLine(of, { ...options, since: options.since });
  const [has, needs] = [candidate[options.if], serving[options.if]];
  const comparison = `${options.if} of version ${candidate.version} is ${percent(has)}, of version ${serving.version} ${percent(needs)}, ${on}`;
  if (has <= needs) throw new GaplineError('model-refused', comparison);
  print(`${comparison}\n`);
  return comparison;
}

/** On the data to replay or on an export, by the share of values that are missing. */
export async function scoreOn(judging: Judging, version: number, rates: readonly number[]): Promise<Scores[]> {
  const model = await judging.registry.load(version);
  try {
    const { seed } = judging.loaded.config.training;
    return await scoreVersion({ model, ...(await rowsToScore(judging, version, model)), rates, seed });
  } finally {
    await model.close();
  }
}
