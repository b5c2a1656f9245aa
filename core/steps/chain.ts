import { ZodError, type z } from 'zod';
import { nanosecondsOf } from '../wire/duration.ts';
import { GaplineError } from '../wire/errors.ts';
import { firstIssue } from '../wire/issue.ts';
import { validate } from '../wire/validate.ts';
import { Ahead } from './ahead.ts';
import type { StepDefinition } from './definition.ts';
import { type FactPlan, isFactStep, planFacts } from './facts/definitions.ts';
import { staleBatch } from './output.ts';
import { listed, StepProblem } from './params.ts';
import type { Counts, Shape, Skips, Step, StepRows, StepSession } from './port.ts';
import { allDefinitions, definitionOf, type StepSpec } from './registry.ts';
import { byColumn } from './row-values.ts';
import { StateReader, StateWriter } from './state.ts';

/** What became of rows at one step of a chain. */
export interface StepOutcome {
  readonly use: string;
  /** Rows that it gave. */
  readonly given: number;
  readonly skips: Skips;
  readonly counts: Counts;
}

export interface ChainResult {
  /** Valid until the next `apply` of the session, but for the samples of windows, which only steps look at. */
  readonly rows: StepRows;
  /** Whether the rows are windows that were cut from those that were given, at which nobody here looks any more. */
  readonly isCut: boolean;
  /** By step, in order. The first is the check of times ahead, if a step asks for it: `use` is `ahead`. */
  readonly outcomes: readonly StepOutcome[];
  /** As {@link StepResult.committed}, for all steps. */
  committed(): void;
}

/** A chain at work on one partition; deterministic and pure as each of its steps. */
export interface ChainSession {
  apply(rows: StepRows): ChainResult;
  /** By step, the rows that wait in the committed state. */
  held(): readonly number[];
  /** Of these, those of one device, over all steps. */
  heldOf(device: string): number;
  save(): Uint8Array;
  /** @throws {RangeError} where the bytes are not what `save` of the same chain wrote */
  load(state: Uint8Array): void;
  /** Takes over the first steps' state from what another chain saved that begins with the same ones. */
  loadFirst(state: Uint8Array, count: number): void;
}

export interface Chain {
  /** Of the rows that leave the last step, the columns of facts included. */
  readonly shape: Shape;
  /** The steps that decide by facts, which the session does not do: they follow the others. */
  readonly facts?: FactPlan;
  /** How far ahead of its arrival a sample may be, in nanoseconds; absent where no step minds. */
  readonly aheadNs?: number;
  /** Whether every row follows from one reading, whatever its time: a table needs no times then. */
  readonly byRow: boolean;
  /** Whether rows may come by `values`, and then go out so: many columns of few rows need not be turned around. */
  readonly takesValues: boolean;
  open(): ChainSession;
}

/** Steps of one's own, by what `use` says: see `loadOwnSteps`. */
export type OwnSteps = ReadonlyMap<string, StepDefinition>;

/**
 * Makes a chain of the steps of `stream.yaml`.
 * @param channels the names of a reading's values, in the order of the columns of the rows
 * @throws {GaplineError} `config-invalid`, naming the step and the parameter
 */
export function buildChain(specs: readonly StepSpec[], channels: readonly string[], own: OwnSteps = new Map()): Chain {
  let shape: Shape = { channels };
  const facts = specs.findIndex(isFactStep);
  const before = facts < 0 ? specs : specs.slice(0, facts);
  const steps = before.map((spec, index): { use: string; step: Step; width: number } => {
    const width = shape.channels.length;
    const step = buildStep(spec, index, shape, own);
    shape = ofOwnColumns(step.shape, shape);
    return { use: spec.use, step, width };
  });
  if (shape.windows && shape.channels.length === 0)
    throw problem('', 'nothing follows the window; put statistics, spectrum, lags or series behind it');
  if (shape.series && shape.channels.length > shape.series.channels.length * shape.series.length)
    throw problem('', 'series stands alone behind the window: leave other features out');
  const aheadNs = Math.min(...before.map(maxAheadOf));
  const plan = facts < 0 ? undefined : planOf(specs, facts, shape.channels);
  return {
    shape: plan ? ofOwnColumns({ ...shape, channels: [...shape.channels, ...plan.added] }, shape) : shape,
    ...(plan && { facts: plan }),
    ...(Number.isFinite(aheadNs) && { aheadNs }),
    byRow: !plan && steps.every(({ step }) => step.byRow === true),
    takesValues: !plan && !Number.isFinite(aheadNs) && steps.every(({ step }) => step.takesValues === true),
    open: () => {
      const sessions: OpenStep[] = steps.map(({ use, step, width }) => ({
        ...{ use, width },
        session: step.open(),
        takesValues: step.takesValues === true,
      }));
      const width = channels.length;
      if (Number.isFinite(aheadNs))
        sessions.unshift({ use: aheadCheck, width, session: new Ahead(aheadNs, width), takesValues: false });
      // A step of one's own may look at what it was given until it is committed.
      return new Session(sessions, { shares: before.every(({ use }) => definitionOf(use) !== undefined) });
    },
  };
}

/** Columns that another step adds or takes away end that a whole row is the samples of a segment. */
function ofOwnColumns(shape: Shape, before: Shape): Shape {
  if (!shape.rowRuns || shape.channels.join() === before.channels.join()) return shape;
  const { rowRuns: _, series: __, ...rest } = shape;
  return rest;
}

function planOf(specs: readonly StepSpec[], first: number, channels: readonly string[]): FactPlan {
  const chosen = specs.slice(first);
  const other = chosen.findIndex((spec) => !isFactStep(spec));
  if (other >= 0)
    throw problem(
      `steps.${first + other}.use`,
      'gate and join come last: what other steps remember depends on no fact',
    );
  try {
    return planFacts(chosen, channels);
  } catch (error) {
    const where = `steps.${first} (${chosen.map(({ use }) => use).join(', ')})`;
    if (error instanceof StepProblem) throw problem(where, error.message);
    if (error instanceof ZodError) throw problem(where, firstIssue(error));
    throw error;
  }
}

function buildStep(spec: StepSpec, index: number, shape: Shape, own: OwnSteps): Step {
  const where = `steps.${index}`;
  const definition = definitionOf(spec.use) ?? own.get(spec.use);
  if (!definition) {
    const known = listed(
      allDefinitions.map(({ use }) => use),
      32,
    );
    throw problem(`${where}.use`, `there is no step ${JSON.stringify(spec.use)}; there are ${known}, or ./FILE.ts`);
  }
  const { use: _, ...given } = spec;
  const parsed = validate(definition.params, given);
  if (!parsed.success) throw problem(`${where} (${spec.use})`, firstIssue(parsed.error as z.ZodError));
  try {
    return definition.build(parsed.data, shape);
  } catch (error) {
    if (!(error instanceof StepProblem)) throw error;
    throw problem(`${where} (${spec.use})`, error.message, error);
  }
}

const problem = (where: string, what: string, cause?: StepProblem) =>
  new GaplineError('config-invalid', `${where === '' ? 'steps' : where}: ${what}`, cause && { cause });

/** How far ahead of its arrival a sample may be, where a step minds. */
function maxAheadOf(spec: StepSpec): number {
  const definition = definitionOf(spec.use);
  if (!definition || !('maxAhead' in definition.params.shape)) return Number.POSITIVE_INFINITY;
  const { use: _, ...given } = spec;
  return nanosecondsOf((definition.params.parse(given) as { maxAhead: string }).maxAhead);
}

interface OpenStep {
  readonly use: string;
  /** Columns of the rows that it is given. */
  readonly width: number;
  readonly session: StepSession;
  readonly takesValues: boolean;
}

class Session implements ChainSession {
  readonly #steps: readonly OpenStep[];
  readonly #shares: boolean;
  #latest: object | undefined;

  /** @param options - `shares`: whether arrays may be used by other sessions as soon as the rows are made that follow from them */
  constructor(steps: readonly OpenStep[], { shares }: { readonly shares: boolean }) {
    this.#steps = steps;
    this.#shares = shares;
  }

  apply(input: StepRows): ChainResult {
    let rows = input;
    const latest = {};
    this.#latest = latest;
    const commits: (() => void)[] = [];
    let cutter: StepSession | undefined;
    const outcomes = this.#steps.map(({ use, session, takesValues, width }, index) => {
      const result = session.apply(takesValues ? rows : byColumn(rows, width));
      if (this.#shares && result.rows.windows && !rows.windows) {
        cutter = session;
        // Windows are copies: nothing refers to the rows that they were cut from.
        for (const before of this.#steps.slice(0, index)) before.session.release?.();
      }
      rows = result.rows;
      commits.push(result.committed);
      return { use, given: rows.count, skips: result.skips, counts: result.counts };
    });
    cutter?.releaseSamples?.();
    return {
      ...{ rows, outcomes, isCut: cutter !== undefined },
      committed: () => {
        if (this.#latest !== latest) throw staleBatch();
        this.#latest = undefined;
        for (const commit of commits) commit();
      },
    };
  }

  held(): readonly number[] {
    return this.#steps.map(({ session }) => session.held());
  }

  heldOf(device: string): number {
    return this.#steps.reduce((sum, { session }) => sum + (session.heldOf?.(device) ?? 0), 0);
  }

  save(): Uint8Array {
    const writer = new StateWriter();
    writer.number(formatVersion);
    for (const { use, session } of this.#steps) {
      const state = session.save();
      writer.text(use);
      writer.number(state.length);
      writer.raw(state);
    }
    return writer.finish();
  }

  load(state: Uint8Array): void {
    const parts = readParts(state);
    if (parts.length !== this.#steps.length || parts.some(({ use }, index) => use !== this.#steps[index]!.use))
      throw new RangeError('the state is of another chain of steps');
    this.#latest = undefined;
    for (const [index, { bytes }] of parts.entries()) this.#steps[index]!.session.load(bytes);
  }

  loadFirst(state: Uint8Array, count: number): void {
    const given = readParts(state).filter(({ use }) => use !== aheadCheck);
    const own = this.#steps.filter(({ use }) => use !== aheadCheck);
    this.#latest = undefined;
    for (const [index, { bytes }] of given.slice(0, count).entries()) own[index]?.session.load(bytes);
  }
}

function readParts(state: Uint8Array): { readonly use: string; readonly bytes: Uint8Array }[] {
  const reader = new StateReader(state);
  if (reader.number() !== formatVersion) throw new RangeError('the state is of another format');
  const parts = [];
  while (reader.left > 0) parts.push({ use: reader.text(), bytes: reader.raw(reader.count(reader.left)) });
  return parts;
}

const formatVersion = 2;
/** The check of times ahead, which stands before the first step and remembers nothing. */
const aheadCheck = 'ahead';
