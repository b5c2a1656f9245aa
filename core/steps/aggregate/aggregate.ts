import { z } from 'zod';
import { nanosecondsOf, span } from '../../wire/duration.ts';
import { type DeviceStep, openByDevice } from '../by-device.ts';
import { defineStep } from '../definition.ts';
import type { Output } from '../output.ts';
import { columnsOf, demandSamples, StepProblem } from '../params.ts';
import { onlyEndsSegment, type StepRows } from '../port.ts';
import type { StateReader, StateWriter } from '../state.ts';
import { compare, since } from '../time.ts';
import { LatePast, Past, type PastState, SpanPast } from './past.ts';
import { type Take, takes } from './take.ts';

const columnSchema = z.strictObject({
  name: z.string().min(1).describe('of the column'),
  of: z.string().min(1).describe('the channel'),
  take: z.enum(takes).describe('what of its past; std with n − 1'),
  over: span().optional().describe('only of the last values: up to so long ago; default: all of the past'),
  min: z
    .int()
    .min(1)
    .max(1_000_000)
    .default(1)
    .describe('with fewer measured values the column is `fewer`; of no meaning for count'),
  fewer: z.number().optional().describe('what it is then; default: a gap'),
});

export const aggregate = defineStep({
  use: 'aggregate',
  summary: 'columns of the past of a device, as of the time of each row and with its own values',
  params: z.strictObject({
    columns: z
      .array(columnSchema)
      .min(1)
      .max(1_000)
      .describe('the columns that it gives: `{ name, of, take, over, min, fewer }`'),
    keep: z.array(z.string().min(1)).max(1_000).default([]).describe('channels that stay, behind these columns'),
    maxValues: z
      .int()
      .min(1)
      .max(100_000)
      .default(10_000)
      .describe('values of one `over`, or within `lateness`, at most; the oldest leave first'),
    lateness: span()
      .optional()
      .describe(
        'how much a row may be earlier than one of its device before it: it gets the past up to its own time; default: such a row is skipped as `late`',
      ),
  }),
  build({ columns, keep, maxValues, lateness }, shape) {
    demandSamples(shape);
    const sources = columnsOf(
      shape.channels,
      columns.map(({ of }) => of),
    );
    const channels = [...columns.map(({ name }) => name), ...keep];
    const twice = channels.find((name, at) => channels.indexOf(name) !== at);
    if (twice !== undefined) throw new StepProblem(`columns: ${JSON.stringify(twice)} stands there twice`);
    const plan: Plan = {
      columns: columns.map(({ take, over, min, fewer = Number.NaN }, at) => ({
        ...{ source: sources[at] ?? 0, take, min, fewer, overNs: over === undefined ? undefined : nanosecondsOf(over) },
      })),
      keep: columnsOf(shape.channels, keep),
      maxValues,
      latenessNs: lateness === undefined ? undefined : nanosecondsOf(lateness),
    };
    return {
      shape: { ...shape, channels },
      open: () => openByDevice(new Aggregate(plan), { width: channels.length }),
    };
  },
});

interface Column {
  readonly source: number;
  readonly take: Take;
  readonly min: number;
  readonly fewer: number;
  readonly overNs: number | undefined;
}

interface Plan {
  readonly columns: readonly Column[];
  /** Columns of the rows that come. */
  readonly keep: readonly number[];
  readonly maxValues: number;
  /** Undefined: a row may not be late at all. */
  readonly latenessNs: number | undefined;
}

interface State {
  seconds: number;
  nanoseconds: number;
  readonly pasts: PastState[];
}

class Aggregate implements DeviceStep<State> {
  readonly #plan: Plan;

  constructor(plan: Plan) {
    this.#plan = plan;
  }

  create(): State {
    return {
      seconds: Number.NEGATIVE_INFINITY,
      nanoseconds: 0,
      pasts: this.#plan.columns.map((one) => this.#past(one)),
    };
  }

  fork({ seconds, nanoseconds, pasts }: State): State {
    return { seconds, nanoseconds, pasts: pasts.map((past) => past.fork()) };
  }

  held(): number {
    return 0;
  }

  /** Several rows may have one time: long tables have a row for each value. */
  run(state: State, rows: StepRows, from: number, to: number, output: Output): void {
    output.reserve(to - from);
    for (let row = from; row < to; row++) {
      const seconds = rows.seconds[row] ?? 0;
      const nanoseconds = rows.nanoseconds[row] ?? 0;
      const segment = rows.segments[row] ?? 0;
      const isSample = segment !== onlyEndsSegment;
      const isBehind = isSample && compare(seconds, nanoseconds, state.seconds, state.nanoseconds) < 0;
      if (isBehind && !this.#reaches(state, seconds, nanoseconds)) {
        output.skip(rows, row, 'late');
        continue;
      }
      const { devices, truths, inputs } = rows;
      const at = output.add(devices[row] ?? 0, seconds, nanoseconds, truths[row] ?? -1, inputs[row] ?? 0, segment);
      output.consumed++;
      if (isSample && !isBehind) [state.seconds, state.nanoseconds] = [seconds, nanoseconds];
      this.#put(state, rows, row, isSample, output, at);
    }
  }

  #reaches(state: State, seconds: number, nanoseconds: number): boolean {
    const { latenessNs } = this.#plan;
    return (
      latenessNs !== undefined &&
      since(state.seconds, state.nanoseconds, seconds, nanoseconds) <= latenessNs &&
      state.pasts.every((past) => past.reaches(seconds, nanoseconds))
    );
  }

  #put(state: State, rows: StepRows, row: number, isSample: boolean, { columns }: Output, at: number): void {
    const { columns: plan, keep } = this.#plan;
    for (let index = 0; index < plan.length; index++) {
      const [column, past, out] = [plan[index], state.pasts[index], columns[index]];
      if (!column || !past || !out) continue;
      if (!isSample) {
        out[at] = Number.NaN;
        continue;
      }
      const [seconds, nanoseconds] = [rows.seconds[row] ?? 0, rows.nanoseconds[row] ?? 0];
      past.add(seconds, nanoseconds, rows.columns[column.source]?.[row] ?? Number.NaN);
      const own = past.upTo(seconds, nanoseconds);
      const isEnough = column.take === 'count' || own.count >= column.min;
      out[at] = isEnough ? own.take(column.take) : column.fewer;
    }
    for (let index = 0; index < keep.length; index++) {
      const out = columns[plan.length + index];
      if (out) out[at] = rows.columns[keep[index] ?? 0]?.[row] ?? Number.NaN;
    }
  }

  write({ seconds, nanoseconds, pasts }: State, writer: StateWriter): void {
    writer.number(seconds);
    writer.number(nanoseconds);
    for (const past of pasts) past.write(writer);
  }

  read(reader: StateReader): State {
    const state = { seconds: reader.number(), nanoseconds: reader.number(), pasts: this.create().pasts };
    for (const past of state.pasts) past.read(reader);
    return state;
  }

  #past({ overNs }: Column): PastState {
    const { maxValues, latenessNs } = this.#plan;
    if (overNs !== undefined) return new SpanPast(overNs, maxValues, latenessNs);
    return latenessNs === undefined ? new Past() : new LatePast(latenessNs, maxValues);
  }
}
