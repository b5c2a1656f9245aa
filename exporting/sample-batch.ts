import type { SampleTexts } from '../core/store/point-row.ts';
import type { SampleSpan } from '../core/wire/samples-point.ts';

/** The samples of one point, their numbers as bytes of text. */
export interface SamplePoint extends SampleSpan {
  /** Of the first sample of the record, in nanoseconds. */
  readonly recordTime: bigint;
  readonly truth: string | undefined;
  /** Whether the last one ends its segment. */
  readonly isEnd: boolean;
  /** By field, where its text stands. */
  readonly texts: readonly ({ readonly from: number; readonly to: number } | undefined)[];
}

/** Samples of some points, on their way to the thread that reads them. Bytes are used again when they come back. */
export interface SampleBatch {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly points: readonly SamplePoint[];
}

/** A character takes no more of UTF-8. */
const mostBytes = 3;

/** What texts take at the most. */
export const roomOf = ({ texts }: SampleTexts): number =>
  texts.reduce(
    (sum, text) => sum + (text === undefined ? 0 : typeof text === 'string' ? text.length * mostBytes : text.length),
    0,
  );

/** Puts texts one behind the other. */
export class BatchWriter {
  readonly #bytes: Buffer<ArrayBuffer>;
  readonly #points: SamplePoint[] = [];
  #length = 0;

  constructor(bytes: Uint8Array<ArrayBuffer>) {
    this.#bytes = Buffer.from(bytes.buffer);
  }

  hasRoom(bytes: number): boolean {
    return this.#length + bytes <= this.#bytes.length;
  }

  add({ texts, rate, first, count }: SampleTexts, of: Pick<SamplePoint, 'recordTime' | 'truth' | 'isEnd'>): void {
    const places = Array.from(texts, (text) => (text === undefined ? undefined : this.#put(text)));
    this.#points.push({ ...of, rate, first, count, texts: places });
  }

  #put(text: string | Uint8Array) {
    const from = this.#length;
    if (typeof text === 'string') this.#length += this.#bytes.write(text, from);
    else {
      this.#bytes.set(text, from);
      this.#length += text.length;
    }
    return { from, to: this.#length };
  }

  get batch(): SampleBatch {
    return { bytes: new Uint8Array(this.#bytes.buffer), points: this.#points };
  }
}
