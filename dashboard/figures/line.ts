import type { StoredRecord } from '../../core/log/port.ts';
import { elementAt } from '../../core/numeric/element.ts';
import { isSamples } from '../../core/wire/decode-samples.ts';
import type { Reading } from '../../core/wire/reading.ts';
import type { Samples } from '../../core/wire/samples.ts';
import type { Stream } from '../../core/wire/stream.ts';
import { Classes } from './classes.ts';
import { DeadLetters } from './dead-letters.ts';
import { isWindow } from './device-samples.ts';
import { Duel, type ScoredPair } from './duel.ts';
import { GapBins } from './gap-bins.ts';
import { ModelChanges } from './model-changes.ts';
import { Recent } from './recent.ts';
import { parsePrediction, parseRecord, type SeenPrediction } from './records.ts';
import { TopicSample } from './sample.ts';
import { type Second, Window } from './window.ts';
import { Windows } from './windows.ts';

/** How far back the page looks, in seconds. */
export const keepSeconds = 600;
/** Classes told apart: thirty, "unknown", and some to spare. */
const classLimit = 40;

/** A record counts once more for each so many bytes when it is decided how many are parsed: one may hold a second of vibration. */
const bytesOfOne = 4_096;

export interface LineOptions {
  readonly stream: Stream;
  /** Records of a topic that are parsed in a second. */
  readonly parsedPerSecond: number;
  /** Called with the device of each reading that is parsed. */
  readonly heard?: (device: string) => void;
  /** Called with each prediction that is parsed. */
  readonly labelled?: (device: string, label: string) => void;
}

/** What went down the line in the last minutes: readings, predictions and dead letters, gathered by second of arrival. */
export class Line {
  readonly window: Window;
  readonly classes = new Classes(classLimit);
  readonly recent: Recent;
  readonly windows: Windows;
  readonly deadLetters = new DeadLetters();
  readonly duel = new Duel(this.classes);
  readonly gapBins: GapBins;
  readonly models = new ModelChanges();
  /** Of all predictions parsed so far; cells as those of a second. */
  readonly confusion = new Map<number, number>();
  /** Predictions parsed so far, and those of them that knew their truth. */
  predictionsSeen = 0;
  truthsSeen = 0;
  /** Whether the newest of them is that of a window. */
  labelsWindows = false;
  malformed = 0;
  /** The first second in which something arrived. */
  firstSecond = Number.POSITIVE_INFINITY;
  /** The gap rate of the generator, noted with each new second. */
  gapRate: number | null = null;

  readonly #readingSample: TopicSample;
  readonly #predictionSample: TopicSample;
  readonly #shadowSample: TopicSample;
  readonly #fields: readonly string[];
  readonly #topics: Stream['topics'];
  readonly #heard: NonNullable<LineOptions['heard']>;
  readonly #labelled: NonNullable<LineOptions['labelled']>;

  constructor({ stream, parsedPerSecond, heard = () => {}, labelled = () => {} }: LineOptions) {
    this.#heard = heard;
    this.#labelled = labelled;
    this.#fields = stream.fields;
    this.#topics = stream.topics;
    const fieldCount = stream.fields.length;
    this.gapBins = new GapBins(fieldCount);
    this.window = new Window({ keep: keepSeconds, fieldCount, classLimit, gapBins: this.gapBins.count });
    this.recent = new Recent(stream.fields);
    this.windows = new Windows(stream.fields, { segments: stream.segments });
    this.#readingSample = new TopicSample(parsedPerSecond);
    this.#predictionSample = new TopicSample(parsedPerSecond);
    this.#shadowSample = new TopicSample(parsedPerSecond);
  }

  take(record: StoredRecord, nowMs: number): void {
    const second = this.#second(record.arrivedMs, nowMs);
    if (!second) return;
    if (record.topic === this.#topics.readings) this.#takeReading(record, second);
    else if (record.topic === this.#topics.predictions) this.#takePrediction(record, second);
    else if (record.topic === this.#topics.shadow) this.#takeShadow(record, second);
    else if (record.topic === this.#topics.deadLetters) {
      second.deadLetters += 1;
      this.deadLetters.take(record);
    }
  }

  /** Counts records that nobody read. */
  addSkipped(topic: string, count: number, arrivedMs: number, nowMs: number): void {
    const second = this.#second(arrivedMs, nowMs);
    if (!second) return;
    if (topic === this.#topics.readings) second.readings += count;
    else if (topic === this.#topics.predictions) second.labels += count;
    else if (topic === this.#topics.deadLetters) second.deadLetters += count;
  }

  #second(arrivedMs: number, nowMs: number): Second | undefined {
    const at = Math.floor(arrivedMs / 1_000);
    const nowSecond = Math.floor(nowMs / 1_000);
    const second = this.window.touch(at, nowSecond);
    if (!second) return undefined;
    if (at >= nowSecond - 1) second.setGapRate ??= this.gapRate;
    this.firstSecond = Math.min(this.firstSecond, second.at);
    return second;
  }

  #takeReading(record: StoredRecord, second: Second): void {
    second.readings += 1;
    second.takenReadings += 1 + Math.floor(record.value.byteLength / bytesOfOne);
    const before = this.window.get(second.at - 1)?.takenReadings ?? 0;
    if (!this.#readingSample.holds(record, before, second.takenReadings)) return;
    const reading = parseRecord(record.value);
    if (!reading) {
      this.malformed += 1;
      return;
    }
    this.#countGaps(reading, second);
    this.#heard(reading.device);
    this.windows.takeRecord(reading);
    if (this.#readingSample.isShown && !isSamples(reading)) this.recent.takeReading(reading);
  }

  #countGaps({ values }: Reading | Samples, second: Second): void {
    second.parsedReadings += 1;
    for (let field = 0; field < this.#fields.length; field += 1) {
      // Also right for names such as "constructor", which every object seems to have.
      const value = values[elementAt(this.#fields, field)];
      if (typeof value !== 'number') second.gapsByField[field]! += Array.isArray(value) ? gapShare(value) : 1;
    }
  }

  #takePrediction(record: StoredRecord, second: Second): void {
    second.labels += 1;
    second.takenLabels += 1;
    const before = this.window.get(second.at - 1)?.takenLabels ?? 0;
    if (!this.#predictionSample.holds(record, before, second.takenLabels)) return;
    const prediction = parsePrediction(record.value);
    if (!prediction) {
      this.malformed += 1;
      return;
    }
    this.#countLabel(prediction, second);
    this.#labelled(prediction.device, prediction.label);
    this.models.take(prediction.model, record);
    countPair(this.duel.takeChampion(prediction), second);
    this.windows.takePrediction(prediction);
    if (this.#predictionSample.isShown) this.recent.takePrediction(prediction, record.arrivedMs);
  }

  #takeShadow(record: StoredRecord, second: Second): void {
    second.takenShadows += 1;
    const before = this.window.get(second.at - 1)?.takenShadows ?? 0;
    if (!this.#shadowSample.holds(record, before, second.takenShadows)) return;
    const prediction = parsePrediction(record.value);
    if (prediction) countPair(this.duel.takeChallenger(prediction), second);
    else this.malformed += 1;
  }

  #countLabel(prediction: SeenPrediction, second: Second): void {
    // All classes at once, in the model's order: colours then stay as they are.
    if (this.predictionsSeen === 0)
      for (const name of Object.keys(prediction.probabilities)) this.classes.indexOf(name);
    this.predictionsSeen += 1;
    this.labelsWindows = isWindow(prediction);
    const label = this.classes.indexOf(prediction.label);
    second.parsedLabels += 1;
    second.byClass[label]! += 1;
    second.latency.record(prediction.latencyMs);
    if (prediction.truth === undefined) return;
    this.truthsSeen += 1;
    const bin = isWindow(prediction) ? this.gapBins.ofWindow(prediction.gaps) : this.gapBins.of(prediction.gaps);
    second.scoredByGaps[bin]! += 1;
    if (prediction.truth === prediction.label) second.rightByGaps[bin]! += 1;
    const cell = this.classes.indexOf(prediction.truth) * classLimit + label;
    for (const confusion of [second.confusion, this.confusion]) confusion.set(cell, (confusion.get(cell) ?? 0) + 1);
  }
}

/** Counts in the second in which the later of the two came. */
function countPair(pair: ScoredPair | undefined, second: Second): void {
  if (!pair) return;
  second.pairs += 1;
  if (pair.champion) second.championRight += 1;
  if (pair.challenger) second.challengerRight += 1;
}

/** Which share of the samples is missing. What an array lacks at its end was not to be measured: a temperature beside a vibration. */
function gapShare(column: readonly unknown[]): number {
  let gaps = 0;
  for (const value of column) if (typeof value !== 'number') gaps += 1;
  return column.length === 0 ? 1 : gaps / column.length;
}
