import { z } from 'zod';
import { duration, nanosecondsOf, span } from '../../wire/duration.ts';
import { type DeviceStep, openByDevice } from '../by-device.ts';
import { defineStep } from '../definition.ts';
import type { Output } from '../output.ts';
import { demandSamples, rate, StepProblem } from '../params.ts';
import { inSegment, noTruth, onlyEndsSegment, type StepRows } from '../port.ts';
import { endsASegment } from '../reorder.ts';
import { SampleLog } from '../sample-log.ts';
import type { StateReader, StateWriter } from '../state.ts';
import { compare, floorTo, shift, type Time } from '../time.ts';
import { Blocks } from './blocks.ts';

/** Windows that one sample may belong to. */
const maxOverlap = 1_000;
/** Room is taken at once for as many copies of the samples that come. */
const expectedOverlap = 4;

export const window = defineStep({
  use: 'window',
  summary: 'cuts samples into windows of time, `[start, end)`; a step of features has to follow',
  params: z.strictObject({
    length: span().describe('how long a window is'),
    every: span()
      .optional()
      .describe('from one start to the next, from the epoch on; default: `length`, so that none overlap'),
    grace: duration().default('0s').describe("a window closes when the device's event time passes its end by so much"),
    maxAhead: span()
      .default('1h')
      .describe('a sample that is further ahead of its arrival is skipped, so that a wrong clock closes no window'),
    rate: rate()
      .optional()
      .describe('samples a second, to know how many are missing; default: that of the steps before it'),
    maxSamples: z.int().min(1).max(10_000_000).default(1_000_000).describe('samples held for one device at most'),
  }),
  build(params, shape) {
    demandSamples(shape);
    const lengthNs = nanosecondsOf(params.length);
    const everyNs = params.every ? nanosecondsOf(params.every) : lengthNs;
    if (everyNs > lengthNs)
      throw new StepProblem('every: it is longer than `length`, so samples would belong to no window');
    if (lengthNs / everyNs > maxOverlap)
      throw new StepProblem(`every: a sample would belong to more than ${maxOverlap} windows`);
    const { channels } = shape;
    const known = params.rate ?? shape.rate;
    const options = {
      width: channels.length,
      lengthNs,
      everyNs,
      graceNs: nanosecondsOf(params.grace),
      maxSamples: params.maxSamples,
      expected: known === undefined ? undefined : Math.round((lengthNs / 1e9) * known),
    };
    return {
      shape: { channels: [], ...(known && { rate: known }), windows: { channels, lengthNs, everyNs } },
      open: () => {
        const blocks = new Blocks(channels.length);
        return openByDevice(new Window(options, blocks), {
          width: 0,
          begin: (count) => blocks.begin(count * Math.min(lengthNs / everyNs, expectedOverlap)),
          releaseSamples: () => blocks.release(),
          finish: (rows) => ({ ...rows, windows: blocks.windows() }),
        });
      },
    };
  },
});

interface Options {
  readonly width: number;
  readonly lengthNs: number;
  readonly everyNs: number;
  readonly graceNs: number;
  readonly maxSamples: number;
  /** Samples of a whole window, where the rate is known. */
  readonly expected: number | undefined;
}

interface State {
  /** The samples of windows that are open. */
  readonly log: SampleLog;
  /** The largest time seen: event time. */
  maxSeconds: number;
  maxNanoseconds: number;
  /** Start of the earliest window that is open. Samples before it are late. */
  openSeconds: number;
  openNanoseconds: number;
  /** When the event time comes here, that window closes. */
  closeSeconds: number;
  closeNanoseconds: number;
}

class Window implements DeviceStep<State> {
  readonly #options: Options;
  readonly #blocks: Blocks;

  constructor(options: Options, blocks: Blocks) {
    this.#options = options;
    this.#blocks = blocks;
  }

  create(): State {
    const never = Number.NEGATIVE_INFINITY;
    return this.#state(new SampleLog(this.#options.width), [never, 0, never, 0, never, 0]);
  }

  fork(state: State): State {
    return { ...state, log: state.log.fork() };
  }

  held(state: State): number {
    return state.log.length;
  }

  run(state: State, rows: StepRows, from: number, to: number, output: Output): void {
    for (let row = from; row < to; ) {
      const after = this.#inOrder(state, rows, row, to);
      if (after > row) {
        state.log.append(rows, row, after);
        state.maxSeconds = rows.seconds[after - 1]!;
        state.maxNanoseconds = rows.nanoseconds[after - 1]!;
        row = after;
      } else this.#one(state, rows, row++, output);
    }
  }

  write({ log, ...times }: State, writer: StateWriter): void {
    writer.number(times.maxSeconds);
    writer.number(times.maxNanoseconds);
    writer.number(times.openSeconds);
    writer.number(times.openNanoseconds);
    writer.number(times.closeSeconds);
    writer.number(times.closeNanoseconds);
    log.write(writer);
  }

  read(reader: StateReader): State {
    const times = [...reader.numbers(6)];
    return this.#state(SampleLog.read(reader, this.#options.width), times);
  }

  #state(log: SampleLog, times: readonly number[]): State {
    const [maxSeconds, maxNanoseconds, openSeconds, openNanoseconds, closeSeconds, closeNanoseconds] = times as [
      number,
      number,
      number,
      number,
      number,
      number,
    ];
    return { log, maxSeconds, maxNanoseconds, openSeconds, openNanoseconds, closeSeconds, closeNanoseconds };
  }

  /** How far samples follow each other and close nothing. */
  #inOrder(state: State, { seconds, nanoseconds, segments }: StepRows, from: number, to: number): number {
    const { closeSeconds, closeNanoseconds, log } = state;
    const most = Math.min(to, from + this.#options.maxSamples - log.length);
    let lastSeconds = state.maxSeconds;
    let lastNanoseconds = state.maxNanoseconds;
    let row = from;
    // The end of a segment closes windows that event time has not come to.
    if (compare(seconds[from]!, nanoseconds[from]!, state.openSeconds, state.openNanoseconds) < 0) return from;
    for (; row < most && segments[row] === inSegment; row++) {
      const at = seconds[row]!;
      const ns = nanoseconds[row]!;
      if (at < lastSeconds || (at === lastSeconds && ns <= lastNanoseconds)) break;
      if (at > closeSeconds || (at === closeSeconds && ns >= closeNanoseconds)) break;
      lastSeconds = at;
      lastNanoseconds = ns;
    }
    return row;
  }

  /** A sample that is out of order, closes windows, or ends its segment. */
  #one(state: State, rows: StepRows, row: number, output: Output): void {
    const seconds = rows.seconds[row]!;
    const nanoseconds = rows.nanoseconds[row]!;
    const segment = rows.segments[row]!;
    if (compare(seconds, nanoseconds, state.maxSeconds, state.maxNanoseconds) > 0) {
      state.maxSeconds = seconds;
      state.maxNanoseconds = nanoseconds;
      const through = shift(seconds, nanoseconds, -this.#options.graceNs);
      this.#closeThrough(state, through, rows, row, output);
    }
    if (segment === onlyEndsSegment) output.consumed++;
    else if (compare(seconds, nanoseconds, state.openSeconds, state.openNanoseconds) < 0)
      output.skip(rows, row, 'late');
    else if (state.log.length >= this.#options.maxSamples) output.skip(rows, row, 'full');
    else if (state.log.put(rows, row)) output.duplicates++;
    if (!endsASegment(segment) || compare(seconds, nanoseconds, state.maxSeconds, state.maxNanoseconds) < 0) return;
    // Every window that the device was seen in is whole.
    const last = this.#startOf(state.maxSeconds, state.maxNanoseconds);
    const end = shift(last.seconds, last.nanoseconds, this.#options.lengthNs);
    this.#closeThrough(state, end, rows, row, output);
  }

  /** Closes all windows that end by a time, the earliest first. Windows without samples give nothing. */
  #closeThrough(state: State, through: Time, rows: StepRows, row: number, output: Output): void {
    const { lengthNs, everyNs, graceNs } = this.#options;
    const { log } = state;
    // The first start whose window is still open after this.
    const last = shift(through.seconds, through.nanoseconds, -lengthNs);
    const open = floorTo(last.seconds, last.nanoseconds, everyNs);
    move(open, everyNs);
    if (compare(open.seconds, open.nanoseconds, state.openSeconds, state.openNanoseconds) <= 0) return;
    let start = { seconds: state.openSeconds, nanoseconds: state.openNanoseconds };
    while (log.length > 0) {
      const first = this.#firstStart(log.seconds[log.start]!, log.nanoseconds[log.start]!);
      if (compare(first.seconds, first.nanoseconds, start.seconds, start.nanoseconds) > 0) start = first;
      if (compare(start.seconds, start.nanoseconds, open.seconds, open.nanoseconds) >= 0) break;
      this.#give(log, start, rows, row, output);
      move(start, everyNs);
      const kept = log.indexOf(start.seconds, start.nanoseconds);
      output.consumed += kept - log.start;
      log.start = kept;
    }
    state.openSeconds = open.seconds;
    state.openNanoseconds = open.nanoseconds;
    const close = shift(open.seconds, open.nanoseconds, lengthNs + graceNs);
    state.closeSeconds = close.seconds;
    state.closeNanoseconds = close.nanoseconds;
  }

  #give(log: SampleLog, start: Time, rows: StepRows, row: number, output: Output): void {
    const end = shift(start.seconds, start.nanoseconds, this.#options.lengthNs);
    const from = log.indexOf(start.seconds, start.nanoseconds);
    const to = log.indexOf(end.seconds, end.nanoseconds);
    if (to === from) return;
    const truth = this.#truthOf(log, from, to, output);
    output.reserve(1);
    output.add(rows.devices[row]!, end.seconds, end.nanoseconds, truth, rows.inputs[row]!);
    this.#blocks.add(log, from, to, { ...start, missing: this.#missing(log, from, to) });
  }

  /** The truth on which all samples agree that have one. */
  #truthOf({ truths }: SampleLog, from: number, to: number, output: Output): number {
    let agreed = noTruth;
    for (let at = from; at < to; at++) {
      const truth = truths[at]!;
      if (truth === noTruth || truth === agreed) continue;
      if (agreed !== noTruth) {
        output.mixed++;
        return noTruth;
      }
      agreed = truth;
    }
    return agreed;
  }

  #missing(log: SampleLog, from: number, to: number): number {
    let measured = 0;
    for (const column of log.columns) for (let at = from; at < to; at++) if (!Number.isNaN(column[at])) measured++;
    const samples = to - from;
    let sent = samples * this.#options.width;
    for (let at = from; at < to; at++) sent -= log.unsent[at]!;
    const never = Math.max(0, (this.#options.expected ?? 0) - samples);
    return Math.max(0, sent - measured) + Math.round((never * sent) / samples);
  }

  /** The latest start of a window that a time belongs to. */
  #startOf(seconds: number, nanoseconds: number): Time {
    return floorTo(seconds, nanoseconds, this.#options.everyNs);
  }

  /** The earliest start of a window that a time belongs to. */
  #firstStart(seconds: number, nanoseconds: number): Time {
    const before = shift(seconds, nanoseconds, -this.#options.lengthNs);
    const start = floorTo(before.seconds, before.nanoseconds, this.#options.everyNs);
    move(start, this.#options.everyNs);
    return start;
  }
}

function move(time: Time, ns: number): void {
  Object.assign(time, shift(time.seconds, time.nanoseconds, ns));
}
