import type { LabelledRecord } from './labelled-record.ts';
import { Parts } from './parts.ts';
import type { Reader } from './reader.ts';

/** The readers with the same selection, and what they are sent. */
export class Audience {
  readonly readers = new Set<Reader>();
  readonly parts = new Parts();

  /** A reader that has all that was collected until now. */
  join(reader: Reader): void {
    this.parts.seal();
    reader.follow(this.parts);
    this.readers.add(reader);
  }
}

const keyOf = (device?: string, label?: string): string => JSON.stringify([device, label]);

/** Finds those who want a prediction without a look at the others. */
export class Audiences {
  readonly #audiences = new Map<string, Audience>();
  /** Audiences that select by label: without them, no prediction is parsed. */
  #withLabel = 0;

  get size(): number {
    return this.#audiences.size;
  }

  join(reader: Reader): void {
    const { device, label } = reader.selection;
    const key = keyOf(device, label);
    let audience = this.#audiences.get(key);
    if (audience === undefined) {
      audience = new Audience();
      this.#audiences.set(key, audience);
      if (label !== undefined) this.#withLabel += 1;
    }
    audience.join(reader);
  }

  leave(reader: Reader): void {
    const { device, label } = reader.selection;
    const key = keyOf(device, label);
    const audience = this.#audiences.get(key);
    if (!audience?.readers.delete(reader) || audience.readers.size > 0) return;
    this.#audiences.delete(key);
    if (label !== undefined) this.#withLabel -= 1;
  }

  /** Those who want this prediction. */
  of(labelled: LabelledRecord): Audience[] {
    const device = labelled.record.key ?? undefined;
    const label = this.#withLabel === 0 ? undefined : labelled.label;
    // Without a device or a label, keys repeat.
    const keys = new Set([keyOf(), keyOf(device), keyOf(undefined, label), keyOf(device, label)]);
    return [...keys].flatMap((key) => this.#audiences.get(key) ?? []);
  }
}
