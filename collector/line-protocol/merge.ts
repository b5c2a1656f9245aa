/** A reading made of one line or of several. */
export interface MergedReading {
  readonly device: string;
  /** Nanoseconds since the epoch, as a decimal string. */
  readonly time: string;
  /** Where a field occurs twice, the later value is kept. A map, so that a field named `__proto__` is a field like any other. */
  readonly values: Map<string, number>;
  /** Whether one of the lines says that the segment is whole. */
  endsSegment: boolean;
}

/**
 * Merges the lines of one body that have the same device and time, as InfluxDB does: many devices send one field a line. Lines without a
 * time arrive together, so they are one reading too, until a field comes again: then a new one begins, and no value is lost.
 */
export class MergedReadings {
  readonly list: MergedReading[] = [];
  readonly #arrival: () => string;
  /** By device, a line break, and the time; without a time, the reading of the device that is still open. */
  readonly #byIdentity = new Map<string, MergedReading>();

  constructor(arrival: () => string) {
    this.#arrival = arrival;
  }

  add(device: string, time: string | undefined, values: readonly [string, number][], endsSegment = false): void {
    const identity = `${device}\n${time ?? ''}`;
    const before = this.#byIdentity.get(identity);
    if (before !== undefined && (time !== undefined || !values.some(([name]) => before.values.has(name)))) {
      for (const [name, value] of values) before.values.set(name, value);
      before.endsSegment ||= endsSegment;
      return;
    }
    const reading = { device, time: time ?? this.#arrival(), values: new Map(values), endsSegment };
    this.#byIdentity.set(identity, reading);
    this.list.push(reading);
  }
}
