import type { RecentPrediction } from '../events.ts';
import type { SeenPrediction, SeenReading } from './records.ts';

const shown = 8;
const valuesShown = 12;

/**
 * The last predictions beside what was measured: a prediction carries only what was filled, so the readings of the last seconds are
 * remembered for as long as it may take to label them.
 */
export class Recent {
  readonly #fields: readonly string[];
  readonly #indices: ReadonlyMap<string, number>;
  readonly #mostReadings: number;
  readonly #readings = new Map<string, SeenReading>();
  #predictions: { readonly prediction: SeenPrediction; readonly at: number }[] = [];

  constructor(fields: readonly string[], mostValues = 100_000) {
    this.#fields = fields;
    this.#indices = new Map(fields.map((name, index) => [name, index]));
    this.#mostReadings = Math.max(50, Math.min(1_000, Math.floor(mostValues / Math.max(1, fields.length))));
  }

  takeReading(reading: SeenReading): void {
    this.#readings.set(identity(reading), reading);
    if (this.#readings.size <= this.#mostReadings) return;
    const [oldest] = this.#readings.keys();
    if (oldest !== undefined) this.#readings.delete(oldest);
  }

  takePrediction(prediction: SeenPrediction, at: number): void {
    this.#predictions.push({ prediction, at });
    if (this.#predictions.length > 4 * shown) this.#predictions = this.#predictions.slice(-shown);
  }

  /** Newest first, by arrival: partitions are read one after another. */
  views(): RecentPrediction[] {
    return [...this.#predictions]
      .sort((a, b) => b.at - a.at)
      .slice(0, shown)
      .map(({ prediction, at }) => this.#viewOf(prediction, at));
  }

  #viewOf(prediction: SeenPrediction, at: number): RecentPrediction {
    const reading = this.#readings.get(identity(prediction));
    const filled = Object.entries(prediction.filled).map(([name, value]): [number | string, number] => [
      this.#indices.get(name) ?? name,
      value,
    ]);
    const measured = reading ? this.#measured(reading, filled) : [];
    return {
      device: prediction.device,
      time: prediction.time,
      at,
      label: prediction.label,
      probability: prediction.probability,
      truth: prediction.truth ?? null,
      version: prediction.model.version,
      sensitivity: prediction.sensitivity ?? null,
      spread: prediction.spread ?? null,
      isWindow: prediction.from !== undefined,
      gaps: prediction.gaps,
      gapsAt: reading ? this.#gapsOf(reading) : filled.flatMap(([field]) => (typeof field === 'number' ? [field] : [])),
      values: [
        ...filled.slice(0, valuesShown).map(([index, value]) => [index, value, true] as const),
        ...measured.slice(0, Math.max(0, valuesShown - filled.length)),
      ],
    };
  }

  #gapsOf(reading: SeenReading): number[] {
    return this.#fields.flatMap((name, index) => (typeof reading.values[name] === 'number' ? [] : [index]));
  }

  #measured(
    reading: SeenReading,
    filled: readonly [number | string, number][],
  ): (readonly [number, number, boolean])[] {
    const taken = new Set(filled.map(([field]) => field));
    return this.#fields.flatMap((name, index) => {
      const value = reading.values[name];
      return typeof value === 'number' && !taken.has(index) ? [[index, value, false] as const] : [];
    });
  }
}

function identity({ device, time }: { device: string; time: string }): string {
  return `${device}\n${time}`;
}
