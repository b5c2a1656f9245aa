import { type Alert, type AlertDelivery, alertId, alertTopicsOf } from '../../core/wire/alert.ts';
import type { Fact, FactKinds } from '../../core/wire/fact.ts';
import type { Prediction } from '../../core/wire/prediction.ts';
import type { Reading } from '../../core/wire/reading.ts';
import type { Samples } from '../../core/wire/samples.ts';
import type { Status } from '../../core/wire/status.ts';
import { type Segments, type Stream, topicsOf } from '../../core/wire/stream.ts';
import type { MemoryLog } from './memory-log.ts';

export interface SimulationOptions {
  readonly log: MemoryLog;
  readonly name?: string;
  readonly fields: readonly string[];
  readonly classes: readonly string[];
  readonly rate?: number;
  readonly gapRate?: number;
  /** Whether the source knows the truth. Default true. */
  readonly truth?: boolean;
  readonly seed?: number;
  /** Whether devices send a second of samples at once, of which a window is labelled. Default false. */
  readonly windows?: boolean;
  /** Kinds of facts that the stream takes. Default: none. */
  readonly facts?: FactKinds;
  /** Where each reading is a whole segment. Default: it is of one time. */
  readonly segments?: Segments;
  /** Whether windows or segments are labelled by shapelets of the first field or channel. Default false. */
  readonly shapelets?: boolean;
  /** Whether the stream has rules that raise alerts. Default false. */
  readonly alerts?: boolean;
}

const stages: Status['stage'][] = ['generator', 'collector', 'archive', 'classifier'];
const tickMs = 100;
/** Samples a second of a window, and the tone in it, which is the last of these. */
export const windowRate = 1_000;
export const tonesHz = [24, 60, 125];

/** Writes what a line would write, without the line: readings with gaps, predictions that suffer from them, and status. */
export class SimulatedLine {
  readonly stream: Stream;
  gapRate: number;
  version = 1;
  /** A version that labels the same readings in the shadow. */
  challenger: number | undefined;
  spool: Status['spool'];
  drift: Status['drift'];
  /** What the classifier counts beside the usual. */
  counters: Status['counters'] = {};
  /** Stages that report nothing. */
  readonly silenced = new Set<Status['stage']>();
  lastError: Status['lastError'];
  /** What a classifier reports of who let which version serve. */
  promotions: Status['promotions'];
  readonly #options: SimulationOptions;
  readonly #random: () => number;
  readonly #totals = { readings: 0, gaps: 0, labels: 0 };
  #timer: NodeJS.Timeout | undefined;

  constructor(options: SimulationOptions) {
    const name = options.name ?? 'spambase';
    const { fields, facts, alerts, segments } = options;
    this.stream = {
      ...{ name, fields, topics: topicsOf(name) },
      ...(facts && { facts }),
      ...(segments && { segments }),
      ...(alerts && { alerts: alertTopicsOf(name) }),
    };
    this.gapRate = options.gapRate ?? 0.1;
    this.#options = options;
    this.#random = randomNumbers(options.seed ?? 1);
  }

  get rate(): number {
    return this.#options.rate ?? 50;
  }

  /** Writes the last `seconds` seconds as if they had happened. `gapRate` by how many seconds ago. */
  past(seconds: number, gapRate?: (secondsAgo: number) => number): void {
    const nowMs = Date.now();
    for (let back = seconds * 1_000; back > 0; back -= tickMs) {
      if (gapRate) this.gapRate = gapRate(back / 1_000);
      this.write(nowMs - back, (this.rate * tickMs) / 1_000);
      if (back % 2_000 === 0) this.report(nowMs - back);
    }
  }

  start(): void {
    let ticks = 0;
    let due = 0;
    this.report(Date.now());
    this.#timer = setInterval(() => {
      due += (this.rate * tickMs) / 1_000;
      this.write(Date.now(), Math.floor(due));
      due -= Math.floor(due);
      ticks += 1;
      if (ticks % 20 === 0) this.report(Date.now());
    }, tickMs);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  write(atMs: number, count: number): void {
    for (let number = 0; number < count; number += 1) {
      if (this.#options.windows) this.window(`motor-${1 + Math.floor(this.#random() * 20)}`, atMs);
      else this.#one(atMs, number);
    }
  }

  /** A second of samples up to a moment, with a burst of gaps, and the label of the window. The last field has one sample. */
  window(device: string, atMs: number): void {
    const { log, fields, classes, truth = true } = this.#options;
    const received = `${BigInt(atMs) * 1_000_000n}`;
    const from = `${BigInt(atMs - 1_000) * 1_000_000n}`;
    const values: Samples['values'] = {};
    let missing = 0;
    for (const [index, name] of fields.entries()) {
      const isLast = index > 0 && index === fields.length - 1;
      const gapFrom = Math.floor(this.#random() * windowRate * (1 - this.gapRate));
      const hasGap = (at: number) => !isLast && at >= gapFrom && at < gapFrom + this.gapRate * windowRate;
      values[name] = Array.from({ length: isLast ? 1 : windowRate }, (_, at) => (hasGap(at) ? null : this.#wave(at)));
      missing += values[name].filter((value) => value === null).length;
    }
    const actual = classes[Math.floor(this.#random() * classes.length)] ?? '';
    const samples: Samples = { stream: this.stream.name, device, time: from, rate: windowRate, values, received };
    if (truth) samples.truth = actual;
    log.add(this.stream.topics.readings, device, samples, atMs);
    this.#totals.readings += 1;
    const reading: Reading = { stream: samples.stream, device, time: received, values: {}, received };
    if (truth) reading.truth = actual;
    const filled = { [`${fields[0]}.rms`]: 1.25 };
    const prediction = {
      ...this.#predictionBy(this.version, reading, actual, filled),
      from,
      samples: windowRate,
      missing,
      ...(this.#options.shapelets && { shapelet: shapeletIn(fields[0] ?? '') }),
    };
    log.add(this.stream.topics.predictions, device, prediction, atMs + Math.ceil(prediction.latencyMs));
    this.#totals.labels += 1;
  }

  #wave(at: number): number {
    const tones = tonesHz.reduce(
      (sum, hertz, tone) => sum + (tone + 1) * Math.sin((2 * Math.PI * hertz * at) / windowRate),
      0,
    );
    return Number((tones + 0.1 * (this.#random() - 0.5)).toFixed(4));
  }

  report(atMs: number): void {
    for (const stage of stages.filter((name) => !this.silenced.has(name))) {
      this.#options.log.add(this.stream.topics.status, stage, this.#status(stage, atMs), atMs);
    }
  }

  /** A fact that holds from so long ago on, and perhaps ended so long ago, in milliseconds. */
  tell(subject: string, kind: string, beganMs: number, endedMs?: number, values: Fact['values'] = {}): void {
    const ns = (agoMs: number) => `${BigInt(Date.now() - agoMs) * 1_000_000n}`;
    const from = `${BigInt(Math.floor(Date.now() / 60_000) * 60_000 - beganMs) * 1_000_000n}`;
    const fact: Fact = { stream: this.stream.name, subject, kind, from, values, received: ns(0) };
    if (endedMs !== undefined) fact.to = ns(endedMs);
    this.#options.log.add(this.stream.topics.facts, `${subject} ${kind} ${from}`, fact, Date.now());
  }

  /** An alert that fired a second ago, or is resolved now; and what became of that at a webhook. */
  alert(rule: string, subject: string, state: Alert['state'], outcome?: AlertDelivery['outcome'], atMs = Date.now()) {
    const { log, name = 'spambase' } = this.#options;
    const at = `${BigInt(atMs) * 1_000_000n}`;
    const identity = { stream: name, rule, subject, since: '1700000000000000000' };
    const id = alertId({ ...identity, origin: '' });
    const shared = { ...identity, state, id, key: `${id}-${state}` };
    const alert: Alert = { kind: 'alert', ...shared, at, text: `[${state}] ${rule} of ${subject}` };
    const topic = alertTopicsOf(name).alerts;
    log.add(topic, subject, alert, atMs);
    if (!outcome) return;
    const { since: _since, ...about } = shared;
    const delivery: AlertDelivery = {
      ...{ kind: 'delivery', ...about, webhook: 'ops', outcome },
      at: new Date(atMs).toISOString(),
    };
    log.add(topic, subject, delivery, atMs);
  }

  deadLetter(reason: string, atMs = Date.now()): void {
    const letter = {
      stage: 'classifier',
      topic: this.stream.topics.readings,
      partition: 3,
      offset: '1742',
      key: 'device-07',
      value: '{',
      encoding: 'utf8',
      reason,
      at: new Date(atMs).toISOString(),
    };
    this.#options.log.add(this.stream.topics.deadLetters, 'device-07', letter, atMs);
  }

  #one(atMs: number, number: number): void {
    const { log, fields, classes, truth = true } = this.#options;
    const device = `device-${String(Math.floor(this.#random() * 20) + 1).padStart(2, '0')}`;
    const time = `${BigInt(atMs) * 1_000_000n + BigInt(number)}`;
    const received = `${BigInt(atMs) * 1_000_000n}`;
    const values: Record<string, number | null> = {};
    const filled: Record<string, number> = {};
    for (const [index, name] of fields.entries()) {
      // Some fields are a little worse than others, as they are in life.
      const missing = this.#random() < this.gapRate * (0.8 + (0.4 * ((index * 7) % 11)) / 10);
      values[name] = missing ? null : Number((this.#random() ** 3 * 10).toFixed(3));
      if (missing) filled[name] = Number((0.3 + index / 50).toFixed(4));
    }
    const gaps = Object.keys(filled).length;
    const reading: Reading = { stream: this.stream.name, device, time, values, received };
    const actual = classes[Math.floor(this.#random() ** 1.4 * classes.length)]!;
    if (truth) reading.truth = actual;
    log.add(this.stream.topics.readings, device, reading, atMs);
    this.#totals.readings += 1;
    this.#totals.gaps += gaps;
    this.#predict(reading, actual, filled, atMs);
  }

  #predict(reading: Reading, actual: string, filled: Record<string, number>, atMs: number): void {
    const { log, shapelets } = this.#options;
    const { topics, segments } = this.stream;
    const prediction = {
      ...this.#predictionBy(this.version, reading, actual, filled),
      ...(segments && { filled: {} }),
      ...(segments && shapelets && { shapelet: shapeletIn(segments.channels[0] ?? '', segments.length) }),
    };
    const arrivedMs = atMs + Math.ceil(prediction.latencyMs);
    log.add(topics.predictions, reading.device, prediction, arrivedMs);
    this.#totals.labels += 1;
    if (this.challenger === undefined) return;
    log.add(topics.shadow, reading.device, this.#predictionBy(this.challenger, reading, actual, filled), arrivedMs);
  }

  /** Every version after the first minds gaps less. */
  #predictionBy(version: number, reading: Reading, actual: string, filled: Record<string, number>): Prediction {
    const { classes, fields } = this.#options;
    const gapShare = Object.keys(filled).length / fields.length;
    const isRight = this.#random() < (version === 1 ? 0.95 - 0.7 * gapShare ** 1.6 : 0.96 - 0.25 * gapShare ** 1.6);
    const label = isRight ? actual : classes[Math.floor(this.#random() * classes.length)]!;
    const probability = Number((0.6 + 0.4 * this.#random()).toFixed(3));
    const others = (1 - probability) / Math.max(1, classes.length - 1);
    return {
      stream: reading.stream,
      device: reading.device,
      time: reading.time,
      label,
      probability,
      probabilities: Object.fromEntries(classes.map((name) => [name, name === label ? probability : others])),
      filled,
      gaps: Object.keys(filled).length,
      model: { name: this.stream.name, version },
      ...(version === 1 ? {} : { spread: Number((0.2 * this.#random()).toFixed(3)) }),
      ...(version === 1 ? {} : { sensitivity: Number((gapShare * this.#random()).toFixed(3)) }),
      ...(reading.truth === undefined ? {} : { truth: reading.truth }),
      received: reading.received,
      latencyMs: Number((2 + 6 * this.#random() ** 4 + (this.#random() < 0.01 ? 40 : 0)).toFixed(3)),
    };
  }

  #status(stage: Status['stage'], atMs: number): Status {
    const { readings, gaps, labels } = this.#totals;
    const counters: Record<string, Record<string, number>> = {
      generator: { sent: readings, accepted: readings, retried: 0 },
      collector: { readings, requests: readings, ignoredFields: 0 },
      archive: { points: readings, deadLetters: 0 },
      classifier: { readings, gaps, labels, deadLetters: 0, skipped: 0, ...this.counters },
    };
    return {
      stream: this.stream.name,
      stage,
      instance: `${stage}-1`,
      at: new Date(atMs).toISOString(),
      counters: counters[stage] ?? {},
      ...(stage === 'classifier' ? this.#classifierStatus() : {}),
      ...(stage === 'collector' && this.spool ? { spool: this.spool } : {}),
      ...(stage === 'archive' ? { lag: 12 } : {}),
    };
  }

  #classifierStatus(): Partial<Status> {
    const challenger = this.challenger === undefined ? {} : { challenger: this.challenger };
    return {
      lag: 3,
      model: { name: this.stream.name, version: this.version, ...challenger },
      ...(this.lastError ? { lastError: this.lastError } : {}),
      ...(this.promotions ? { promotions: this.promotions } : {}),
      ...(this.drift ? { drift: this.drift } : {}),
    };
  }
}

/** Half a swing over the middle of a window of so many samples. */
const shapeletIn = (channel: string, of = windowRate): NonNullable<Prediction['shapelet']> => ({
  ...{ channel, at: 0.45 * of, step: of / 100, of, share: 0.125 },
  values: Array.from({ length: 11 }, (_, tap) => Math.cos((tap / 10) * Math.PI)),
});

/** What a classifier reports when the first of its fields has drifted. */
export function driftOf(fields: readonly string[], readings: number): NonNullable<Status['drift']> {
  const listed = fields
    .slice(0, 20)
    .map((name, index) => ({ name, psi: 0.31 / (index + 1), outside: 0.02 / (index + 1) }));
  return { readings, outside: 0.034, psi: 0.31, threshold: 0.2, drifted: 1, fields: listed };
}

/** A small seeded generator (mulberry32), so that a failing test fails again. */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
