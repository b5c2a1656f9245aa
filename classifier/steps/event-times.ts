import type { ChainResult } from '../../core/steps/chain.ts';
import type { StepRows } from '../../core/steps/port.ts';
import type { StateReader, StateWriter } from '../../core/steps/state.ts';
import { compare, type Time } from '../../core/steps/time.ts';

/** More devices than this are not remembered; those seen first are forgotten first. */
const maxDevices = 100_000;

/** By device, the largest time seen: its event time. */
export class EventTimes {
  readonly #byDevice = new Map<string, Time>();
  /** The largest of all: the event time of the partition. */
  readonly latest: Time = { seconds: Number.NEGATIVE_INFINITY, nanoseconds: 0 };

  of(device: string): Time | undefined {
    return this.#byDevice.get(device);
  }

  get devices(): Iterable<readonly [string, Time]> {
    return this.#byDevice;
  }

  /** @param times - as {@link timesOf} gives them */
  advance(times: Iterable<readonly [device: string, Time]>): void {
    for (const [device, time] of times) {
      advanceTo(this.latest, time.seconds, time.nanoseconds);
      const known = this.#byDevice.get(device);
      if (!known) this.#add(device, time);
      else advanceTo(known, time.seconds, time.nanoseconds);
    }
  }

  copy(): EventTimes {
    const times = new EventTimes();
    Object.assign(times.latest, this.latest);
    for (const [device, time] of this.#byDevice) times.#byDevice.set(device, { ...time });
    return times;
  }

  forget(device: string): void {
    this.#byDevice.delete(device);
  }

  write(writer: StateWriter): void {
    writer.number(this.latest.seconds);
    writer.number(this.latest.nanoseconds);
    writer.number(this.#byDevice.size);
    for (const [device, { seconds, nanoseconds }] of this.#byDevice) {
      writer.text(device);
      writer.number(seconds);
      writer.number(nanoseconds);
    }
  }

  static read(reader: StateReader): EventTimes {
    const times = new EventTimes();
    Object.assign(times.latest, { seconds: reader.number(), nanoseconds: reader.number() });
    for (let left = reader.count(maxDevices); left > 0; left--)
      times.#byDevice.set(reader.text(), { seconds: reader.number(), nanoseconds: reader.number() });
    return times;
  }

  #add(device: string, time: Time): void {
    if (this.#byDevice.size >= maxDevices)
      for (const oldest of this.#byDevice.keys()) {
        this.#byDevice.delete(oldest);
        break;
      }
    this.#byDevice.set(device, time);
  }
}

/**
 * By device, or by some of its rows, the largest time of the rows that a chain was given, but for those that it refused because they are
 * ahead of their arrival.
 */
export function timesOf(rows: StepRows, { outcomes }: Pick<ChainResult, 'outcomes'>): (readonly [string, Time])[] {
  const ahead = aheadOf(outcomes);
  const { count, devices, names, latest: known } = rows;
  if (known && ahead.size === 0) return known.map((time, device) => [names[device] ?? '', time]);
  const times: (readonly [string, Time])[] = [];
  for (let from = 0; from < count; ) {
    const device = devices[from] ?? 0;
    let to = from + 1;
    while (to < count && devices[to] === device) to++;
    const latest = latestOf(rows, from, to, ahead);
    if (latest) times.push([names[device] ?? '', latest]);
    from = to;
  }
  return times;
}

/** The largest time of rows `from` up to `to`; undefined where all are ahead of their arrival. */
function latestOf(rows: StepRows, from: number, to: number, ahead: ReadonlySet<string>): Time | undefined {
  const { inputs, seconds, nanoseconds } = rows;
  let latestSeconds = Number.NEGATIVE_INFINITY;
  let latestNanoseconds = 0;
  for (let row = from; row < to; row++) {
    const at = seconds[row] ?? 0;
    const ns = nanoseconds[row] ?? 0;
    if (at < latestSeconds || (at === latestSeconds && ns <= latestNanoseconds)) continue;
    if (ahead.size > 0 && ahead.has(keyOf(inputs[row] ?? 0, at, ns))) continue;
    latestSeconds = at;
    latestNanoseconds = ns;
  }
  return latestSeconds === Number.NEGATIVE_INFINITY
    ? undefined
    : { seconds: latestSeconds, nanoseconds: latestNanoseconds };
}

function advanceTo(time: Time, seconds: number, nanoseconds: number): void {
  if (compare(seconds, nanoseconds, time.seconds, time.nanoseconds) <= 0) return;
  time.seconds = seconds;
  time.nanoseconds = nanoseconds;
}

const keyOf = (input: number, seconds: number, nanoseconds: number) => `${input} ${seconds} ${nanoseconds}`;

function aheadOf(outcomes: ChainResult['outcomes']): ReadonlySet<string> {
  const refused = outcomes.find(({ use }) => use === 'ahead')?.skips;
  return new Set(
    refused?.inputs.map((input, at) => keyOf(input, refused.seconds[at] ?? 0, refused.nanoseconds[at] ?? 0)),
  );
}
