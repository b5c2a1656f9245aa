import type { LabelledRecord } from './labelled-record.ts';
import type { Reader } from './reader.ts';

/** Events of one part of a stream are about so long. */
const partBytes = 64 << 10;

/** A piece of the events of one audience; all of its readers are sent these same bytes. */
export interface Part {
  /** Undefined in the last one, which is not made yet. */
  bytes: Buffer | undefined;
  next: Part | undefined;
  /** Bytes of all parts before it. */
  readonly begin: number;
}

/**
 * The readers with the same selection. What they are sent is encoded once, as a list of parts; each reader holds the part that it gets next,
 * so that a part is forgotten with the last reader that has not read it.
 */
export class Audience {
  readonly readers = new Set<Reader>();
  #events: Buffer[] = [];
  #bytes = 0;
  /** The part that is made next. */
  #end: Part = { bytes: undefined, next: undefined, begin: 0 };

  get hasNews(): boolean {
    return this.#events.length > 0;
  }

  /** Of all that it was sent, or will be. */
  get bytes(): number {
    return this.#end.begin + this.#bytes;
  }

  collect(event: Buffer): void {
    this.#events.push(event);
    this.#bytes += event.length;
    if (this.#bytes >= partBytes) this.seal();
  }

  /** Makes a part of what was collected. */
  seal(): void {
    if (!this.hasNews) return;
    const end: Part = { bytes: undefined, next: undefined, begin: this.bytes };
    this.#end.bytes = Buffer.concat(this.#events, this.#bytes);
    this.#end.next = end;
    this.#end = end;
    this.#events = [];
    this.#bytes = 0;
  }

  /** A reader that has all that was collected until now. */
  join(reader: Reader): void {
    this.seal();
    reader.follow(this, this.#end);
    this.readers.add(reader);
  }
}

const keyOf = (device?: string, label?: string): string => JSON.stringify([device, label]);

/** Finds those who want a prediction without a look at the others. */
export class Audiences {
  readonly #audiences = new Map<string, Audience>();
  /** Audiences that select by label: without them, no prediction is parsed. */
  #withLabel = 0;

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
