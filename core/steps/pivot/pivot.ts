import { z } from 'zod';
import { nanosecondsOf, span } from '../../wire/duration.ts';
import { type DeviceStep, openByDevice } from '../by-device.ts';
import { defineStep } from '../definition.ts';
import type { Output } from '../output.ts';
import { columnsOf, demandSamples } from '../params.ts';
import { inSegment, onlyEndsSegment, type StepRows } from '../port.ts';
import { addEnd, endsASegment } from '../reorder.ts';
import { SampleLog } from '../sample-log.ts';
import type { StateReader, StateWriter } from '../state.ts';
import { compare, shift } from '../time.ts';

export const pivot = defineStep({
  use: 'pivot',
  summary: 'one row for each time of a device, out of records that hold a part of its values each',
  params: z.strictObject({
    grace: span()
      .default('0s')
      .describe('a time is whole when the device has moved on by more than so long: later records of it are `late`'),
    complete: z
      .array(z.string().min(1))
      .max(1_000)
      .optional()
      .describe('a time is whole at once when all of these channels are measured; default: all channels'),
    maxSamples: z.int().min(1).max(1_000_000).default(10_000).describe('times held for one device at most'),
  }),
  build({ grace, complete, maxSamples }, shape) {
    demandSamples(shape);
    const plan = {
      width: shape.channels.length,
      graceNs: nanosecondsOf(grace),
      complete: columnsOf(shape.channels, complete),
      maxSamples,
    };
    return { shape, open: () => openByDevice(new Pivot(plan), { width: plan.width }) };
  },
});

interface Plan {
  readonly width: number;
  readonly graceNs: number;
  /** Columns that make a time whole. */
  readonly complete: readonly number[];
  readonly maxSamples: number;
}

interface State {
  /** Times that are not whole yet. */
  readonly log: SampleLog;
  /** The largest time seen; event time. */
  maxSeconds: number;
  maxNanoseconds: number;
  /** The last time that was given; what comes for it, or before, is late. */
  givenSeconds: number;
  givenNanoseconds: number;
}

/**
 * Gathers the records of a time. Times are given in their order: a whole one waits for those before it, so that steps behind see no row
 * that is earlier than one before.
 */
class Pivot implements DeviceStep<State> {
  readonly #plan: Plan;

  constructor(plan: Plan) {
    this.#plan = plan;
  }

  create(): State {
    const [maxSeconds, givenSeconds] = [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY];
    return { log: new SampleLog(this.#plan.width), maxSeconds, maxNanoseconds: 0, givenSeconds, givenNanoseconds: 0 };
  }

  fork(state: State): State {
    return { ...state, log: state.log.fork() };
  }

  held({ log }: State): number {
    return log.length;
  }

  run(state: State, rows: StepRows, from: number, to: number, output: Output): void {
    for (let row = from; row < to; row++) {
      const [seconds, nanoseconds] = [rows.seconds[row] ?? 0, rows.nanoseconds[row] ?? 0];
      const segment = rows.segments[row] ?? inSegment;
      const ends = endsASegment(segment) && compare(seconds, nanoseconds, state.maxSeconds, state.maxNanoseconds) >= 0;
      this.#take(state, rows, row, output);
      if (compare(seconds, nanoseconds, state.maxSeconds, state.maxNanoseconds) > 0)
        [state.maxSeconds, state.maxNanoseconds] = [seconds, nanoseconds];
      this.#give(state, rows, row, ends, output);
      if (ends) addEnd(rows, row, output);
    }
  }

  #take({ log, givenSeconds, givenNanoseconds }: State, rows: StepRows, row: number, output: Output): void {
    if (rows.segments[row] === onlyEndsSegment) {
      output.consumed++;
      return;
    }
    const [seconds, nanoseconds] = [rows.seconds[row] ?? 0, rows.nanoseconds[row] ?? 0];
    if (compare(seconds, nanoseconds, givenSeconds, givenNanoseconds) <= 0) {
      output.skip(rows, row, 'late');
      return;
    }
    const at = log.indexOf(seconds, nanoseconds);
    const isThere = at < log.end && log.seconds[at] === seconds && log.nanoseconds[at] === nanoseconds;
    if (!isThere && log.length >= this.#plan.maxSamples) output.skip(rows, row, 'full');
    else if (!isThere) log.put(rows, row);
    else if (log.merge(rows, row)) output.duplicates++;
    else output.merged++;
  }

  /** Gives the times that are whole now, in order. */
  #give(state: State, rows: StepRows, row: number, all: boolean, output: Output): void {
    const { log } = state;
    const through = shift(state.maxSeconds, state.maxNanoseconds, -this.#plan.graceNs);
    while (log.length > 0) {
      const at = log.start;
      const [seconds, nanoseconds] = [log.seconds[at] ?? 0, log.nanoseconds[at] ?? 0];
      const isPast = all || compare(seconds, nanoseconds, through.seconds, through.nanoseconds) < 0;
      if (!isPast && !this.#isComplete(log, at)) return;
      output.reserve(1);
      const [truth, input] = [log.truths[at] ?? -1, rows.inputs[row] ?? 0];
      const to = output.add(rows.devices[row] ?? 0, seconds, nanoseconds, truth, input);
      for (const [column, values] of output.columns.entries()) values[to] = log.columns[column]?.[at] ?? Number.NaN;
      output.consumed++;
      log.start++;
      [state.givenSeconds, state.givenNanoseconds] = [seconds, nanoseconds];
    }
  }

  #isComplete({ columns }: SampleLog, at: number): boolean {
    for (const column of this.#plan.complete) if (Number.isNaN(columns[column]?.[at] ?? Number.NaN)) return false;
    return true;
  }

  write({ log, maxSeconds, maxNanoseconds, givenSeconds, givenNanoseconds }: State, writer: StateWriter): void {
    for (const value of [maxSeconds, maxNanoseconds, givenSeconds, givenNanoseconds]) writer.number(value);
    log.write(writer);
  }

  read(reader: StateReader): State {
    const [maxSeconds, maxNanoseconds] = [reader.number(), reader.number()];
    const [givenSeconds, givenNanoseconds] = [reader.number(), reader.number()];
    return {
      maxSeconds,
      maxNanoseconds,
      givenSeconds,
      givenNanoseconds,
      log: SampleLog.read(reader, this.#plan.width),
    };
  }
}
