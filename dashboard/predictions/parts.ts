/** Events of one part are about so long. */
const partBytes = 64 << 10;

/** A piece of a stream of events; all readers are sent these same bytes. */
export interface Part {
  /** Undefined in the last one, which is not made yet. */
  bytes: Buffer | undefined;
  next: Part | undefined;
  /** Bytes of all parts before it. */
  readonly begin: number;
}

/**
 * A stream of events, encoded once for all of its readers, as a list. Each reader holds the part that it gets next, so that a part is
 * forgotten with the last reader that has not read it.
 */
export class Parts {
  #events: Buffer[] = [];
  #bytes = 0;
  #end: Part = { bytes: undefined, next: undefined, begin: 0 };

  /** The part that is made next. */
  get end(): Part {
    return this.#end;
  }

  get hasNews(): boolean {
    return this.#events.length > 0;
  }

  /** Of all events until now. */
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
}
