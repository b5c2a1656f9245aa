import type { AlertTopics } from './alert.ts';
import type { FactKinds } from './fact.ts';

/** The topics of one stream, by role. */
export interface Topics {
  readonly readings: string;
  readonly predictions: string;
  readonly deadLetters: string;
  readonly shadow: string;
  readonly status: string;
  /** Compacted: what the classifier remembers of each partition. */
  readonly state: string;
  /** Compacted: what other systems know of devices. Made where the stream takes facts. */
  readonly facts: string;
}

/** Readings that are whole segments: their values are samples, channel after channel. */
export interface Segments {
  readonly channels: readonly string[];
  /** Samples of each channel. */
  readonly length: number;
  /** Samples a second. */
  readonly rate: number;
}

/** What every stage knows of the stream that it serves. */
export interface Stream {
  readonly name: string;
  /** The names of a reading's values, in the order of the model's columns. Any characters, any case. */
  readonly fields: readonly string[];
  readonly topics: Topics;
  /** The kinds of facts that it takes; undefined where it takes none. */
  readonly facts?: FactKinds;
  /** Where a reading is a whole segment that the model takes as series; undefined where it is not, or nothing says how fast it was sampled. */
  readonly segments?: Segments;
  /** Where its alerts are; undefined where it has none. */
  readonly alerts?: AlertTopics;
}

/** The topics of a stream: by default `STREAM.readings`, `STREAM.predictions`, and so on. */
export function topicsOf(stream: string, chosen: { readings?: string; predictions?: string } = {}): Topics {
  return {
    readings: chosen.readings ?? `${stream}.readings`,
    predictions: chosen.predictions ?? `${stream}.predictions`,
    deadLetters: `${stream}.deadletters`,
    shadow: `${stream}.shadow`,
    status: `${stream}.status`,
    state: `${stream}.state`,
    facts: `${stream}.facts`,
  };
}
