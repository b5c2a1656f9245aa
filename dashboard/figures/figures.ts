import type { StoredRecord } from '../../core/log/port.ts';
import { describePromotion } from '../../core/wire/promotion.ts';
import type { Stream } from '../../core/wire/stream.ts';
import type {
  DeadLetterFigures,
  Delta,
  ModelFigures,
  Second as SecondRow,
  Sections,
  Snapshot,
  WindowView,
} from '../events.ts';
import { byGapsOf, overallFigures, scoreFigures } from './accuracy.ts';
import { AlertList } from './alerts.ts';
import { gapsOf, latencyOf, oneInOf, ratesOf, rowOf } from './derived.ts';
import { FactList } from './fact-list.ts';
import { Line } from './line.ts';
import { Stages } from './stages.ts';

export interface FiguresOptions {
  readonly stream: Stream;
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
  /** Records of a topic that are parsed in a second, at most. The default keeps it to some 5 % of a core for any number of fields. */
  readonly parsedPerSecond?: number;
}

/** Alerts that are kept, and those that are shown. */
const mostAlerts = 1_000;
const alertsShown = 20;
/** Subjects of one kind of fact that are kept, and those that are shown, inside and outside. */
const mostSubjects = 100_000;
const subjectsShown = 36;

/** Everything that the page shows, kept up to date record by record and bounded whatever arrives. */
export class Figures {
  /** Set by whoever reads the log. */
  trouble: string | null = null;
  catchingUp = false;
  skipped = 0;
  /** Grows when the line is reset: whoever has figures then needs all of them again. */
  generation = 0;

  readonly #stream: Stream;
  readonly #now: () => number;
  /** Records of a topic that are parsed in a second, at most. */
  readonly parsedPerSecond: number;
  readonly #stages = new Stages();
  readonly #alerts: AlertList | undefined;
  readonly #facts: FactList | undefined;
  readonly #sent = new Map<string, string>();
  #malformedStatus = 0;
  #line: Line;
  #gapRate: number | null = null;

  constructor({ stream, now = Date.now, parsedPerSecond }: FiguresOptions) {
    this.#stream = stream;
    this.#now = now;
    this.#alerts = stream.alerts && new AlertList(stream.name, mostAlerts);
    this.#facts = stream.facts && new FactList(stream, mostSubjects);
    this.parsedPerSecond = parsedPerSecond ?? Math.round(Math.min(2_000, 100_000 / (stream.fields.length + 10)));
    this.#line = this.#newLine();
  }

  /** Forgets what went down the line; what the stages reported stays. */
  forgetLine(): void {
    this.generation += 1;
    this.#line = this.#newLine();
    this.#line.gapRate = this.#gapRate;
  }

  /** The gap rate of the generator; null where there is nothing to control. */
  get gapRate(): number | null {
    return this.#gapRate;
  }

  set gapRate(rate: number | null) {
    this.#gapRate = rate;
    this.#line.gapRate = rate;
  }

  take(records: readonly StoredRecord[]): void {
    const nowMs = this.#now();
    for (const record of records) {
      if (record.topic !== this.#stream.topics.status) this.#line.take(record, nowMs);
      else if (!this.#stages.take(record.value, Math.min(record.arrivedMs, nowMs))) this.#malformedStatus += 1;
    }
  }

  /** Takes records of the topic of alerts. */
  takeAlerts(records: readonly StoredRecord[]): void {
    for (const { value } of records) this.#alerts?.take(value);
  }

  /** Takes records of the topic of facts. */
  takeFacts(records: readonly StoredRecord[]): void {
    for (const { value } of records) this.#facts?.take(value);
  }

  /** Counts records that were skipped unread. */
  addSkipped(topic: string, count: number, arrivedMs: number): void {
    this.#line.addSkipped(topic, count, arrivedMs, this.#now());
  }

  /** Whether windows were labelled. */
  get hasWindows(): boolean {
    return this.#line.windows.devices() !== null;
  }

  /** Whether a challenger labels the same readings. */
  get hasDuel(): boolean {
    return this.#line.duel.figures() !== null;
  }

  /** One field of the last window of a device; undefined where none is known. */
  windowOf(device: string, field: string): WindowView | undefined {
    return this.#line.windows.view(device, field);
  }

  snapshot(): Snapshot {
    const nowMs = this.#now();
    const { window } = this.#line;
    return {
      at: nowMs,
      stream: this.#stream.name,
      fields: this.#stream.fields,
      ...this.#sections(nowMs),
      seconds: Array.from(window.all(Math.floor(nowMs / 1_000)), (second) => rowOf(this.#line, second)),
    };
  }

  /** What changed since the delta before. The first one holds everything. */
  delta(): Delta {
    const nowMs = this.#now();
    const changed: Record<string, unknown> = {};
    for (const [name, section] of Object.entries(this.#sections(nowMs))) {
      const json = JSON.stringify(section);
      if (this.#sent.get(name) === json) continue;
      this.#sent.set(name, json);
      changed[name] = section;
    }
    const seconds = this.#changedSeconds(Math.floor(nowMs / 1_000));
    return { at: nowMs, ...changed, ...(seconds.length === 0 ? {} : { seconds }) };
  }

  #changedSeconds(nowSecond: number): SecondRow[] {
    const { window } = this.#line;
    const rows: SecondRow[] = [];
    for (const second of window.all(nowSecond)) {
      if (second.revision === window.revision) rows.push(rowOf(this.#line, second));
    }
    window.revision += 1;
    return rows;
  }

  #sections(nowMs: number): Sections {
    const line = this.#line;
    const nowSecond = Math.floor(nowMs / 1_000);
    return {
      rates: ratesOf(line, nowSecond),
      gaps: gapsOf(line, nowSecond, this.#stream.fields.length),
      classes: line.classes.names,
      score: scoreFigures(line, nowSecond),
      overall: overallFigures(line),
      byGaps: byGapsOf(line, nowSecond),
      duel: line.duel.figures(),
      drift: this.#stages.drift(nowMs),
      latency: latencyOf(line, nowSecond),
      model: this.#model(),
      stages: this.#stages.at(nowMs),
      deadLetters: this.#deadLetters(nowSecond),
      alerts: this.#alerts?.views(alertsShown) ?? null,
      facts: this.#facts?.figures(nowMs, subjectsShown) ?? null,
      recent: line.recent.views(),
      windows: line.windows.devices(),
      source: {
        oneIn: oneInOf(line, nowSecond),
        skipped: this.skipped,
        malformed: line.malformed + this.#malformedStatus,
        trouble: this.trouble,
        catchingUp: this.catchingUp,
      },
      controls: this.#gapRate === null ? null : { gapRate: this.#gapRate },
    };
  }

  #newLine(): Line {
    const heard = (device: string) => this.#facts?.takeDevice(device);
    const labelled = (device: string, label: string) => this.#facts?.takeLabel(device, label);
    return new Line({ stream: this.#stream, parsedPerSecond: this.parsedPerSecond, heard, labelled });
  }

  #model(): ModelFigures | null {
    const { current, list } = this.#line.models;
    const promotions = this.#stages.promotions().map((each) => ({ ...each, text: describePromotion(each) }));
    return current && { ...current, challenger: this.#stages.challenger(), swaps: list, promotions };
  }

  #deadLetters(nowSecond: number): DeadLetterFigures {
    let count = 0;
    for (const second of this.#line.window.all(nowSecond)) count += second.deadLetters;
    return { count, last: this.#line.deadLetters.views() };
  }
}
