import type { LogRecord } from '../core/log/port.ts';
import { viewOf, Words } from '../core/wire/words.ts';

/** Bytes of no request. */
export const nothing: Buffer = Buffer.alloc(0);

/** Bytes that are written one after the other. Room for them is made before, not at each byte. */
export class ByteWriter {
  bytes: Buffer = nothing;
  at = 0;
  /** The words of the bytes. */
  view = viewOf(nothing);

  /** Writes into these bytes from here on, from a place in them. */
  use(bytes: Buffer, at = 0): void {
    if (this.bytes !== bytes) this.view = viewOf(bytes);
    this.bytes = bytes;
    this.at = at;
  }

  hasRoom(bytes: number): boolean {
    return this.at + bytes <= this.bytes.length;
  }

  /** There has to be room for them. */
  words(words: Words): void {
    words.write(this.view, this.at);
    this.at += words.length;
  }

  push(code: number): this {
    this.bytes[this.at++] = code;
    return this;
  }

  /** Text of ASCII. */
  text(text: string): void {
    const { bytes } = this;
    let { at } = this;
    for (let index = 0; index < text.length; index += 1) bytes[at++] = text.charCodeAt(index);
    this.at = at;
  }
}

/** What a record may need beyond its reading's size in the body: its own keys, its times, and numbers written out. */
const slack = 1_024;
/**
 * Small requests share buffers of this size. Each buffer of its own would count as new memory outside of V8's heap, which makes V8 go
 * through all of its heap sooner; and one record that waits keeps no more than this.
 */
const sharedBytes = 32 << 10;

/**
 * Writes records of readings as `JSON.stringify` does. The records of a request share a few buffers, which live until all of them are
 * durable.
 */
export class RecordWriter {
  readonly out = new ByteWriter();
  readonly #head: Words;
  #tail = '';
  #start = 0;
  /** The size of the last record: the next one is probably not much larger. */
  #last = 0;
  /** Bytes of the buffers that are this request's alone. */
  #allocated = 0;
  /** What small requests share, and what is used of it. */
  #shared: Buffer = nothing;
  #sharedEnd = 0;

  constructor(stream: string) {
    this.#head = new Words(Buffer.from(`{"stream":${JSON.stringify(stream)},"device":"`));
  }

  /** Begins a request. */
  begin(bodyBytes: number, received: string): void {
    this.#tail = `,"received":"${received}"}`;
    this.#last = bodyBytes;
    this.#allocated = 0;
    this.#renew(bodyBytes);
  }

  /**
   * Ends a request. Records that fill a small part of their buffers are copied, so that while they wait they hold about what they count;
   * a body of megabytes may end as a record of a hundred bytes.
   */
  finish(records: LogRecord[]): LogRecord[] {
    if (this.out.bytes !== this.#shared) this.out.use(nothing);
    const used = records.reduce((sum, { value }) => sum + value.byteLength, 0);
    if (this.#allocated <= 2 * used + 4 * slack) return records;
    return records.map((record) => ({ ...record, value: Buffer.from(record.value) }));
  }

  /**
   * Begins a record. Device and time are printable ASCII without quotes and backslashes.
   * @param left bytes of the body from this reading on
   */
  head(device: string, time: string, left: number): void {
    const { out } = this;
    if (out.bytes.length - out.at < Math.min(left, 4 * this.#last) + this.#slack) this.#renew(left);
    this.#start = out.at;
    out.words(this.#head);
    out.text(device);
    out.text('","time":"');
    out.text(time);
    out.text('","values":');
  }

  /** Ends a record; undefined where it grew beyond the buffer, which only odd readings make it do. */
  end(device: string, truth: string | undefined): LogRecord | undefined {
    const { out } = this;
    if (truth !== undefined) {
      out.text(',"truth":"');
      out.text(truth);
      out.push(0x22);
    }
    out.text(this.#tail);
    if (out.at > out.bytes.length) return undefined;
    this.#last = out.at - this.#start;
    return { key: device, value: out.bytes.subarray(this.#start, out.at) };
  }

  get #slack(): number {
    return this.#head.length + slack;
  }

  /** A reading grows by a tenth or so: by the stream and the time of arrival. */
  #renew(left: number): void {
    if (this.out.bytes === this.#shared) this.#sharedEnd = this.out.at;
    const size = left + (left >> 3) + this.#slack;
    if (8 * size <= sharedBytes) {
      this.#share(size);
      return;
    }
    this.out.use(Buffer.allocUnsafe(size));
    this.#allocated += size;
  }

  #share(size: number): void {
    if (this.#shared.length - this.#sharedEnd < size) {
      this.#shared = Buffer.allocUnsafeSlow(sharedBytes);
      this.#sharedEnd = 0;
    }
    this.out.use(this.#shared, this.#sharedEnd);
  }
}
